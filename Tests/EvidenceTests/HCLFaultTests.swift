import Encoding
import Testing

@testable import Evidence

@Suite("Evidence of Azure VMs with one thing wrong")
struct HCLFaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let code: RefusalCode
        let check: String
        let change: @Sendable (inout HCLFixture) throws -> Void

        init(
            _ name: String, _ code: RefusalCode, _ check: String,
            _ change: @escaping @Sendable (inout HCLFixture) throws -> Void
        ) {
            self.name = name
            self.code = code
            self.check = check
            self.change = change
        }

        var testDescription: String { name }
    }

    @Test("the fixture itself is accepted, with each hash", arguments: [1, 2, 3] as [UInt32])
    func accepted(_ hash: UInt32) throws {
        var fixture = try HCLFixture()
        fixture.hashType = hash
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.grade == .hardware, Comment(rawValue: verdict.json.text))
        #expect(verdict.hostData == Array(repeating: 0x4d, count: 32) && verdict.reportData == Array("challenge".utf8))
        #expect(verdict.checks.allSatisfy { $0.outcome != .failed && !$0.detail.isEmpty })
        #expect(verdict.check("event-log")?.outcome == .passed)
    }

    @Test("refused with its code", arguments: HCLFaultTests.faults)
    func refused(_ fault: Fault) throws {
        var fixture = try HCLFixture()
        try fault.change(&fixture)
        let verdict = try fixture.built().verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.code == fault.code, explanation)
        #expect(verdict.check(fault.check)?.code == fault.code, explanation)
    }

    static let faults: [Fault] = [
        Fault("AC-018 another magic", .evidenceMalformed, "format") { $0.change = { $0[0] = 0 } },
        Fault("AC-018 header version 3", .evidenceMalformed, "format") { $0.change = { $0[4] = 3 } },
        Fault("AC-018 report size", .evidenceMalformed, "format") { $0.change = { $0[8] ^= 1 } },
        Fault("AC-018 request type", .evidenceMalformed, "format") { $0.change = { $0[12] = 1 } },
        Fault("AC-018 status", .evidenceMalformed, "format") { $0.change = { $0[16] = 1 } },
        Fault("AC-018 reserved bytes", .evidenceMalformed, "format") { $0.change = { $0[31] = 1 } },
        Fault("AC-018 data size", .evidenceMalformed, "format") { $0.change = { $0[1_216] ^= 1 } },
        Fault("AC-018 data version", .evidenceMalformed, "format") { $0.change = { $0[1_220] = 2 } },
        Fault("AC-018 an absurd length", .evidenceMalformed, "format") {
            $0.change = { $0.replaceSubrange(1_232..<1_236, with: [0xff, 0xff, 0xff, 0xff]) }
        },
        Fault("AC-018 bytes after the runtime data", .evidenceMalformed, "format") {
            $0.change = { $0[$0.count - 1] = 1 }
        },
        Fault("AC-018 a report longer than any", .evidenceMalformed, "format") { $0.padding = 8_192 },
        Fault("the report type of TDX over an SNP report", .evidenceMalformed, "format") { $0.reportType = 4 },
        Fault("the report type of SNP over a TDREPORT", .evidenceMalformed, "format") {
            $0.hardwareArea = [0x81] + Array(repeating: 0, count: 1_023)
        },
        Fault("a report type of no confidential VM", .evidenceMalformed, "format") { $0.reportType = 3 },
        Fault("an unknown hash", .evidenceMalformed, "format") { $0.hashType = 4 },
        Fault("runtime data that is not JSON", .evidenceMalformed, "format") { $0.runtimeData = "{" },
        Fault("runtime data with a name twice", .evidenceMalformed, "format") {
            $0.runtimeData = try $0.standardRuntimeData().dropLast() + ",\"keys\":[]}"
        },
        Fault("runtime data without the key", .evidenceMalformed, "format") {
            $0.runtimeData = try $0.standardRuntimeData().replacing("HCLAkPub", with: "HCLAk")
        },
        Fault("runtime data with the key twice", .evidenceMalformed, "format") {
            $0.runtimeData = try $0.standardRuntimeData().replacing("HCLEkPub", with: "HCLAkPub")
        },
        Fault("runtime data with an elliptic key", .evidenceMalformed, "format") {
            $0.runtimeData = try $0.standardRuntimeData().replacing("\"RSA\"", with: "\"EC\"")
        },
        Fault("AC-001 SNP report signed by another key", .evidenceSignature, "report-signature") {
            $0.snp.signsReportWith = .newP384()
        },
        Fault("AC-011 certificate for another SNP firmware", .tcbInconsistent, "certificate-tcb") {
            $0.snp.certificateTCB.snp -= 1
        },
        Fault("AC-005 debug allowed", .debugEnabled, "debug") { $0.snp.report[SNPReport.Layout.policy + 2] |= 0x08 },
        Fault("a report made by the guest at VMPL 2", .platformPolicy, "vmpl") {
            $0.snp.report[SNPReport.Layout.vmpl] = 2
        },
        Fault("AC-002 runtime data changed", .bindingMismatch, "tpm-key") {
            $0.boundData = try $0.standardRuntimeData()
            $0.secureBoot = false
        },
        Fault("AC-002 runtime data with another key", .bindingMismatch, "tpm-key") {
            $0.boundData = try $0.standardRuntimeData(key: .otherRSA())
        },
        Fault("AC-002 bytes after the digest in the report data", .bindingMismatch, "tpm-key") {
            $0.hashType = 3
            $0.change = { $0[1_228] = 1 }
        },
        Fault("AC-001 quote signed by another key", .evidenceSignature, "tpm-quote-signature") {
            $0.tpm.signsWith = try .otherRSA()
        },
        Fault("AC-002 wrong nonce", .bindingMismatch, "nonce") { $0.tpm.quote.nonce[0] ^= 1 },
        Fault("AC-018 not a quote", .evidenceMalformed, "format") { $0.tpm.quote.type = 0x8014 },
        Fault("AC-002 register value changed", .bindingMismatch, "pcr-digest") {
            $0.tpm.supplied = $0.tpm.registers
            $0.tpm.supplied?[PCR(.sha256, 23)]?[31] ^= 1
        },
        Fault("AC-002 fewer registers supplied than quoted", .bindingMismatch, "pcr-digest") {
            $0.tpm.supplied = $0.tpm.registers.filter { $0.key.index < 23 }
        },
        Fault("AC-002 register map changed", .bindingMismatch, "pcr-digest") {
            let registers = $0.tpm.registers
            $0.tpm.quote.digest = TPMHash.sha256.digest((0..<24).flatMap { registers[PCR(.sha256, $0)] ?? [] })
            $0.tpm.quote.map = [0xff, 0xff, 0x7f]
        },
        Fault("a bank whose values do not come along", .bindingMismatch, "pcr-digest") { $0.tpm.quote.bank = .sha384 },
        Fault("AC-002 event log with one event changed", .bindingMismatch, "event-log") {
            $0.tpm.supplied = $0.tpm.registers
            let registers = $0.tpm.registers
            $0.tpm.quote.digest = TPMHash.sha256.digest((0..<24).flatMap { registers[PCR(.sha256, $0)] ?? [] })
            $0.tpm.log?.events[3].data = [0, 0, 0, 1]
        },
        Fault("certificate of another attestation key", .evidenceChain, "ak-certificate-chain") {
            $0.hasCertificates = true
            $0.tpm.leaf.key = try TPMTestKey.otherRSA().certificateKey
        },
        Fault("certificate of the attestation key expired", .evidenceChain, "ak-certificate-validity") {
            $0.hasCertificates = true
            $0.tpm.leaf.notAfter = SNPFixture.time - 1
        },
    ]

    @Test(
        "what nobody signed does not come out",
        arguments: [
            "a report made by the guest at VMPL 2", "AC-002 runtime data changed", "AC-001 quote signed by another key",
            "AC-002 register value changed",
        ])
    func hidden(_ name: String) throws {
        var fixture = try HCLFixture()
        try #require(HCLFaultTests.faults.first { $0.name == name }).change(&fixture)
        let verdict = try fixture.built().verdict()
        #expect(verdict.signatureChain == .invalid && verdict.claims.isEmpty && verdict.attested == nil)
        #expect(verdict.reportData.isEmpty)
    }

    // MARK: Certificates of the attestation key

    @Test func `a certificate under Microsoft's role is a second word for the key`() throws {
        var fixture = try HCLFixture()
        fixture.hasCertificates = true
        fixture.tpm.paddedLeafBytes = 2_000
        var policy = AcceptancePolicy.default
        policy.hcl.requiresAttestationKeyCertificate = true
        let built = try fixture.built()
        let verdict = built.verdict(policy: policy)
        #expect(verdict.accepted && verdict.grade == .hardware, Comment(rawValue: verdict.json.text))
        #expect(verdict.check("ak-trusted-root")?.outcome == .passed)
        fixture.hasCertificates = false
        #expect(try fixture.built().verdict(policy: policy).code == .evidenceChain)
        #expect(try fixture.built().verdict().accepted)
    }

    @Test func `a root for another cloud's TPMs, and an unknown one, are refused`() throws {
        var fixture = try HCLFixture()
        fixture.hasCertificates = true
        var built = try fixture.built()
        let root = try Certificate(der: fixture.tpm.root.selfSigned())
        let hardware = try fixture.snp.built()
        for role in [TrustAnchors.Role.googleVTPM, .nitro] {
            built.anchors = TrustAnchors().trusting(root, as: role, grade: .hardware)
                .trusting(hardware.root, as: .ark(.genoa), grade: .hardware)
            #expect(built.verdict().code == .untrustedRoot)
        }
    }

    @Test func `evidence is simulated as soon as one of its roots is`() throws {
        var fixture = try HCLFixture()
        fixture.hasCertificates = true
        var built = try fixture.built()
        built.anchors = try fixture.snp.built().anchors
            .trusting(try Certificate(der: fixture.tpm.root.selfSigned()), as: .azureVTPM, grade: .simulated)
        let verdict = built.verdict()
        #expect(verdict.accepted && verdict.grade == .simulated)
    }

    // MARK: Policy

    @Test func `the VM's configuration is required member by member`() throws {
        var policy = AcceptancePolicy.default
        policy.hcl.configuration = ["secure-boot": true, "tpm-enabled": true]
        var fixture = try HCLFixture()
        #expect(try fixture.built().verdict(policy: policy).accepted)
        fixture.secureBoot = false
        let verdict = try fixture.built().verdict(policy: policy)
        #expect(verdict.code == .platformPolicy && verdict.signatureChain == .valid && !verdict.isPolicyMet)
        #expect(verdict.check("vm-configuration")?.detail.contains("secure-boot") == true)
        policy.hcl.configuration = ["absent": true]
        #expect(try fixture.built().verdict(policy: policy).code == .platformPolicy)
    }

    @Test func `user data is required with zeros after it`() throws {
        var policy = AcceptancePolicy.default
        policy.hcl.userData = [1, 2]
        var fixture = try HCLFixture()
        #expect(try fixture.built().verdict(policy: policy).code == .bindingMismatch)
        fixture.userData = "0102" + String(repeating: "0", count: 124)
        #expect(try fixture.built().verdict(policy: policy).accepted)
        fixture.userData = "01020" + String(repeating: "1", count: 123)
        #expect(try fixture.built().verdict(policy: policy).code == .bindingMismatch)
        policy.hcl.userData = []
        fixture.userData = ""
        #expect(try fixture.built().verdict(policy: policy).code == .bindingMismatch)
    }

    @Test func `registers and the event log are required as for a bare TPM, and the SNP policy holds too`() throws {
        var fixture = try HCLFixture()
        var policy = AcceptancePolicy.default
        policy.hcl.pcrs.requiresEventLog = true
        policy.hcl.pcrs.values = [PCR(.sha256, 7): [try #require(fixture.tpm.registers[PCR(.sha256, 7)])]]
        #expect(try fixture.built().verdict(policy: policy).accepted)
        fixture.tpm.quote.map = [0x7f, 0xff, 0xff]
        #expect(try fixture.built().verdict(policy: policy).code == .platformPolicy)
        fixture.tpm.quote.map = [0xff, 0xff, 0xff]
        fixture.tpm.log = nil
        #expect(try fixture.built().verdict(policy: policy).code == .platformPolicy)
        policy.hcl.pcrs = PCRRequirements()
        policy.snp.idKeyDigests = HCLRequirements.microsoftIDKeyDigests
        let foreign = try fixture.built().verdict(policy: policy)
        #expect(foreign.code == .platformPolicy && foreign.check("platform")?.outcome == .failed)
    }

    // MARK: Encoding

    @Test func `evidence is written as it is read`() throws {
        var fixture = try HCLFixture()
        fixture.hasCertificates = true
        var evidence = try fixture.built().evidence
        evidence.vcek = [1, 2, 3]
        evidence.tdQuote = [4]
        let read = try HCLEvidence(parsing: evidence.json.canonical[...])
        #expect(read.report == evidence.report && read.quote == evidence.quote && read.vcek == [1, 2, 3])
        #expect(read.tdQuote == [4] && read.eventLog == evidence.eventLog)
        #expect(read.attestationKeyCertificates == evidence.attestationKeyCertificates)
    }

    @Test(
        "AC-018 other members, versions and encodings are malformed",
        arguments: [
            "[]", "{}", "{\"version\":3}", "{\"version\":\"1\"}",
            "{\"version\":1,\"hcl_report\":\"AA\",\"tpm_quote\":{\"message\":\"\",\"signature\":\"\",\"pcrs\":[]},\"x\":1}",
            "{\"version\":1,\"hcl_report\":[1],\"tpm_quote\":{\"message\":\"\",\"signature\":\"\",\"pcrs\":[]}}",
            "{\"version\":1,\"hcl_report\":\"AA\",\"tpm_quote\":{\"message\":\"0\",\"signature\":\"\",\"pcrs\":[]}}",
            "{\"version\":1,\"hcl_report\":\"AA\",\"tpm_quote\":{\"message\":\"\",\"signature\":\"\",\"pcrs\":[],\"y\":1}}",
            "{\"report\":[256],\"quote\":{\"message\":[],\"signature\":[],\"pcrs\":[]}}",
            "{\"report\":[-1],\"quote\":{\"message\":[],\"signature\":[],\"pcrs\":[]}}",
            "{\"report\":[1.5],\"quote\":{\"message\":[],\"signature\":[],\"pcrs\":[]}}",
            "{\"report\":\"AA\",\"quote\":{\"message\":[],\"signature\":[],\"pcrs\":[]}}",
            "{\"report\":[],\"hcl_report\":[],\"quote\":{\"message\":[],\"signature\":[],\"pcrs\":[]}}",
            "{\"report\":[],\"quote\":{\"message\":[],\"signature\":[],\"pcrs\":[]},\"vcek\":\"\"}",
        ])
    func malformed(_ text: String) {
        #expect(throws: Refusal.self) { try HCLEvidence(parsing: Array(text.utf8)[...]) }
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            Array(text.utf8), tee: .hcl, collateral: nil, at: SNPFixture.time)
        #expect(verdict.code == .evidenceMalformed && verdict.signatureChain == .notChecked)
    }

    @Test func `AC-018 registers of another length, and too many of them, are malformed`() throws {
        let quote = try HCLFixture().built().evidence.quote
        #expect(throws: Never.self) { try quote.signed() }
        var short = quote
        short.pcrs[3].removeLast()
        #expect(throws: Refusal.self) { try short.signed() }
        var many = quote
        many.pcrs = Array(repeating: quote.pcrs[0], count: 33)
        #expect(throws: Refusal.self) { try many.signed() }
        var longMessage = quote
        longMessage.message.append(0)
        #expect(throws: Refusal.self) { try longMessage.signed() }
    }

    @Test func `AC-001 a changed bit in any byte of report, quote and registers is refused`() throws {
        var fixture = try HCLFixture()
        (fixture.tpm.log, fixture.padding) = (nil, 8)
        let built = try fixture.built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        func isAccepted(_ evidence: HCLEvidence) -> Bool {
            verifier.verify(
                evidence.json.canonical, tee: .hcl, collateral: built.collateral, at: SNPFixture.time,
                reportData: Array("challenge".utf8)
            ).accepted
        }
        #expect(isAccepted(built.evidence))
        func flipAll(_ part: WritableKeyPath<HCLEvidence, [UInt8]>) {
            for index in built.evidence[keyPath: part].indices {
                var changed = built.evidence
                changed[keyPath: part][index] ^= 1 << UInt8(index % 8)
                #expect(!isAccepted(changed), "byte \(index)")
            }
        }
        flipAll(\.report)
        flipAll(\.quote.message)
        flipAll(\.quote.signature)
        for index in 0..<24 { flipAll(\.quote.pcrs[index]) }
    }

    @Test func `AC-018 no cut of a report is read`() throws {
        var fixture = try HCLFixture()
        fixture.padding = 0
        let report = try fixture.built().evidence.report
        for count in 0..<report.count { #expect(throws: Refusal.self) { try HCLReport(report.prefix(count)) } }
    }
}
