import Encoding
import Evidence
import Testing

/// Steps 8 to 11 of `evidence.md` section 2.1: levels, convergence, relaunch, and what a policy makes of them.
@Suite("TCB levels of Intel platforms")
struct TCBTests {
    /// A domain of TD 1.5 on a platform with one level of this status, over a module and a quoting enclave.
    static func fixture(
        _ platform: String, module: UInt8 = 6, quotingEnclave: UInt8 = 8, version: UInt8 = 1
    ) -> TDXFixture {
        var fixture = TDXFixture(version: 5, isExtended: true)
        fixture.levels[0].status = platform
        fixture.setSVN([module, version, 7])
        fixture.platform.quotingEnclave[258] = quotingEnclave
        return fixture
    }

    private static let moduleOutOfDate: UInt8 = 5
    private static let moduleRevoked: UInt8 = 3

    @Test(
        "the platform's status converges with the module's",
        arguments: [
            ("UpToDate", TCBTests.moduleOutOfDate, "OutOfDate"),
            ("SWHardeningNeeded", TCBTests.moduleOutOfDate, "OutOfDate"),
            ("ConfigurationNeeded", TCBTests.moduleOutOfDate, "OutOfDateConfigurationNeeded"),
            ("ConfigurationAndSWHardeningNeeded", TCBTests.moduleOutOfDate, "OutOfDateConfigurationNeeded"),
            ("OutOfDate", TCBTests.moduleOutOfDate, "OutOfDate"),
            ("OutOfDateConfigurationNeeded", TCBTests.moduleOutOfDate, "OutOfDateConfigurationNeeded"),
            ("Revoked", TCBTests.moduleOutOfDate, "Revoked"), ("UpToDate", 6, "UpToDate"),
            ("SWHardeningNeeded", 6, "SWHardeningNeeded"), ("ConfigurationNeeded", 6, "ConfigurationNeeded"),
            ("ConfigurationAndSWHardeningNeeded", 6, "ConfigurationAndSWHardeningNeeded"),
            ("OutOfDate", 6, "OutOfDate"), ("OutOfDateConfigurationNeeded", 6, "OutOfDateConfigurationNeeded"),
            ("Revoked", 6, "Revoked"), ("UpToDate", TCBTests.moduleRevoked, "Revoked"),
            ("OutOfDateConfigurationNeeded", TCBTests.moduleRevoked, "Revoked"), ("UpToDate", 1, "NotSupported"),
            ("Revoked", 1, "NotSupported"),
        ])
    func module(_ platform: String, _ module: UInt8, _ expected: String) throws {
        var fixture = TCBTests.fixture(platform, module: module)
        fixture.setSecondSVN([module, 1, 7])
        let verdict = try fixture.built().verdict()
        #expect(verdict.tcbStatus == expected, Comment(rawValue: verdict.json.text))
        #expect(verdict.tcb?.platform.status.rawValue == platform)
        #expect(verdict.accepted == !["Revoked", "NotSupported"].contains(expected))
    }

    @Test(
        "the platform's status converges with the quoting enclave's",
        arguments: [
            ("UpToDate", UInt8(7), "OutOfDate"), ("SWHardeningNeeded", 7, "OutOfDate"),
            ("ConfigurationNeeded", 7, "OutOfDateConfigurationNeeded"),
            ("ConfigurationAndSWHardeningNeeded", 7, "OutOfDateConfigurationNeeded"),
            ("OutOfDateConfigurationNeeded", 7, "OutOfDateConfigurationNeeded"), ("Revoked", 7, "Revoked"),
            ("UpToDate", 3, "Revoked"), ("OutOfDate", 3, "Revoked"), ("UpToDate", 1, "NotSupported"),
        ])
    func quotingEnclave(_ platform: String, _ svn: UInt8, _ expected: String) throws {
        let verdict = try TCBTests.fixture(platform, quotingEnclave: svn).built().verdict()
        #expect(verdict.tcbStatus == expected, Comment(rawValue: verdict.json.text))
        #expect(verdict.tcb?.module?.status == .upToDate)
    }

    // MARK: Relaunch

    struct Relaunch: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var expected: String
        var change: @Sendable (inout TDXFixture) -> Void = { _ in }

