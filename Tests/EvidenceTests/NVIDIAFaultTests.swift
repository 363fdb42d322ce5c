import Crypto
import Encoding
import Evidence
import Testing

@Suite("NVIDIA reports with one thing wrong")
struct NVIDIAFaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let code: RefusalCode
        let check: String
        let change: @Sendable (inout NVIDIAFixture) -> Void

        init(
            _ name: String, _ code: RefusalCode, _ check: String,
            _ change: @escaping @Sendable (inout NVIDIAFixture) -> Void
        ) {
            self.name = name
            self.code = code
            self.check = check
            self.change = change
        }

        var testDescription: String { name }
    }

    @Test("the fixture itself is accepted", arguments: [false, true])
    func accepted(_ writesTCBInfo: Bool) throws {
        var fixture = NVIDIAFixture()
        fixture.writesTCBInfo = writesTCBInfo
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.signatureChain == .valid, Comment(rawValue: verdict.json.text))
        #expect(verdict.reportData == Array(repeating: 0xda, count: 32) && verdict.hostData.isEmpty)
        #expect(verdict.validUntil?.description == "9999-12-31T23:59:59Z")
        #expect(verdict.claims["x-cloister-nvidia-driver-version"] == "590.12")
        #expect(verdict.claims["x-cloister-nvidia-vbios-version"] == "96.00.A5.00.01")
        #expect(verdict.claims["x-cloister-nvidia-device"] == "GH100 A01 GSP FMC LF")
        #expect(
            verdict.claims["x-cloister-nvidia-measurements"]?["4"]?.string == String(repeating: "a4", count: 48))
        #expect(verdict.check("revocation")?.outcome == .notApplicable)
        #expect(verdict.check("measurements")?.outcome == .notApplicable)
        #expect(verdict.check("firmware-id")?.outcome == .passed)
    }

    @Test("refused with its code", arguments: NVIDIAFaultTests.faults)
    func refused(_ fault: Fault) throws {
        var fixture = NVIDIAFixture()
        fault.change(&fixture)
        let verdict = try fixture.built().verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.code == fault.code, explanation)
        #expect(verdict.check(fault.check)?.code == fault.code, explanation)
    }

    static let faults: [Fault] = [
        Fault("another SPDM version", .evidenceMalformed, "format") { $0.request[0] = 0x12 },
        Fault("another request", .evidenceMalformed, "format") { $0.request[1] = 0xe1 },
        Fault("a request without a signature", .evidenceMalformed, "format") { $0.request[2] = 0 },
        Fault("a request for one measurement", .evidenceMalformed, "format") { $0.request[3] = 1 },
        Fault("another response", .evidenceMalformed, "format") { $0.responseHead[1] = 0x7f },
        Fault("fewer measurements than the head says", .evidenceMalformed, "format") { $0.measurementCount = 5 },
        Fault("more measurements than the head says", .evidenceMalformed, "format") { $0.measurementCount = 3 },
        Fault("a measurement twice", .evidenceMalformed, "format") { $0.measurements[2].0 = 1 },
        Fault("a measurement of another specification", .evidenceMalformed, "format") { $0.measurements[2].1 = 2 },
        Fault("sizes of a measurement that disagree", .evidenceMalformed, "format") { $0.sizeError = 1 },
        Fault("a measurement record that is too long", .evidenceMalformed, "format") { $0.recordSizeError = 1 },
        Fault("a measurement record beyond the end", .evidenceMalformed, "format") { $0.recordSizeError = 60_000 },
        Fault("an opaque field twice", .evidenceMalformed, "format") { $0.fields[3].0 = 3 },
        Fault("opaque data with a head that is cut", .evidenceMalformed, "format") {
            $0.fields = []
            $0.opaqueHead = Array("NVDAOD".utf8)
        },
        Fault("opaque data of another profile", .evidenceMalformed, "format") {
            $0.opaqueHead = Array("NVDAOD".utf8) + [1, 0, 2, 0, 0, 0]
        },
        Fault("opaque data of a later version", .evidenceMalformed, "format") {
            $0.opaqueHead = Array("NVDAOD".utf8) + [0, 0, 3, 0, 0, 0]
        },
        Fault("AC-018 trailing bytes", .evidenceMalformed, "format") { $0.tail = [0] },
        Fault("DER signature", .evidenceMalformed, "format") { $0.changeSignature = { Array($0.derRepresentation) } },
        Fault("AC-001 signed by another key", .evidenceSignature, "report-signature") { $0.signsWith = .newP384() },
        Fault("a signature of zeros", .evidenceSignature, "report-signature") {
            $0.changeSignature = { _ in Array(repeating: 0, count: 96) }
        },
        Fault("another firmware in the certificate", .tcbInconsistent, "firmware-id") {
            $0.certifiedFirmwareID?[47] ^= 1
        },
        Fault("another firmware in the report", .tcbInconsistent, "firmware-id") { $0.fields[2].1[0] ^= 1 },
        Fault("another firmware in a TCB info", .tcbInconsistent, "firmware-id") {
            $0.writesTCBInfo = true
            $0.certifiedFirmwareID?[0] ^= 1
        },
        Fault("a firmware that the certificate does not name", .tcbInconsistent, "firmware-id") {
            $0.certifiedFirmwareID = nil
        },
        Fault("a chain without its root", .evidenceChain, "certificate-chain") { $0.changeChain = { $0.dropLast() } },
        Fault("a well-formed chain of four", .evidenceChain, "certificate-chain") { $0.certificates.remove(at: 2) },
        Fault("a chain of six", .evidenceChain, "certificate-chain") { $0.changeChain = { $0 + [$0[4]] } },
        Fault("no chain", .evidenceChain, "certificate-chain") { $0.changeChain = { _ in [] } },
        Fault("a chain with the root first", .evidenceChain, "certificate-chain") {
            $0.changeChain = { $0.reversed() }
        },
        Fault("an issuer that is no CA", .evidenceChain, "certificate-chain") {
            $0.certificates[2].isAuthority = false
        },
        Fault("an issuer that may not sign certificates", .evidenceChain, "certificate-chain") {
            $0.certificates[1].keyUsage = TestCertificate.digitalSignature
        },
        Fault("an attestation key of another curve", .evidenceChain, "certificate-chain") {
            $0.certificates[0].key = .newP256()
            $0.signsWith = .newP384()
        },
        Fault("a leaf issued in another name", .evidenceChain, "certificate-chain") {
            $0.leafIssuer = "GH100 Identity"
        },
        Fault("AC-002 a flipped bit in an issuer's signature", .evidenceChain, "certificate-chain") {
            $0.changeChain = { chain in
                var chain = chain
                chain[1][chain[1].count - 1] ^= 1
                return chain
            }
        },
        Fault("an issuer that is not yet valid", .evidenceChain, "certificate-validity") {
            $0.certificates[3].notBefore = NVIDIAFixture.time + 1
        },
        Fault("a leaf that expired", .evidenceChain, "certificate-validity") {
            $0.certificates[0].notAfter = NVIDIAFixture.time - 1
        },
    ]

    @Test func `opaque data with a header is read`() throws {
        var fixture = NVIDIAFixture()
        fixture.opaqueHead = Array("NVDAOD".utf8) + [0, 0, 2, 0, 0, 0]
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.claims["x-cloister-nvidia-driver-version"] == "590.12")
    }

    @Test func `a report without opaque data is accepted, and says less`() throws {
        var fixture = NVIDIAFixture()
        fixture.fields = []
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.check("firmware-id")?.outcome == .notApplicable)
        #expect(verdict.claims["x-cloister-nvidia-driver-version"] == nil)
    }

    @Test("AC-018 every cut of a report is malformed")
    func truncated() throws {
        let report = try NVIDIAFixture().built().report
        for count in report.indices {
            let refusal = #expect(throws: Refusal.self) { try NVIDIAReport(report[..<count]) }
            #expect(refusal?.code == .evidenceMalformed)
        }
    }

    @Test("AC-001 AC-002 a flipped bit in any byte of a report, or in every seventh of its chain, is refused")
    func bits() throws {
        let built = try NVIDIAFixture().built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        var accepted: [Int] = []
        let chain = stride(from: built.report.count, to: built.report.count + built.chain.count, by: 7)
        for index in Array(built.report.indices) + Array(chain) {
            var changed = built
            let bit = UInt8(1) << UInt8(index % 8)
            if index < built.report.count {
                changed.report[index] ^= bit
            } else {
                changed.chain[index - built.report.count] ^= bit
            }
            let verdict = verifier.verify(changed.evidence, tee: .nvidia, collateral: nil, at: NVIDIAFixture.time)
            if verdict.accepted { accepted.append(index) }
        }
        #expect(accepted.isEmpty, "accepted with a bit changed in these bytes: \(accepted)")
    }

    @Test("AC-015 AC-017 the nonce of the request is compared exactly")
    func nonce() throws {
        let built = try NVIDIAFixture().built()
        let nonce = [UInt8](repeating: 0xda, count: 32)
        #expect(built.verdict(reportData: nonce).accepted)
        for wrong in [Array(nonce.dropLast()), nonce + [0], Array(repeating: 0xdd, count: 32)] {
            #expect(built.verdict(reportData: wrong).code == .bindingMismatch)
        }
    }

    @Test func `a policy that asks for a revocation answer refuses, since there is none`() throws {
        var policy = AcceptancePolicy.default
        policy.nvidia.requiresRevocationAnswer = true
        let verdict = try NVIDIAFixture().built().verdict(policy: policy)
        #expect(verdict.code == .collateralInvalid && !verdict.isPolicyMet && verdict.signatureChain == .valid)
    }

    @Test("AC-003 AC-004 roots that are not trusted")
    func roots() throws {
        for (name, code) in [
            ("NVIDIA Device Identity CA", RefusalCode.untrustedRoot), ("Cloister simulated NVIDIA", .simulatedRoot),
        ] {
            let built = try NVIDIAFixture(rootName: name).built()
            let verdict = EvidenceVerifier(anchors: .vendors).verify(
                built.evidence, tee: .nvidia, collateral: nil, at: NVIDIAFixture.time)
            #expect(verdict.code == code && verdict.claims.isEmpty)
        }
    }

    // MARK: JSON

    @Test func `hex and base64, object and array are read; other members are ignored`() throws {
        let built = try NVIDIAFixture().built()
        let chain = JSON.string(Base64.encodeStandard(built.chain))
        let nonce = JSON.string(String(repeating: "DA", count: 32))
        let verifier = EvidenceVerifier(anchors: built.anchors)
        for report in [Hex.encode(built.report), Base64.encodeStandard(built.report)] {
            let device: JSON = [
                "arch": "HOPPER", "version": "1.0", "evidence": .string(report), "certificate": chain, "nonce": nonce,
            ]
            for json in [device, .array([device])] {
                let verdict = verifier.verify(
                    json.canonical, tee: .nvidia, collateral: nil, at: NVIDIAFixture.time)
                #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
            }
            let two = verifier.verify(
                JSON.array([device, device]).canonical, tee: .nvidia, collateral: nil, at: NVIDIAFixture.time)
            #expect(two.code == .evidenceMalformed)
        }
    }

    @Test(
        "AC-018 JSON that is not of the form is malformed",
        arguments: [
            "", "[]", "{}", "[1]", #"{"evidence":"11e0","certificate":1}"#, #"{"evidence":"11e","certificate":""}"#,
            #"{"evidence":"11e0","certificate":"AA"}"#, #"{"evidence":"","certificate":""}"#,
            #"{"evidence":"11e0","certificate":"","nonce":"00"}"#, #"{"evidence":1,"certificate":""}"#,
        ])
    func malformed(_ text: String) {
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            Array(text.utf8), tee: .nvidia, collateral: nil, at: NVIDIAFixture.time)
        #expect(verdict.code == .evidenceMalformed && verdict.signatureChain == .notChecked)
    }

    @Test func `JSON that names another nonce than the report is malformed`() throws {
        let built = try NVIDIAFixture().built()
        guard case .object(var members) = NVIDIAEvidence(report: built.report, certificateChain: built.chain).json
        else {
            return
        }
        members["nonce"] = .string(String(repeating: "db", count: 32))
        let verdict = EvidenceVerifier(anchors: built.anchors).verify(
            JSON.object(members).canonical, tee: .nvidia, collateral: nil, at: NVIDIAFixture.time)
        #expect(verdict.code == .evidenceMalformed)
    }

    @Test func `JSON beyond the limit is not read`() {
        let long = Array(repeating: UInt8(ascii: " "), count: NVIDIAEvidence.maximumBytes + 1)
        #expect(throws: Refusal.self) { try NVIDIAEvidence(parsing: long[...]) }
    }
}
