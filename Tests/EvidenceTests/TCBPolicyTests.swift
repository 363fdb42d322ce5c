import Encoding
import Evidence
import Testing

/// The TCB part of step 11 of `evidence.md` section 2.1, and what SNP has of it.
@Suite("Time of grace, and floors")
struct TCBPolicyTests {
    @Test(
        "out of date is accepted for a time after the first level that is missed",
        arguments: [
            // The newest level is of 2024-03-13, 39,657,600 seconds before 2025-06-15T00:00:00Z.
            (Int64(0), false), (39_657_600, false), (39_657_601, true), (Int64.max, true), (-1, false),
        ])
    func grace(_ seconds: Int64, _ isAccepted: Bool) throws {
        var fixture = TDXFixture()
        fixture.platform.components[0] = 4
        var policy = AcceptancePolicy.default
        policy.acceptedTCBStatuses = [.upToDate]
        policy.outOfDateGraceSeconds = seconds
        let time = try #require(Timestamp(year: 2025, month: 6, day: 15))
        let verdict = try fixture.built().verdict(at: time, policy: policy)
        #expect(verdict.accepted == isAccepted, Comment(rawValue: verdict.json.text))
        #expect(verdict.tcbStatus == "OutOfDate" && verdict.isPolicyMet == isAccepted)
    }

    @Test func `each part must be in its time of grace, and a newer level does not begin it anew`() throws {
        var policy = AcceptancePolicy.default
        policy.acceptedTCBStatuses = [.upToDate]
        policy.outOfDateGraceSeconds = 500 * 86_400
        var fixture = TDXFixture()
        fixture.setSVN([5, 1, 6])
        #expect(try fixture.built().verdict(policy: policy).accepted)
        // Another level between: the platform has been out of date since 2023.
        fixture.levels.insert(.init([5, 5, 2, 2, 3, 1, 0, 3], 11, [5, 0, 7], "2023-01-01", "OutOfDate"), at: 1)
        #expect(try fixture.built().verdict(policy: policy).code == .tcbNotAccepted)
        // The module's newest level is older than that.
        fixture.levels.remove(at: 1)
        fixture.platform.tcbInfo["tdxModuleIdentities"] = [
            TDXFixture.module("TDX_01", [(6, "2023-01-01", "UpToDate", []), (5, "2022-01-01", "OutOfDate", [])])
        ]
        #expect(try fixture.built().verdict(policy: policy).code == .tcbNotAccepted)
    }

    @Test func `grace does not make up for configuration, revocation or an old level`() throws {
        var policy = AcceptancePolicy.default
        policy.acceptedTCBStatuses = [.upToDate]
        policy.outOfDateGraceSeconds = .max
        var fixture = TCBTests.fixture("OutOfDateConfigurationNeeded")
        #expect(try fixture.built().verdict(policy: policy).code == .tcbNotAccepted)
        policy.acceptedTCBStatuses.insert(.configurationNeeded)
        #expect(try fixture.built().verdict(policy: policy).accepted)
        fixture.levels[0].status = "Revoked"
        #expect(try fixture.built().verdict(policy: policy).code == .tcbNotAccepted)
        fixture.levels[0].status = "OutOfDate"
        policy.minimumTCBDate = Timestamp(year: 2024, month: 3, day: 14)
        #expect(try fixture.built().verdict(policy: policy).code == .tcbNotAccepted)
        policy.minimumTCBDate = Timestamp(year: 2024, month: 3, day: 13)
        #expect(try fixture.built().verdict(policy: policy).accepted)
    }

    @Test func `grace holds for SGX too`() throws {
        var fixture = SGXFixture()
        fixture.quotingEnclave[258] = 7
        var policy = AcceptancePolicy.default
        policy.acceptedTCBStatuses = [.upToDate]
        let built = try fixture.built()
        #expect(built.verdict(policy: policy).code == .tcbNotAccepted)
        policy.outOfDateGraceSeconds = 500 * 86_400
        #expect(built.verdict(policy: policy).accepted)
    }

    @Test func `floors of SNP fill the same result`() throws {
        var policy = AcceptancePolicy.default
        policy.snp.floors[.genoa] = .init(
            reported: SNPTCBVersion(bootLoader: 0, tee: 0, snp: 24, microcode: 0),
            launch: SNPTCBVersion(bootLoader: 10, tee: 0, snp: 0, microcode: 0))
        let built = try SNPFixture().built()
        let tcb = try #require(built.verdict(policy: policy).tcb)
        #expect(tcb.status == .outOfDate && tcb.platform.status == .outOfDate && tcb.quotingEnclave == nil)
        #expect(
            tcb.shortcomings == [
                .init(component: "reported SNP", seen: 23, wanted: 24),
                .init(component: "launch boot loader", seen: 9, wanted: 10),
            ])
        #expect(built.verdict().tcb == nil && built.verdict().json["tcb"] == .null)
    }
}
