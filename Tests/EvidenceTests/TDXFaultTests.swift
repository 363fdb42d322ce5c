import Encoding
import Evidence
import Testing

@Suite("TDX evidence with one thing wrong")
struct TDXFaultTests {
    typealias Layout = TDReport.Layout

    /// A named way to break the fixture, and the code and check that say so.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let code: RefusalCode
        let check: String
        let change: @Sendable (inout TDXFixture) -> Void

        init(
            _ name: String, _ code: RefusalCode, _ check: String,
            _ change: @escaping @Sendable (inout TDXFixture) -> Void
        ) {
            self.name = name
            self.code = code
            self.check = check
            self.change = change
        }

        var testDescription: String { name }
    }

    @Test("the fixture itself is accepted in each form", arguments: [(UInt16(4), false), (5, false), (5, true)])
    func form(_ version: UInt16, _ isExtended: Bool) throws {
        let built = try TDXFixture(version: version, isExtended: isExtended).built()
        let verdict = built.verdict(reportData: [UInt8](repeating: 0xda, count: 32))
        #expect(verdict.accepted && verdict.tcbStatus == "UpToDate", Comment(rawValue: verdict.json.text))
        #expect(verdict.checks.allSatisfy { $0.outcome == .passed && !$0.detail.isEmpty })
        #expect(verdict.validUntil?.description == "2025-07-01T00:00:00Z" && verdict.advisories.isEmpty)
        #expect(verdict.hostData == [UInt8](repeating: 0xc0, count: 48) && !verdict.isDebuggable)
        guard case .tdx(let quote) = verdict.attested else {
            Issue.record("no TDX quote")
            return
        }
        #expect(quote.envelope.version == version && quote.report.isExtended == isExtended)
        #expect(quote.report.rtmrs.map(\.first) == [0xa0, 0xa1, 0xa2, 0xa3] && quote.report.mrSeam.first == 0x5e)
        #expect((quote.report.teeTCBSVN2?.moduleSVN == 6) == isExtended)
        #expect((quote.report.mrServiceTD != nil) == isExtended)
    }

    @Test(
        "refused with its code",
        arguments: TDXFaultTests.formFaults + TDXFaultTests.collateralFaults + TDXFaultTests.moduleFaults
            + TDXFaultTests.domainFaults)
    func refused(_ fault: Fault) throws {
        var fixture = TDXFixture(version: 5, isExtended: true)
        fault.change(&fixture)
        let verdict = try fixture.built().verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.code == fault.code, explanation)
        #expect(verdict.check(fault.check)?.code == fault.code, explanation)
    }

    static let formFaults: [Fault] = [
        Fault("AC-018 unknown version", .evidenceMalformed, "format") { $0.platform.header[0] = 6 },
        Fault("AC-018 TDX in version 3", .evidenceMalformed, "format") { $0.platform.header[0] = 3 },
        Fault("AC-018 unknown TEE type", .evidenceMalformed, "format") { $0.platform.header[4] = 0x82 },
        Fault("AC-018 TEE type of SGX with a TD body", .evidenceMalformed, "format") { $0.platform.header[4] = 0 },
        Fault("AC-018 body type of SGX", .evidenceMalformed, "format") { $0.bodyType = 1 },
        Fault("AC-018 body type of TD 1.0 with the size of 1.5", .evidenceMalformed, "format") { $0.bodyType = 2 },
        Fault("AC-018 body type that is not read", .evidenceMalformed, "format") { $0.bodyType = 4 },
        Fault("AC-018 body size off by one", .evidenceMalformed, "format") { $0.bodySize -= 1 },
        Fault("AC-018 absurd body size", .evidenceMalformed, "format") { $0.bodySize = .max },
        Fault("AC-018 chain directly in the outer certification data", .evidenceMalformed, "format") {
            $0.platform.nestedType = 5
        },
        Fault("AC-018 bytes after the quote", .evidenceMalformed, "format") { $0.platform.trailing = [0, 0, 1] },
    ]

    static let collateralFaults: [Fault] = [
        Fault("TCB info for SGX", .collateralInvalid, "tcb-info") { $0.platform.tcbInfo["id"] = "SGX" },
        Fault("TCB info for neither", .collateralInvalid, "tcb-info") { $0.platform.tcbInfo["id"] = "TDXX" },
        Fault("TCB info of version 2", .collateralInvalid, "tcb-info") { $0.platform.tcbInfo["version"] = 2 },
        Fault("TCB info without a module", .collateralInvalid, "tcb-info") {
            $0.platform.tcbInfo["tdxModule"] = nil
        },
        Fault("TCB info without TDX components", .collateralInvalid, "tcb-info") {
            $0.platform.tcbInfo["tcbLevels"] = SGXFixture().tcbInfo["tcbLevels"]
        },
        Fault("TCB info with a status that only verifiers find", .collateralInvalid, "tcb-info") {
            $0.levels[0].status = "TDRelaunchAdvised"
        },
        Fault("module with a status that no module has", .collateralInvalid, "tcb-info") {
            $0.platform.tcbInfo["tdxModuleIdentities"] = [
                TDXFixture.module("TDX_01", [(6, "2024-03-13", "SWHardeningNeeded", [])])
            ]
        },
        Fault("module without levels", .collateralInvalid, "tcb-info") {
            $0.platform.tcbInfo["tdxModuleIdentities"] = [TDXFixture.module("TDX_01")]
        },
        Fault("AC-012 TCB info from the future", .collateralInvalid, "tcb-info") {
            $0.platform.tcbInfo["issueDate"] = .string((SGXFixture.time + 1).description)
        },
        Fault("QE identity of SGX", .collateralInvalid, "qe-identity-document") {
            $0.platform.qeIdentity["id"] = "QE"
        },
        Fault("AC-012 QE identity expired", .collateralInvalid, "qe-identity-document") {
            $0.platform.qeIdentity["nextUpdate"] = .string(SGXFixture.time.description)
        },
        Fault("AC-014 quoting enclave of SGX", .qeIdentity, "qe-identity") { $0.platform.quotingEnclave[256] = 1 },
        Fault("AC-014 quoting enclave in debug mode", .qeIdentity, "qe-identity") {
            $0.platform.quotingEnclave[48] |= 2
        },
        Fault("AC-014 quoting enclave below every level", .qeIdentity, "qe-identity") {
            $0.platform.quotingEnclave[258] = 1
        },
        Fault("AC-014 QE report signed by another key", .qeIdentity, "qe-report-signature") {
            $0.platform.signsQuotingEnclaveWith = .newP256()
        },
        Fault("AC-001 quote signed by another key", .evidenceSignature, "quote-signature") {
            $0.platform.signsQuoteWith = .newP256()
        },
        Fault("AC-013 revoked PCK certificate", .certificateRevoked, "revocation") {
            $0.platform.pckList.serials = [3]
        },
    ]

    static let moduleFaults: [Fault] = [
        Fault("module of another signer", .tcbInconsistent, "tdx-module") { $0.body[Layout.mrSignerSeam + 47] = 1 },
        Fault("module with an attribute", .tcbInconsistent, "tdx-module") { $0.body[Layout.seamAttributes] = 1 },
        Fault("module with an attribute that its identity has", .tcbInconsistent, "tdx-module") {
            $0.body[Layout.seamAttributes] = 1
            $0.platform.tcbInfo["tdxModuleIdentities"] = [
                TDXFixture.module("TDX_01", [(6, "2024-03-13", "UpToDate", [])], attributes: "0100000000000000")
            ]
        },
        Fault("module whose identity names another signer", .tcbInconsistent, "tdx-module") {
            $0.platform.tcbInfo["tdxModuleIdentities"] = [
                TDXFixture.module("TDX_01", [(6, "2024-03-13", "UpToDate", [])], signer: 1)
            ]
        },
        Fault("module version that is not listed", .tcbInconsistent, "tdx-module") { $0.setSVN([6, 2, 7]) },
        Fault("module of version 1 where only version 0 is known", .tcbInconsistent, "tdx-module") {
            $0.platform.tcbInfo["tdxModuleIdentities"] = nil
        },
        Fault("module of version 0 with another signer than the module's own", .tcbInconsistent, "tdx-module") {
            $0.setSVN([5, 0, 7])
            $0.platform.tcbInfo["tdxModule"] = TDXFixture.module(nil, signer: 1)
        },
        Fault("AC-010 module below every level", .tcbNotAccepted, "tcb-level") { $0.setSVN([1, 1, 7]) },
        Fault("AC-010 revoked module", .tcbNotAccepted, "tcb-level") { $0.setSVN([3, 1, 7]) },
        Fault("AC-010 revoked quoting enclave", .tcbNotAccepted, "tcb-level") {
            $0.platform.quotingEnclave[258] = 3
        },
        Fault("AC-010 revoked platform by its SGX part", .tcbNotAccepted, "tcb-level") {
            $0.platform.components[0] = 1
        },
        Fault("AC-010 revoked platform by its TDX part", .tcbNotAccepted, "tcb-level") { $0.setSVN([6, 1, 2]) },
        Fault("AC-010 SGX part below every level", .tcbNotAccepted, "tcb-level") { $0.platform.components[0] = 0 },
        Fault("AC-010 TDX part below every level", .tcbNotAccepted, "tcb-level") { $0.setSVN([6, 1, 0]) },
    ]

    static let domainFaults: [Fault] = [
        Fault("AC-005 debug", .debugEnabled, "debug") { $0.body[Layout.tdAttributes] = 1 },
        Fault("AC-005 profiling", .debugEnabled, "debug") { $0.body[Layout.tdAttributes] = 0x20 },
        Fault("AC-005 reserved bit of the byte for debug", .debugEnabled, "debug") {
            $0.body[Layout.tdAttributes] = 0x80
        },
        Fault("SEPT_VE_DISABLE off", .platformPolicy, "platform") { $0.body[Layout.tdAttributes + 3] = 0 },
        Fault("reserved attribute", .platformPolicy, "platform") { $0.body[Layout.tdAttributes + 5] = 1 },
        Fault("unknown bit of XFAM", .platformPolicy, "platform") { $0.body[Layout.xfam] |= 0x08 },
        Fault("service TD", .platformPolicy, "platform") { $0.body[Layout.mrServiceTD + 47] = 1 },
    ]

    @Test("AC-005 debug is refused with everything else known, and can be accepted", arguments: [UInt8(1), 0x10, 0x80])
    func debug(_ attributes: UInt8) throws {
        var fixture = TDXFixture()
        fixture.body[Layout.tdAttributes] = attributes
        let built = try fixture.built()
        let verdict = built.verdict()
        #expect(verdict.isDebuggable && verdict.signatureChain == .valid && verdict.tcbStatus == "UpToDate")
        #expect(verdict.claims["tdx_td_attributes_debug"] == .bool(attributes == 1))
        #expect(verdict.claims["dbgstat"] == .string(attributes == 1 ? "enabled" : "disabled"))
        #expect(verdict.failures == ["debug-enabled"])
        var policy = AcceptancePolicy.default
        policy.acceptsDebug = true
        #expect(built.verdict(policy: policy).accepted)
    }

    @Test("a policy narrows what is accepted, and status, claims and chain are still told")
    func policies() throws {
        var fixture = TDXFixture(version: 5, isExtended: true)
        fixture.body[Layout.tdAttributes + 3] = 0x50
        let built = try fixture.built()
        #expect(built.verdict().accepted)
        let other: Set<[UInt8]> = [[UInt8](repeating: 0, count: 48)]
        let narrowings: [@Sendable (inout AcceptancePolicy) -> Void] = [
            { $0.tdx.refusedAttributes.insert(.protectionKeys) }, { $0.tdx.requiredAttributes.insert(.migratable) },
            { $0.tdx.allowedXFAM = 0x67 }, { $0.tdx.mrSeams = other }, { $0.tdx.mrTDs = other },
            { $0.tdx.mrConfigIDs = other }, { $0.tdx.mrOwners = other }, { $0.tdx.mrOwnerConfigs = other },
            { $0.tdx.mrServiceTDs = [] }, { $0.tdx.rtmrs = [2: other] }, { $0.tdx.rtmrs = [4: other] },
            { $0.dcap.ppids = [] }, { $0.dcap.refusesSMT = true },
        ]
        for (index, narrow) in narrowings.enumerated() {
            var policy = AcceptancePolicy.default
            narrow(&policy)
            let verdict = built.verdict(policy: policy)
            #expect(verdict.code == .platformPolicy && !verdict.isPolicyMet, "narrowing \(index)")
            #expect(verdict.signatureChain == .valid && verdict.tcbStatus == "UpToDate" && !verdict.claims.isEmpty)
        }
        func register(_ byte: UInt8) -> Set<[UInt8]> { [[UInt8](repeating: byte, count: 48)] }
        var exact = AcceptancePolicy.default
        exact.tdx.mrSeams = register(0x5e)
        exact.tdx.mrTDs = register(0x7d)
        exact.tdx.mrConfigIDs = register(0xc0)
        exact.tdx.mrOwners = register(0x01)
        exact.tdx.mrOwnerConfigs = register(0x0c)
        exact.tdx.rtmrs = [0: register(0xa0), 1: register(0xa1), 2: register(0xa2), 3: register(0xa3)]
        exact.dcap.ppids = [[UInt8](repeating: 7, count: 16)]
        #expect(built.verdict(policy: exact).accepted)
    }

    @Test("AC-015 report data that is not the binding is refused")
    func reportData() throws {
        let built = try TDXFixture().built()
        #expect(built.verdict(reportData: [UInt8](repeating: 0xdb, count: 32)).code == .bindingMismatch)
    }

    @Test func `SGX quotes of versions 4 and 5 are judged as those of version 3`() throws {
        var fixture = SGXFixture()
        for version in [UInt8(4), 5] {
            fixture.header[0] = version
            let descriptor: [UInt8] = version == 5 ? [1, 0, 0x80, 1, 0, 0] : []
            let built = try fixture.built(.sgx, signed: fixture.header + descriptor + fixture.enclave)
            let verdict = built.verdict()
            #expect(verdict.accepted && verdict.tcbStatus == "UpToDate", Comment(rawValue: verdict.json.text))
            #expect(verdict.check("tdx-module") == nil)
            #expect(try SGXQuote(built.quote[...]).report.mrEnclave.first == 0xe1)
            #expect(throws: Refusal.self) { try TDXQuote(built.quote[...]) }
        }
        #expect(throws: Refusal.self) { try SGXQuote(TDXFixture().built().quote[...]) }
    }

    @Test func `collateral for SGX does not judge a TDX quote, nor the other way round`() throws {
        let fixture = TDXFixture()
        let tdx = try fixture.built()
        var platform = fixture.platform
        let usual = SGXFixture()
        platform.tcbInfo = usual.tcbInfo
        platform.qeIdentity = usual.qeIdentity
        platform.header = usual.header
        platform.quotingEnclave = usual.quotingEnclave
        let sgx = try platform.built()
        #expect(tdx.verdict().accepted && sgx.verdict().accepted)
        for (built, collateral, seen) in [(tdx, sgx.collateral, "SGX"), (sgx, tdx.collateral, "TDX")] {
            let verdict = EvidenceVerifier(anchors: built.anchors).verify(
                built.quote, tee: built.tee, collateral: .dcap(collateral), at: SGXFixture.time)
            #expect(verdict.code == .collateralInvalid && verdict.tcb == nil && verdict.signatureChain == .valid)
            for name in ["tcb-info", "qe-identity-document"] {
                #expect(verdict.check(name)?.code == .collateralInvalid)
                #expect(verdict.check(name)?.detail.contains("is for \(seen), not for the quote's TEE") == true)
            }
        }
    }

    @Test func `a warm verifier judges each quote by its own bytes`() throws {
        var fixture = TDXFixture(version: 5, isExtended: true)
        let good = try fixture.built()
        let verifier = EvidenceVerifier(anchors: good.anchors)
        func verdict(_ quote: [UInt8]) -> Verdict {
            verifier.verify(quote, tee: .tdx, collateral: .dcap(good.collateral), at: SGXFixture.time)
        }
        #expect(verdict(good.quote).accepted)
        var forged = good.quote
        forged[54 + Layout.mrTD] ^= 1
        #expect(verdict(forged).code == .evidenceSignature)
        fixture.body[Layout.tdAttributes] = 1
        let debuggable = try fixture.built()
        // Everything from the attestation key on is the remembered platform's.
        let signature = 54 + Layout.extendedByteCount
        let mixed =
            debuggable.quote[..<signature] + good.quote[signature..<signature + 4]
            + debuggable.quote[signature + 4..<signature + 68] + good.quote[(signature + 68)...]
        #expect(verdict(Array(mixed)).code == .debugEnabled)
        #expect(verdict(good.quote).accepted)
    }
}