        init(_ name: String, _ expected: String, _ change: @escaping @Sendable (inout TDXFixture) -> Void = { _ in }) {
            testDescription = name
            self.expected = expected
            self.change = change
        }
    }

    /// Changes to a domain that was launched on a module of ISVSVN 5 and now runs on the newest.
    private static let relaunches: [Relaunch] = [
        Relaunch("the platform was updated under the domain", "TDRelaunchAdvised"),
        Relaunch("by more than was asked", "TDRelaunchAdvised") { $0.setSecondSVN([9, 1, 8]) },
        Relaunch("to a module of a later version", "TDRelaunchAdvised") { $0.setSecondSVN([3, 3, 7]) },
        Relaunch("to a module of version 0", "TDRelaunchAdvised") { $0.setSecondSVN([5, 0, 7]) },
        Relaunch("hardening is needed too", "TDRelaunchAdvised") { $0.levels[0].status = "SWHardeningNeeded" },
        Relaunch("configuration is needed too", "TDRelaunchAdvisedConfigurationNeeded") {
            $0.levels[0].status = "ConfigurationNeeded"
        },
        Relaunch("configuration and hardening are needed too", "TDRelaunchAdvisedConfigurationNeeded") {
            $0.levels[0].status = "ConfigurationAndSWHardeningNeeded"
        },
        Relaunch("the domain's TDX level is older than the platform's SGX level", "TDRelaunchAdvised") {
            $0.setSVN([5, 1, 6])
        },
        Relaunch("that older level asks for configuration", "TDRelaunchAdvisedConfigurationNeeded") {
            $0.setSVN([5, 1, 6])
            $0.levels[1].status = "OutOfDateConfigurationNeeded"
        },
        Relaunch("not to the newest module", "OutOfDate") { $0.setSecondSVN([5, 1, 7]) },
        Relaunch("not to the newest module of version 0", "OutOfDate") { $0.setSecondSVN([4, 0, 7]) },
        Relaunch("not to the newest microcode", "OutOfDate") { $0.setSecondSVN([6, 1, 6]) },
        Relaunch("the platform's SGX part is out of date", "OutOfDate") { $0.platform.components[0] = 4 },
        Relaunch("the quoting enclave is out of date", "OutOfDate") { $0.platform.quotingEnclave[258] = 7 },
        Relaunch("the quoting enclave is revoked", "Revoked") { $0.platform.quotingEnclave[258] = 3 },
        Relaunch("the module at launch is not out of date", "OutOfDate") { $0.setSVN([6, 1, 6]) },
        Relaunch("the module at launch is revoked", "Revoked") { $0.setSVN([3, 1, 7]) },
        Relaunch("a module of version 0 at launch", "OutOfDate") { $0.setSVN([4, 0, 7]) },
    ]

    @Test("a relaunch is advised only where it helps", arguments: TCBTests.relaunches)
    func relaunch(_ row: Relaunch) throws {
        var fixture = TCBTests.fixture("UpToDate", module: TCBTests.moduleOutOfDate)
        row.change(&fixture)
        let verdict = try fixture.built().verdict()
        #expect(verdict.tcbStatus == row.expected, Comment(rawValue: verdict.json.text))
    }

    @Test func `TD 1.0 knows no relaunch`() throws {
        var fixture = TDXFixture(version: 5)
        fixture.setSVN([TCBTests.moduleOutOfDate, 1, 7])
        #expect(try fixture.built().verdict().tcbStatus == "OutOfDate")
    }

    @Test func `a domain that now runs on a module that nobody lists is inconsistent`() throws {
        var fixture = TCBTests.fixture("UpToDate", module: TCBTests.moduleOutOfDate)
        fixture.setSecondSVN([6, 2, 7])
        let verdict = try fixture.built().verdict()
        #expect(verdict.code == .tcbInconsistent && verdict.tcbStatus == nil && verdict.signatureChain == .valid)
    }

    @Test func `relaunch statuses are accepted by default and can be refused`() throws {
        let built = try TCBTests.fixture("UpToDate", module: TCBTests.moduleOutOfDate).built()
        #expect(built.verdict().accepted)
        var policy = AcceptancePolicy.default
        policy.acceptedTCBStatuses = [.upToDate, .outOfDate]
        #expect(built.verdict(policy: policy).code == .tcbNotAccepted)
    }

    // MARK: Levels

    @Test(
        "module ids are compared without regard to case",
        arguments: ["TDX_0a", "TDX_0A", "tdx_0A", "Tdx_0a"])
    func moduleID(_ id: String) throws {
        var fixture = TDXFixture()
        fixture.setSVN([6, 10, 7])
        fixture.platform.tcbInfo["tdxModuleIdentities"] = [
            TDXFixture.module(id, [(6, "2024-03-13", "UpToDate", [])])
        ]
        #expect(try fixture.built().verdict().accepted)
    }

    @Test func `the first module identity named TDX_00 does not describe version 0`() throws {
        var fixture = TDXFixture()
        fixture.setSVN([5, 0, 7])
        fixture.platform.tcbInfo["tdxModuleIdentities"] = [
            TDXFixture.module("TDX_00", [(9, "2024-03-13", "Revoked", [])], signer: 1)
        ]
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.tcbStatus == "UpToDate" && verdict.tcb?.module == nil)
    }

    @Test func `advisories of platform, module and quoting enclave are told once each`() throws {
        var fixture = TCBTests.fixture("UpToDate", module: TCBTests.moduleOutOfDate, quotingEnclave: 7)
        fixture.platform.components[0] = 4
        fixture.levels[1].advisories = ["INTEL-SA-00001", "INTEL-SA-00003"]
        let verdict = try fixture.built().verdict()
        #expect(verdict.advisories == ["INTEL-SA-00001", "INTEL-SA-00003", "INTEL-SA-00004"])
        #expect(verdict.accepted)
    }

    @Test func `advisories of an up-to-date level are told and do not refuse`() throws {
        var fixture = TDXFixture()
        fixture.levels[0].advisories = ["INTEL-SA-00009"]
        let built = try fixture.built()
        #expect(built.verdict().accepted && built.verdict().advisories == ["INTEL-SA-00009"])
        var policy = AcceptancePolicy.default
        policy.refusedAdvisories = ["INTEL-SA-00009"]
        #expect(built.verdict(policy: policy).code == .tcbNotAccepted)
    }

    @Test func `the appraisal names each part and what to update`() throws {
        var fixture = TCBTests.fixture("UpToDate", module: TCBTests.moduleOutOfDate, quotingEnclave: 7)
        fixture.setSVN([TCBTests.moduleOutOfDate, 1, 6])
        fixture.platform.components[0] = 4
        fixture.platform.components[4] = 2
        fixture.platform.pceSVN = 10
        fixture.levels[1].sgx[4] = 2
        let tcb = try #require(try fixture.built().verdict().tcb)
        #expect(tcb.status == .outOfDate && tcb.evaluationDataNumber == 17)
        #expect(tcb.platform == .init(status: .outOfDate, date: Timestamp(year: 2022, month: 3, day: 13)))
        #expect(tcb.module == .init(status: .outOfDate, date: Timestamp(year: 2023, month: 3, day: 13)))
        #expect(tcb.quotingEnclave == .init(status: .outOfDate, date: Timestamp(year: 2021, month: 3, day: 13)))
        #expect(
            tcb.shortcomings == [
                .init(component: "SGX component 1", seen: 4, wanted: 5, update: "BIOS: Early Microcode Update"),
                .init(component: "SGX component 5", seen: 2, wanted: 3),
                .init(component: "PCESVN", seen: 10, wanted: 11),
                .init(component: "TDX component 3", seen: 6, wanted: 7, update: "OS/VMM: TDX Late Microcode Update"),
                .init(component: "TDX module ISVSVN", seen: 5, wanted: 6, update: "OS/VMM: TDX Module"),
                .init(component: "QE ISVSVN", seen: 7, wanted: 8),
            ])
        let json = try fixture.built().verdict().json["tcb"]
        #expect(json?["status"] == "OutOfDate" && json?["module"]?["date"] == "2023-03-13T00:00:00Z")
        #expect(
            json?["shortcomings"]?.array?.first
                == [
                    "component": "SGX component 1", "seen": 4, "wanted": 5, "update": "BIOS: Early Microcode Update",
                ])
    }

    @Test func `nothing is short at the newest level, and no level is a status of its own`() throws {
        let newest = try TDXFixture().built().verdict()
        #expect(newest.tcb?.shortcomings == [])
        var fixture = TDXFixture()
        fixture.setSVN([6, 1, 0])
        let tcb = try #require(try fixture.built().verdict().tcb)
        #expect(tcb.status == .notSupported && tcb.platform == .init(status: .notSupported))
        #expect(tcb.shortcomings.map(\.component) == ["TDX component 3"])
    }
}
