import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

/// The wheel `dcap-qvl` judges the recorded evidence too.
@Suite(
    "Recorded SGX and TDX evidence, judged by other people's code",
    .enabled(if: Vectors.available && ProjectFolders.python != nil))
struct DCAPDifferentialTests {
    /// Judges every case that has collateral in one file; prints what it says by case.
    private static let program = #"""
        import json, sys, dcap_qvl
        folder, verdicts = sys.argv[1], {}
        for case in json.load(open(folder + "/expected.json"))["cases"]:
            if case["tee"] not in ("sgx", "tdx") or not case.get("collateral", "").endswith(".json"):
                continue
            quote = open(folder + "/" + case["evidence"], "rb").read()[case.get("evidence_offset", 0):]
            collateral = dcap_qvl.QuoteCollateralV3.from_json(open(folder + "/" + case["collateral"]).read())
            try:
                report = dcap_qvl.verify(quote, collateral, case["unix"])
                verdicts[case["id"]] = {"status": report.status, "advisories": report.advisory_ids}
            except ValueError as error:
                verdicts[case["id"]] = {"error": str(error)}
        print(json.dumps(verdicts))
        """#

    /// Evidence that we accept and the wheel does not: fault 3, it cannot read TCB info of version 2.
    private static let unread: Set<String> = ["sgx-teepot-00606a-tcbv2", "sgx-teepot-00706e-tcbv2"]

    @Test func `verdict, status and advisories agree but for the faults that are known`() async throws {
        let python = try #require(ProjectFolders.python)
        let run = try await ProgramRun.run(python, ["-c", Self.program, Vectors.folder.path])
        try #require(run.status == 0, Comment(rawValue: run.errors))
        let verdicts = try #require(try JSON.parse(run.output).object)
        #expect(verdicts.count >= 31)
        for (id, theirs) in verdicts {
            let ours = try VectorCase.named(id).verdict()
            if let status = theirs["status"]?.string {
                #expect(ours.accepted && ours.tcbStatus == status, "\(id)")
                #expect(Set(ours.advisories) == Set(theirs["advisories"]?.strings ?? []), "\(id)")
            } else if Self.unread.contains(id) {
                #expect(theirs["error"]?.string?.contains("decode TcbInfo") == true && ours.accepted, "\(id)")
            } else {
                #expect(!ours.accepted, "\(id): \(theirs["error"]?.string ?? "")")
            }
        }
    }
}
