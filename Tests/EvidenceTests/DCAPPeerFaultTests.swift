import Encoding
import Evidence
import Testing

/// Faults 1 to 8 of `evidence.md` section 3, which other verifiers of SGX and TDX have, each on made-up evidence; the
/// recorded evidence that shows them is in `VectorTests`.
@Suite("Faults of other verifiers of SGX and TDX")
struct DCAPPeerFaultTests {
    @Test func `fault 1: a platform that is out of date is so under a module that is not`() throws {
        var fixture = TDXFixture()
        fixture.platform.components[0] = 4
        let verdict = try fixture.built().verdict()
        #expect(verdict.tcbStatus == "OutOfDate" && verdict.tcb?.platform.status == .outOfDate)
        #expect(verdict.tcb?.module?.status == .upToDate)
    }

    @Test func `fault 2: the first two TDX components do not count for a module with levels of its own`() throws {
        var fixture = TDXFixture()
        // The TCB level wants 5 in component 1; the module of version 3 is at its newest with 3.
        fixture.setSVN([3, 3, 7])
        #expect(try fixture.built().verdict().tcbStatus == "UpToDate")
        // A module of version 0 has no levels of its own: there they count.
        fixture.setSVN([3, 0, 7])
        #expect(try fixture.built().verdict().tcbStatus == "OutOfDate")
        fixture.setSVN([5, 0, 7])
        #expect(try fixture.built().verdict().tcbStatus == "UpToDate")
        fixture.levels[0].tdx = [5, 1, 7]
        #expect(try fixture.built().verdict().tcbStatus == "OutOfDate")
        fixture.setSVN([6, 1, 6])
        #expect(try fixture.built().verdict().tcbStatus == "OutOfDate")
    }

    @Test func `fault 3: TCB info of version 2 is read`() throws {
        var fixture = SGXFixture()
        fixture.tcbInfo["id"] = nil
        fixture.tcbInfo["version"] = 2
        var tcb: [String: JSON] = ["pcesvn": 11]
        for (index, svn) in fixture.components.enumerated() {
            tcb["sgxtcbcomp\(index < 9 ? "0" : "")\(index + 1)svn"] = .integer(Int64(svn))
        }
        fixture.tcbInfo["tcbLevels"] = [
            ["tcb": .object(tcb), "tcbDate": "2022-01-01T00:00:00Z", "tcbStatus": "SWHardeningNeeded"]
        ]
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.tcbStatus == "SWHardeningNeeded")
    }

    @Test(
        "fault 4: what is refused for its attributes, or reaches no level, still has its TCB status",
        arguments: [
            ("debug", "UpToDate"), ("SEPT_VE", "UpToDate"), ("service TD", "UpToDate"), ("no level", "NotSupported"),
        ])
    func statusIsKnown(_ name: String, _ status: String) throws {
        var fixture = TDXFixture(version: 5, isExtended: true)
        switch name {
        case "debug": fixture.body[TDReport.Layout.tdAttributes] = 1
        case "SEPT_VE": fixture.body[TDReport.Layout.tdAttributes + 3] = 0
        case "service TD": fixture.body[TDReport.Layout.mrServiceTD] = 1
        default: fixture.platform.components[0] = 0
        }
        let verdict = try fixture.built().verdict()
        #expect(!verdict.accepted && verdict.tcbStatus == status && verdict.signatureChain == .valid)
        #expect(!verdict.claims.isEmpty)
    }

    @Test("fault 5: what is not valid yet is refused", arguments: ["PCK", "CA", "TCB info", "QE identity", "PCK list"])
    func notYetValid(_ name: String) throws {
        var fixture = TDXFixture()
        let later = SGXFixture.time + 1
        switch name {
        case "PCK": fixture.platform.pck.notBefore = later
        case "CA": fixture.platform.authority.notBefore = later
        case "TCB info": fixture.platform.tcbInfo["issueDate"] = .string(later.description)
        case "QE identity": fixture.platform.qeIdentity["issueDate"] = .string(later.description)
        default: fixture.platform.pckList.thisUpdate = later
        }
        let built = try fixture.built()
        #expect(!built.verdict().accepted && built.verdict(at: later).accepted)
    }

    @Test func `fault 6: another encoding of the trusted root is trusted`() throws {
        var fixture = TDXFixture()
        var other = fixture.platform.root
        other.notAfter = Timestamp(seconds: 2_400_000_000)
        let encoded = try other.selfSigned()
        fixture.platform.embedsChain = { pck, authority, _ in TestPEM.chain(pck, authority, encoded) }
        let built = try fixture.built()
        #expect(built.root.der != encoded && built.verdict().accepted)
    }

    @Test func `fault 7: chain, TCB status, advisories and policy are told apart`() throws {
        var fixture = TDXFixture()
        fixture.platform.components[0] = 4
        fixture.body[TDReport.Layout.tdAttributes] = 1
        let verdict = try fixture.built().verdict()
        #expect(verdict.signatureChain == .valid && verdict.tcbStatus == "OutOfDate")
        #expect(verdict.advisories == ["INTEL-SA-00001"] && !verdict.isPolicyMet)
        #expect(verdict.failures == ["debug-enabled"] && verdict.check("tcb-level")?.outcome == .passed)
    }

    @Test func `fault 8: debug and SEPT_VE are refused unless asked for, and any status can be`() throws {
        var fixture = TDXFixture()
        fixture.body[TDReport.Layout.tdAttributes] = 1
        #expect(try fixture.built().verdict().code == .debugEnabled)
        fixture = TDXFixture()
        fixture.body[TDReport.Layout.tdAttributes + 3] = 0
        #expect(try fixture.built().verdict().code == .platformPolicy)
        var policy = AcceptancePolicy.default
        policy.tdx.requiredAttributes = []
        #expect(try fixture.built().verdict(policy: policy).accepted)
        for status in ["SWHardeningNeeded", "ConfigurationNeeded", "OutOfDate", "Revoked"] {
            fixture = TDXFixture()
            fixture.levels[0].status = status
            policy.acceptedTCBStatuses = [try #require(TCBStatus(rawValue: status))]
            #expect(try fixture.built().verdict(policy: policy).accepted)
            policy.acceptedTCBStatuses = [.upToDate]
            #expect(try fixture.built().verdict(policy: policy).code == .tcbNotAccepted)
        }
    }
}
