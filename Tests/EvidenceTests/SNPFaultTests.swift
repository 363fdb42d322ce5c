import Crypto
import CryptoExtras
import Encoding
import Evidence
import Testing

@Suite("SNP evidence with one thing wrong")
struct SNPFaultTests {
    typealias Layout = SNPReport.Layout

    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let code: RefusalCode
        let check: String
        let change: @Sendable (inout SNPFixture) -> Void

        init(
            _ name: String, _ code: RefusalCode, _ check: String,
            _ change: @escaping @Sendable (inout SNPFixture) -> Void
        ) {
            self.name = name
            self.code = code
            self.check = check
            self.change = change
        }

        var testDescription: String { name }
    }

    @Test("the fixture itself is accepted", arguments: SNPProduct.allCases, [SNPReport.SigningKey.vcek, .vlek])
    func accepted(_ product: SNPProduct, _ kind: SNPReport.SigningKey) throws {
        let verdict = try SNPFixture(product: product, kind: kind).built().verdict()
        #expect(verdict.accepted && verdict.tcbStatus == nil, Comment(rawValue: verdict.json.text))
        #expect(verdict.hostData == Array(repeating: 0x4d, count: 32))
        #expect(verdict.checks.allSatisfy { $0.outcome != .failed && !$0.detail.isEmpty })
    }

    @Test("refused with its code", arguments: SNPFaultTests.faults)
    func refused(_ fault: Fault) throws {
        var fixture = SNPFixture()
        fault.change(&fixture)
        let verdict = try fixture.built().verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.code == fault.code, explanation)
        #expect(verdict.check(fault.check)?.code == fault.code, explanation)
    }

    static let faults: [Fault] = [
        Fault("AC-018 version 1", .evidenceMalformed, "format") { $0.report[Layout.version] = 1 },
        Fault("AC-018 version 6", .evidenceMalformed, "format") { $0.report[Layout.version] = 6 },
        Fault("another signature algorithm", .evidenceMalformed, "format") {
            $0.report[Layout.signatureAlgorithm] = 2
        },
        Fault("policy without its fixed bit", .evidenceMalformed, "format") { $0.report[Layout.policy + 2] = 0x01 },
        Fault("policy with a reserved bit", .evidenceMalformed, "format") { $0.report[Layout.policy + 3] = 0x04 },
        Fault("reserved bytes set", .evidenceMalformed, "format") { $0.report[0x210] = 1 },
        Fault("a field of version 5 in version 3", .evidenceMalformed, "format") { $0.report[0x200] = 1 },
        Fault("bytes behind the signature", .evidenceMalformed, "format") { $0.report[0x49f] = 1 },
        Fault("CPUID of another product", .evidenceChain, "product") { $0.report[Layout.cpuid + 1] = 0x01 },
        Fault("CPUID of no known product", .evidenceChain, "product") { $0.report[Layout.cpuid] = 0x17 },
        Fault("VCEK for a report that names a VLEK", .evidenceChain, "certificate-chain") {
            $0.report[Layout.keyInfo] = 1 << 2
        },
        Fault("report that names no key", .evidenceChain, "certificate-chain") { $0.report[Layout.keyInfo] = 7 << 2 },
        Fault("report that names an unknown key", .evidenceChain, "certificate-chain") {
            $0.report[Layout.keyInfo] = 3 << 2
        },
        Fault("VCEK under an ASVK", .evidenceChain, "certificate-chain") { $0.authority.subject = "SEV-VLEK-Genoa" },
        Fault("VCEK under another product's ASK", .evidenceChain, "certificate-chain") {
            $0.authority.subject = "SEV-Milan"
        },
        Fault("VCEK without a hardware id", .evidenceChain, "certificate-chain") { $0.hardwareID = nil },
        Fault("VCEK with a short hardware id", .evidenceChain, "certificate-chain") { $0.hardwareID = [1, 2, 3] },
        Fault("VCEK of an unknown product", .evidenceChain, "certificate-chain") { $0.productName = "Venice" },
        Fault("certificate of another name", .evidenceChain, "certificate-chain") { $0.leaf.subject = "SEV-ARK" },
        Fault("ASK that is no CA", .evidenceChain, "certificate-chain") { $0.authority.isAuthority = false },
        Fault("ASK that may not sign certificates", .evidenceChain, "certificate-chain") {
            $0.authority.keyUsage = 0x02
        },
        Fault("endorsement key of another curve", .evidenceChain, "certificate-chain") { $0.leaf.key = .newP256() },
        Fault("VCEK expired", .evidenceChain, "certificate-validity") { $0.leaf.notAfter = SNPFixture.time - 1 },
        Fault("ASK not yet valid", .evidenceChain, "certificate-validity") {
            $0.authority.notBefore = SNPFixture.time + 1
        },
        Fault("AC-012 list expired", .collateralInvalid, "revocation-lists") {
            $0.list = TestRevocationList(issuer: $0.root.subject, key: $0.rootKey, nextUpdate: SNPFixture.time)
        },
        Fault("AC-012 list from the future", .collateralInvalid, "revocation-lists") {
            $0.list = TestRevocationList(issuer: $0.root.subject, key: $0.rootKey, thisUpdate: SNPFixture.time + 1)
        },
        Fault("list by another key", .collateralInvalid, "revocation-lists") {
            $0.list = TestRevocationList(issuer: $0.root.subject, key: $0.authorityKey)
        },
        Fault("list by another name", .collateralInvalid, "revocation-lists") {
            $0.list = TestRevocationList(issuer: "ARK-Milan", key: $0.rootKey)
        },
        Fault("AC-013 revoked ASK", .certificateRevoked, "revocation") {
            $0.list = TestRevocationList(issuer: $0.root.subject, key: $0.rootKey, serials: [77, 2])
        },
        Fault("AC-013 revoked VCEK, whose serial number is 0", .certificateRevoked, "revocation") {
            $0.list = TestRevocationList(issuer: $0.root.subject, key: $0.rootKey, serials: [0])
        },
        Fault("AC-001 report signed by another key", .evidenceSignature, "report-signature") {
            $0.signsReportWith = .newP384()
        },
        Fault("AC-011 chip id differs in its last byte", .tcbInconsistent, "chip-id") {
            $0.report[Layout.chipID + 63] ^= 1
        },
        Fault("AC-011 certificate for another SNP firmware", .tcbInconsistent, "certificate-tcb") {
            $0.certificateTCB.snp -= 1
        },
        Fault("AC-011 certificate for other microcode", .tcbInconsistent, "certificate-tcb") {
            $0.certificateTCB.microcode += 1
        },
        Fault("AC-011 reported above committed", .tcbInconsistent, "tcb-order") {
            $0.report[Layout.committedTCB + 7] -= 1
        },
        Fault("AC-011 reported above current", .tcbInconsistent, "tcb-order") { $0.report[Layout.currentTCB] -= 1 },
        Fault("AC-005 debug allowed", .debugEnabled, "debug") { $0.report[Layout.policy + 2] |= 0x08 },
    ]

    // MARK: Products

    @Test func `the front component of Turin counts`() throws {
        var fixture = SNPFixture(product: .turin)
        fixture.certificateTCB.fmc = 2
        #expect(try fixture.built().verdict().code == .tcbInconsistent)
    }

    @Test func `a Turin chip id is 8 bytes followed by zeros`() throws {
        var fixture = SNPFixture(product: .turin)
        #expect(try fixture.built().verdict().claims["x-ms-sevsnpvm-chipid"]?.string == "0102030405060708")
        fixture.report[Layout.chipID + 8] = 1
        #expect(try fixture.built().verdict().code == .tcbInconsistent)
    }

    @Test func `a hardware id may begin like a DER OCTET STRING`() throws {
        var fixture = SNPFixture()
        let id: [UInt8] = [0x04, 0x3e] + [UInt8](repeating: 5, count: 62)
        fixture.hardwareID = id
        fixture.report.replaceSubrange(Layout.chipID..<Layout.chipID + 64, with: id)
        #expect(try fixture.built().verdict().accepted)
    }

    @Test func `security versions above 127 are read`() throws {
        var fixture = SNPFixture()
        fixture.certificateTCB.microcode = 0xdb
        for offset in [Layout.currentTCB, Layout.reportedTCB, Layout.committedTCB] { fixture.report[offset + 7] = 0xdb }
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.claims["x-ms-sevsnpvm-microcode-svn"] == 0xdb)
    }

    @Test func `a masked chip id is not compared, and neither is a VLEK's`() throws {
        var masked = SNPFixture()
        masked.report[Layout.keyInfo] |= 2
        masked.report.replaceSubrange(Layout.chipID..<Layout.chipID + 64, with: Array(repeating: 0, count: 64))
        let verdict = try masked.built().verdict()
        #expect(verdict.accepted && verdict.check("chip-id")?.outcome == .notApplicable)
        let vlek = try SNPFixture(kind: .vlek).built().verdict()
        #expect(vlek.accepted && vlek.check("chip-id")?.outcome == .notApplicable)
    }

    @Test func `platform information that is not known is left alone`() throws {
        var fixture = SNPFixture()
        fixture.report[Layout.platformInfo] = 0x67
        #expect(try fixture.built().verdict().accepted)
    }

    @Test func `a version 2 report takes its product from the certificate`() throws {
        var fixture = SNPFixture()
        fixture.report[Layout.version] = 2
        fixture.report.replaceSubrange(Layout.cpuid..<Layout.cpuid + 3, with: [0, 0, 0])
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.claims["x-ms-sevsnpvm-chip-family"] == "Genoa")
    }

    // MARK: Roots

    @Test("AC-003 AC-004 unknown and simulated roots")
    func roots() throws {
        let production = EvidenceVerifier(anchors: .vendors)
        for (name, code) in [
            ("ARK-Genoa", RefusalCode.untrustedRoot), ("Cloister simulated ARK-Genoa", .simulatedRoot),
        ] {
            let built = try SNPFixture(rootName: name).built()
            let verdict = production.verify(
                built.report, tee: .snp, collateral: .snp(built.collateral), at: SNPFixture.time)
            #expect(verdict.code == code && verdict.claims.isEmpty && verdict.grade == .simulated)
        }
    }

    @Test func `an ARK is trusted for its own product only`() throws {
        let built = try SNPFixture(product: .genoa).built()
        let anchors = TrustAnchors.vendors.trusting(built.root, as: .ark(.milan), grade: .hardware)
        let verdict = EvidenceVerifier(anchors: anchors).verify(
            built.report, tee: .snp, collateral: .snp(built.collateral), at: SNPFixture.time)
        #expect(verdict.code == .untrustedRoot)
    }

    @Test func `a chain signed with RSASSA-PSS, as AMD does, is read`() throws {
        let key = TestKey.rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        let other = TestKey.rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        let der = try TestCertificate.root("ARK-RSA", key).selfSigned()
        let certificate = try Certificate(der: der)
        #expect(certificate.isSigned(by: certificate))
        let foreign = try Certificate(
            der: try TestCertificate.root("ARK-RSA", key).der(issuer: "ARK-RSA", signedBy: other))
        #expect(!foreign.isSigned(by: certificate))
    }

    @Test func `missing and foreign endorsements are told apart`() throws {
        let built = try SNPFixture().built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        let none = verifier.verify(built.report, tee: .snp, collateral: nil, at: SNPFixture.time)
        #expect(none.code == .evidenceChain && none.signatureChain == .notChecked)
        let sgx = try SGXFixture().built().collateral
        #expect(
            verifier.verify(built.report, tee: .snp, collateral: .dcap(sgx), at: SNPFixture.time).code
                == .collateralInvalid)
    }

    // MARK: Signature encoding

    @Test func `R or S out of range, or padded with anything but zeros, is refused`() throws {
        let built = try SNPFixture().built()
        let order = try #require(
            Hex.decode(
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"))
        func verdict(_ change: (inout [UInt8]) -> Void) -> Verdict {
            var built = built
            change(&built.report)
            return built.verdict()
        }
        for offset in [0x2a0, 0x2e8] {
            for value in [order, [UInt8](repeating: 0, count: 48), [UInt8](repeating: 0xff, count: 48)] {
                #expect(
                    verdict { $0.replaceSubrange(offset..<offset + 48, with: value.reversed()) }.code
                        == .evidenceSignature)
            }
            #expect(verdict { $0[offset + 48] = 1 }.code == .evidenceSignature)
            #expect(verdict { $0[offset + 71] = 0x80 }.code == .evidenceSignature)
        }
    }

    // MARK: Policy

    @Test(
        "AC-020 each requirement refuses what does not meet it",
        arguments: [
            "migration", "smt", "single socket", "abi", "guest svn", "vmpl", "alias check", "tsme", "firmware",
            "family",
            "image", "id key", "author key", "chip", "mitigations", "provisional",
        ])
    func requirements(_ name: String) throws {
        var fixture = SNPFixture()
        fixture.report[Layout.policy + 2] |= 0x04
        fixture.report[Layout.vmpl] = 1
        fixture.report[Layout.platformInfo] = 0x03
        fixture.report[Layout.currentTCB + 7] += 1
        let built = try fixture.built()
        #expect(built.verdict().accepted)
        var policy = AcceptancePolicy.default
        switch name {
        case "migration": policy.snp.refusedPolicy = .allowsMigrationAgent
        case "smt": policy.snp.refusedPolicy = .allowsSMT
        case "single socket": policy.snp.requiredPolicy = .requiresSingleSocket
        case "abi": policy.snp.minimumABI = (1, 51)
        case "guest svn": policy.snp.minimumGuestSVN = 1
        case "vmpl": policy.snp.maximumVMPL = 0
        case "alias check": policy.snp.requiredPlatformInfo = .aliasCheckComplete
        case "tsme": policy.snp.refusedPlatformInfo = .tsmeEnabled
        case "firmware": policy.snp.minimumFirmware = SNPFirmwareVersion(major: 1, minor: 55, build: 0)
        case "family": policy.snp.familyIDs = []
        case "image": policy.snp.imageIDs = []
        case "id key": policy.snp.idKeyDigests = []
        case "author key": policy.snp.authorKeyDigests = [Array(repeating: 0, count: 48)]
        case "chip": policy.snp.chipIDs = []
        case "mitigations": policy.snp.requiredMitigations = 1
        default: policy.snp.refusesProvisionalFirmware = true
        }
        let verdict = built.verdict(policy: policy)
        #expect(verdict.code == .platformPolicy && !verdict.isPolicyMet && verdict.signatureChain == .valid)
    }

    @Test func `a VLEK of a provider that is not on the list is refused`() throws {
        let built = try SNPFixture(kind: .vlek).built()
        var policy = AcceptancePolicy.default
        policy.snp.cloudProviders = ["CN=cloud.example"]
        #expect(built.verdict(policy: policy).accepted)
        policy.snp.cloudProviders = ["CN=other.example"]
        #expect(built.verdict(policy: policy).code == .platformPolicy)
    }

    @Test("AC-010 floors give a status, component by component")
    func floors() throws {
        let built = try SNPFixture().built()
        var policy = AcceptancePolicy.default
        policy.snp.floors[.genoa] = SNPRequirements.Floors(
            reported: SNPTCBVersion(bootLoader: 9, tee: 0, snp: 23, microcode: 72))
        #expect(built.verdict(policy: policy).tcbStatus == "UpToDate")
        // One component below is out of date, however high the others are.
        policy.snp.floors[.genoa] = SNPRequirements.Floors(
            reported: SNPTCBVersion(bootLoader: 0, tee: 0, snp: 24, microcode: 0))
        let verdict = built.verdict(policy: policy)
        #expect(verdict.accepted && verdict.tcbStatus == "OutOfDate")
        #expect(verdict.check("tcb-level")?.detail.contains("reported SNP: 23 < 24") == true)
        policy.acceptedTCBStatuses = [.upToDate]
        #expect(built.verdict(policy: policy).code == .tcbNotAccepted)
        policy.snp.floors = [:]
        #expect(built.verdict(policy: policy).accepted)
        policy.snp.requiresFloors = true
        #expect(built.verdict(policy: policy).code == .tcbNotAccepted)
    }

    @Test("AC-015 report data that is not the binding is refused")
    func reportData() throws {
        let built = try SNPFixture().built()
        #expect(built.verdict(reportData: Array(repeating: 0xda, count: 32)).accepted)
        #expect(built.verdict(reportData: Array(repeating: 0xda, count: 33)).code == .bindingMismatch)
    }
}
