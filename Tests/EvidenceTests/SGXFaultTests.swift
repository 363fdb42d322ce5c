import Encoding
import Evidence
import Testing

@Suite("SGX evidence with one thing wrong")
struct SGXFaultTests {
    typealias Change = @Sendable (inout SGXFixture) -> Void

    /// A named way to break the fixture, and the code and check that say so.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let code: RefusalCode
        let check: String
        let change: Change

        init(_ name: String, _ code: RefusalCode, _ check: String, _ change: @escaping Change) {
            self.name = name
            self.code = code
            self.check = check
            self.change = change
        }

        var testDescription: String { name }
    }

    @Test func `the fixture itself is accepted`() throws {
        let verdict = try SGXFixture().built().verdict()
        #expect(verdict.accepted && verdict.tcbStatus == "UpToDate", Comment(rawValue: verdict.json.text))
        #expect(verdict.checks.allSatisfy { $0.outcome != .failed && !$0.detail.isEmpty })
        #expect(verdict.validUntil?.description == "2025-07-01T00:00:00Z")
    }

    @Test(
        "refused with its code",
        arguments: SGXFaultTests.chainFaults + SGXFaultTests.collateralFaults + SGXFaultTests.enclaveFaults)
    func refused(_ fault: Fault) throws {
        var fixture = SGXFixture()
        fault.change(&fixture)
        let verdict = try fixture.built().verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.code == fault.code, explanation)
        #expect(verdict.check(fault.check)?.code == fault.code, explanation)
    }

    // MARK: Chain

    static let chainFaults: [Fault] = [
        Fault("PCK certificate not yet valid", .evidenceChain, "certificate-validity") {
            $0.pck.notBefore = SGXFixture.time + 1
        },
        Fault("PCK certificate expired", .evidenceChain, "certificate-validity") {
            $0.pck.notAfter = SGXFixture.time - 1
        },
        Fault("CA expired", .evidenceChain, "certificate-validity") { $0.authority.notAfter = SGXFixture.time - 1 },
        Fault("root not yet valid", .evidenceChain, "certificate-validity") {
            $0.root.notBefore = SGXFixture.time + 1
        },
        Fault("CA without basic constraints", .evidenceChain, "certificate-chain") {
            $0.authority.isAuthority = nil
        },
        Fault("CA that may not sign certificates", .evidenceChain, "certificate-chain") {
            $0.authority.keyUsage = 0x02
        },
        Fault("CA without key usage", .evidenceChain, "certificate-chain") { $0.authority.keyUsage = nil },
        Fault("root that allows no CA below it", .evidenceChain, "certificate-chain") { $0.root.pathLength = 0 },
        Fault("leaf that is a CA", .evidenceChain, "certificate-chain") { $0.pck.isAuthority = true },
        Fault("leaf that may not sign", .evidenceChain, "certificate-chain") { $0.pck.keyUsage = 0x20 },
        Fault("unknown critical extension", .evidenceChain, "certificate-chain") {
            $0.pck.extensions.append(("1.2.3.4", true, [5, 0]))
        },
        Fault("certificate of version 2", .evidenceChain, "certificate-chain") { $0.pck.version = 1 },
        Fault("names that do not chain", .evidenceChain, "certificate-chain") { fixture in
            let other = fixture.authorityKey
            let rootKey = fixture.rootKey
            fixture.embedsChain = { pck, _, root in
                let renamed = TestCertificate.issuer("Another CA", other)
                return TestPEM.chain(pck, (try? renamed.der(issuer: "Test SGX Root CA", signedBy: rootKey)) ?? [], root)
            }
        },
        Fault("CA signed by another root of the same name", .evidenceChain, "certificate-chain") { fixture in
            let authority = fixture.authority
            fixture.embedsChain = { pck, _, root in
                TestPEM.chain(pck, (try? authority.der(issuer: "Test SGX Root CA", signedBy: .newP256())) ?? [], root)
            }
        },
        Fault("no root in the chain", .evidenceChain, "certificate-chain") {
            $0.embedsChain = { pck, authority, _ in TestPEM.chain(pck, authority) }
        },
        Fault("a certificate too many", .evidenceChain, "certificate-chain") {
            $0.embedsChain = { pck, authority, root in TestPEM.chain(pck, authority, root, root) }
        },
        Fault("text between the certificates", .evidenceChain, "certificate-chain") {
            $0.embedsChain = { pck, authority, root in
                TestPEM.chain(pck) + "hidden\n" + TestPEM.chain(authority, root)
            }
        },
        Fault("a zero byte between the certificates", .evidenceChain, "certificate-chain") {
            $0.embedsChain = { pck, authority, root in TestPEM.chain(pck) + "\0" + TestPEM.chain(authority, root) }
        },
        Fault("AC-013 revoked PCK certificate", .certificateRevoked, "revocation") { $0.pckList.serials = [9, 3] },
        Fault("AC-013 revoked CA", .certificateRevoked, "revocation") { $0.rootList.serials = [2] },
        Fault("AC-013 revoked signer of the collateral", .certificateRevoked, "revocation") {
            $0.rootList.serials = [4]
        },
    ]

    // MARK: Collateral

    static let collateralFaults: [Fault] = [
        Fault("AC-012 root list expired", .collateralInvalid, "revocation-lists") {
            $0.rootList.nextUpdate = SGXFixture.time
        },
        Fault("AC-012 PCK list from the future", .collateralInvalid, "revocation-lists") {
            $0.pckList.thisUpdate = SGXFixture.time + 1
        },
        Fault("root list by another key", .collateralInvalid, "revocation-lists") { $0.rootList.key = .newP256() },
        Fault("PCK list by another name", .collateralInvalid, "revocation-lists") {
            $0.pckList.issuer = "Intel SGX PCK Platform CA"
        },
        Fault("PCK list that is a delta list", .collateralInvalid, "revocation-lists") {
            $0.pckList.criticalExtension = "2.5.29.27"
        },
        Fault("issuer that may not sign lists", .collateralInvalid, "revocation-lists") {
            $0.authority.keyUsage = TestCertificate.certSign
        },
        Fault("AC-012 TCB info expired", .collateralInvalid, "tcb-info") {
            $0.tcbInfo["nextUpdate"] = .string(SGXFixture.time.description)
        },
        Fault("AC-012 TCB info from the future", .collateralInvalid, "tcb-info") {
            $0.tcbInfo["issueDate"] = .string((SGXFixture.time + 1).description)
        },
        Fault("TCB info for another FMSPC", .collateralInvalid, "tcb-info") { $0.tcbInfo["fmspc"] = "00606A000001" },
        Fault("TCB info for another PCEID", .collateralInvalid, "tcb-info") { $0.tcbInfo["pceId"] = "0001" },
        Fault("TCB info for TDX", .collateralInvalid, "tcb-info") { $0.tcbInfo["id"] = "TDX" },
        Fault("TCB info without an id", .collateralInvalid, "tcb-info") { $0.tcbInfo["id"] = nil },
        Fault("TCB info of an unknown version", .collateralInvalid, "tcb-info") { $0.tcbInfo["version"] = 4 },
        Fault("TCB info of an unknown type", .collateralInvalid, "tcb-info") { $0.tcbInfo["tcbType"] = 1 },
        Fault("TCB info with an unknown status", .collateralInvalid, "tcb-info") {
            $0.tcbInfo["tcbLevels"] = [SGXFixture.level(Array(repeating: 0, count: 16), 0, "2024-01-01", "Perfect")]
        },
        Fault("TCB info with 15 components", .collateralInvalid, "tcb-info") {
            $0.tcbInfo["tcbLevels"] = [SGXFixture.level(Array(repeating: 0, count: 15), 0, "2024-01-01", "UpToDate")]
        },
        Fault("TCB info without levels", .collateralInvalid, "tcb-info") { $0.tcbInfo["tcbLevels"] = [] },
        Fault("collateral signed by another key", .collateralInvalid, "tcb-info") {
            $0.signsCollateralWith = .newP256()
        },
        Fault("collateral signed by the PCK", .collateralInvalid, "tcb-info") { $0.signsCollateralWith = $0.pckKey },
        Fault("signer of the collateral expired", .collateralInvalid, "tcb-info") {
            $0.signer.notAfter = SGXFixture.time - 1
        },
        Fault("signer of the collateral is a CA", .collateralInvalid, "tcb-info") { $0.signer.isAuthority = true },
        Fault("AC-012 QE identity expired", .collateralInvalid, "qe-identity-document") {
            $0.qeIdentity["nextUpdate"] = .string(SGXFixture.time.description)
        },
        Fault("QE identity of another enclave", .collateralInvalid, "qe-identity-document") {
            $0.qeIdentity["id"] = "QVE"
        },
        Fault("QE identity of TDX", .collateralInvalid, "qe-identity-document") { $0.qeIdentity["id"] = "TD_QE" },
    ]

    // MARK: Quoting enclave, quote, level

    static let enclaveFaults: [Fault] = [
        Fault("AC-014 quoting enclave of another signer", .qeIdentity, "qe-identity") { $0.quotingEnclave[128] ^= 1 },
        Fault("AC-014 quoting enclave of another product", .qeIdentity, "qe-identity") {
            $0.quotingEnclave[256] ^= 2
        },
        Fault("AC-014 quoting enclave in debug mode", .qeIdentity, "qe-identity") { $0.quotingEnclave[48] |= 2 },
        Fault("AC-014 debug quoting enclave that the identity would allow", .qeIdentity, "qe-identity") {
            $0.quotingEnclave[48] |= 2
            $0.qeIdentity["attributesMask"] = "F9FFFFFFFFFFFFFF0000000000000000"
        },
        Fault("AC-014 quoting enclave with other MISCSELECT", .qeIdentity, "qe-identity") { $0.quotingEnclave[16] = 1 },
        Fault("AC-014 quoting enclave below every level", .qeIdentity, "qe-identity") { $0.quotingEnclave[258] = 1 },
        Fault("AC-014 QE report signed by another key", .qeIdentity, "qe-report-signature") {
            $0.signsQuotingEnclaveWith = .newP256()
        },
        Fault("AC-014 something hides behind the binding", .qeIdentity, "attestation-key") { $0.bindingTail[31] = 1 },
        Fault("AC-001 quote signed by another key", .evidenceSignature, "quote-signature") {
            $0.signsQuoteWith = .newP256()
        },
        Fault("AC-005 debug enclave", .debugEnabled, "debug") { $0.enclave[48] |= 2 },
        Fault("AC-010 platform below every level", .tcbNotAccepted, "tcb-level") { $0.components[0] = 0 },
        Fault("AC-010 PCESVN below every level", .tcbNotAccepted, "tcb-level") { $0.pceSVN = 0 },
        Fault("AC-010 revoked level", .tcbNotAccepted, "tcb-level") {
            $0.components = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        },
        Fault("AC-010 revoked quoting enclave", .tcbNotAccepted, "tcb-level") { $0.quotingEnclave[258] = 3 },
        Fault("AC-018 bytes after the quote", .evidenceMalformed, "format") { $0.trailing = [1] },
        Fault("AC-018 quoting enclave of another vendor", .evidenceMalformed, "format") { $0.header[12] ^= 1 },
        Fault("AC-018 unknown version", .evidenceMalformed, "format") { $0.header[0] = 6 },
        Fault("AC-018 unknown attestation key type", .evidenceMalformed, "format") { $0.header[2] = 3 },
        Fault("AC-018 TDX by its TEE type", .evidenceMalformed, "format") { $0.header[4] = 0x81 },
    ]

    // MARK: Roots

    @Test("AC-003 a complete chain to an unknown root is an untrusted root")
    func unknownRoot() throws {
        let built = try SGXFixture().built()
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            built.quote, tee: .sgx, collateral: .dcap(built.collateral), at: SGXFixture.time)
        #expect(verdict.code == .untrustedRoot && verdict.signatureChain == .invalid && verdict.claims.isEmpty)
        #expect(verdict.grade == .simulated && verdict.validUntil == nil)
    }

    @Test("AC-003 a root with Intel's name and another key is an untrusted root")
    func impostor() throws {
        let built = try SGXFixture(rootName: "Intel SGX Root CA").built()
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            built.quote, tee: .sgx, collateral: .dcap(built.collateral), at: SGXFixture.time)
        #expect(verdict.code == .untrustedRoot)
    }

    @Test("AC-004 a simulated root is refused by name unless it was named, and then graded simulated")
    func simulated() throws {
        let built = try SGXFixture(rootName: "Cloister simulated SGX Root CA").built()
        let evidence = EvidenceCollateral.dcap(built.collateral)
        let production = EvidenceVerifier(anchors: .vendors)
        #expect(
            production.verify(built.quote, tee: .sgx, collateral: evidence, at: SGXFixture.time).code == .simulatedRoot)
        let root = try SimulatedRoot(sgxRoot: built.root, arks: [:])
        let verdict = EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(root)).verify(
            built.quote, tee: .sgx, collateral: evidence, at: SGXFixture.time)
        #expect(verdict.accepted && verdict.grade == .simulated)
        #expect(throws: Refusal.self) { try SimulatedRoot(sgxRoot: SGXFixture().built().root, arks: [:]) }
    }

    @Test func `collateral under another trusted root than the PCK's is refused`() throws {
        let hardware = try SGXFixture().built()
        let simulated = try SGXFixture(rootName: "Cloister simulated SGX Root CA").built()
        let anchors = hardware.anchors.trusting(simulated.root, as: .dcap, grade: .simulated)
        let verdict = EvidenceVerifier(anchors: anchors).verify(
            hardware.quote, tee: .sgx, collateral: .dcap(simulated.collateral), at: SGXFixture.time)
        #expect(verdict.code == .collateralInvalid)
        #expect(verdict.check("tcb-info")?.outcome == .failed && verdict.tcbStatus == nil)
        #expect(verdict.check("qe-identity-document")?.outcome == .failed)
    }

    // MARK: Levels, advisories, policy

    @Test(
        "status is the platform's converged with the quoting enclave's",
        arguments: [
            (UInt8(5), UInt8(8), "UpToDate", [String]()), (5, 7, "OutOfDate", ["INTEL-SA-00003"]),
            (4, 8, "OutOfDate", ["INTEL-SA-00001"]), (4, 6, "OutOfDate", ["INTEL-SA-00001", "INTEL-SA-00003"]),
        ])
    func converged(_ component: UInt8, _ enclaveSVN: UInt8, _ status: String, _ advisories: [String]) throws {
        var fixture = SGXFixture()
        fixture.components[0] = component
        fixture.quotingEnclave[258] = enclaveSVN
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.tcbStatus == status && verdict.advisories == advisories)
    }

    @Test func `what the platform lacks is named`() throws {
        var fixture = SGXFixture()
        fixture.components[1] = 4
        fixture.pceSVN = 10
        let verdict = try fixture.built().verdict()
        let detail = try #require(verdict.check("tcb-level")?.detail)
        #expect(detail.contains("SGX component 2: 4 < 5") && detail.contains("PCESVN: 10 < 11"))
    }

    @Test("AC-010 a policy narrows what is accepted, and status, claims and chain are still told")
    func policies() throws {
        var fixture = SGXFixture()
        fixture.components[0] = 4
        fixture.configuration = [true, true, false]
        let built = try fixture.built()
        let narrowings: [(RefusalCode, @Sendable (inout AcceptancePolicy) -> Void)] = [
            (.tcbNotAccepted, { $0.acceptedTCBStatuses = [.upToDate] }),
            (.tcbNotAccepted, { $0.minimumTCBDate = Timestamp(year: 2023, month: 1, day: 1) }),
            (.tcbNotAccepted, { $0.refusedAdvisories = ["INTEL-SA-00001"] }),
            (.collateralInvalid, { $0.minimumTCBEvaluationDataNumber = 18 }),
            (.platformPolicy, { $0.dcap.refusesDynamicPlatform = true }),
            (.platformPolicy, { $0.dcap.refusesCachedKeys = true }),
            (.platformPolicy, { $0.dcap.ppids = [] }),
        ]
        for (code, narrow) in narrowings {
            var policy = AcceptancePolicy.default
            narrow(&policy)
            let verdict = built.verdict(policy: policy)
            #expect(verdict.code == code && !verdict.isPolicyMet && verdict.signatureChain == .valid)
            #expect(!verdict.claims.isEmpty && (verdict.tcbStatus == "OutOfDate" || code == .collateralInvalid))
        }
        var noSMT = AcceptancePolicy.default
        noSMT.dcap.refusesSMT = true
        #expect(built.verdict(policy: noSMT).accepted)
        #expect(try SGXFixture().built().verdict(policy: noSMT).code == .platformPolicy)
    }

    @Test("AC-005 debug is refused with everything else known, and can be accepted")
    func debug() throws {
        var fixture = SGXFixture()
        fixture.enclave[48] |= 2
        let built = try fixture.built()
        let verdict = built.verdict()
        #expect(verdict.signatureChain == .valid && verdict.tcbStatus == "UpToDate" && verdict.isDebuggable)
        #expect(
            verdict.claims["x-ms-sgx-is-debuggable"] == true
                && verdict.checks.filter { $0.outcome == .failed }.count == 1)
        var policy = AcceptancePolicy.default
        policy.acceptsDebug = true
        #expect(built.verdict(policy: policy).accepted)
    }

    @Test("AC-015 report data that is not the binding is refused")
    func reportData() throws {
        let built = try SGXFixture().built()
        let data = [UInt8](repeating: 0xda, count: 32)
        #expect(built.verdict(reportData: data).accepted)
        #expect(built.verdict(reportData: data + [UInt8](repeating: 0, count: 32)).accepted)
        for wrong in [[], [UInt8](repeating: 0xda, count: 31), data + [1], [UInt8](repeating: 0xda, count: 65)] {
            #expect(built.verdict(reportData: wrong).code == .bindingMismatch)
        }
    }

    @Test func `host data is CONFIGID, with KSS only`() throws {
        var fixture = SGXFixture()
        fixture.enclave.replaceSubrange(192..<224, with: Array(repeating: 0x4d, count: 32))
        #expect(try fixture.built().verdict().hostData.isEmpty)
        fixture.enclave[48] |= 0x80
        let verdict = try fixture.built().verdict()
        #expect(verdict.hostData == Array(repeating: 0x4d, count: 32))
        #expect(
            verdict.claims["x-ms-sgx-config-id"]?.string == Hex.encode(verdict.hostData)
                + String(repeating: "0", count: 64))
        fixture.enclave[255] = 1
        #expect(try fixture.built().verdict().hostData.count == 64)
    }

    @Test func `without collateral everything else is still told`() throws {
        let built = try SGXFixture().built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        let verdict = verifier.verify(built.quote, tee: .sgx, collateral: nil, at: SGXFixture.time)
        #expect(verdict.code == .collateralInvalid && verdict.signatureChain == .valid && verdict.tcbStatus == nil)
        let snp = try SNPFixture().built().collateral
        #expect(
            verifier.verify(built.quote, tee: .sgx, collateral: .snp(snp), at: SGXFixture.time).code
                == .collateralInvalid)
    }

    @Test(
        "forms of the embedded chain that quotes have",
        arguments: [
            "root before CA", "carriage returns", "trailing zero", "no final line feed", "one line",
        ])
    func chainForms(_ form: String) throws {
        var fixture = SGXFixture()
        fixture.embedsChain = { pck, authority, root in
            let usual = TestPEM.chain(pck, authority, root)
            return switch form {
            case "root before CA": TestPEM.chain(pck, root, authority)
            case "carriage returns": usual.replacing("\n", with: "\r\n")
            case "trailing zero": usual + "\0"
            case "no final line feed": String(usual.dropLast())
            default:
                [pck, authority, root].map {
                    "-----BEGIN CERTIFICATE-----\n\(Base64.encodeStandard($0))\n-----END CERTIFICATE-----\n"
                }.joined()
            }
        }
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
    }

    @Test(
        "time edges: from the last beginning to before the first end",
        arguments: [
            ("2025-05-31T23:59:59Z", false), ("2025-06-01T00:00:00Z", true), ("2025-06-30T23:59:59Z", true),
            ("2025-07-01T00:00:00Z", false),
        ])
    func timeEdges(_ time: String, _ isAccepted: Bool) throws {
        var fixture = SGXFixture()
        fixture.rootList.thisUpdate = Timestamp(seconds: 1_740_000_000)
        fixture.pckList.thisUpdate = Timestamp(seconds: 1_740_000_000)
        let verdict = try fixture.built().verdict(at: try #require(Timestamp(rfc3339: time)))
        #expect(verdict.accepted == isAccepted, Comment(rawValue: verdict.json.text))
    }

    @Test func `a certificate holds at its first and last second`() throws {
        var fixture = SGXFixture()
        fixture.pck.notBefore = SGXFixture.time
        fixture.pck.notAfter = SGXFixture.time + 10
        let built = try fixture.built()
        #expect(built.verdict(at: SGXFixture.time).accepted && built.verdict(at: SGXFixture.time + 10).accepted)
        #expect(built.verdict(at: SGXFixture.time - 1).code == .evidenceChain)
        #expect(built.verdict(at: SGXFixture.time + 11).code == .evidenceChain)
    }
}
