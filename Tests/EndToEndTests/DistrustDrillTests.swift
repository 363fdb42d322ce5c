import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import TestSupport
import Testing

@testable import cloister

/// The distrust drill with the command line, over a whole running installation.
@Suite(
    .serialized, .withRunningStack, .enabled(if: ProjectFolders.onnxRuntime != nil, "make test fetches ONNX Runtime"))
struct DistrustDrillTests {
    private var stack: RunningStack { get throws { try #require(RunningStack.current) } }

    private func distrust(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(
            ProjectFolders.executables.appending(path: "cloister"),
            ["distrust"] + arguments + ["--state", try stack.state.path, "--json"])
    }

    @Test("AC-030 from one command on the platform's measurement is refused, and so are its tokens")
    func drill() async throws {
        let stack = try stack
        let answer = try await stack.client.send(
            .get, try stack.url("platform") + "/evidence", maximumBytes: EvidenceDocument.maximumBytes)
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "evidence.json")
        try Data(answer.body).write(to: file)
        let shown = try await CommandLineRun.cloister(
            "distrust", "show", file.path, "--trust", stack.state.path, "--json")
        let marks = try #require(shown.json?["marks"]?.strings, "\(shown.errors)")
        let measurement = try #require(marks.first { $0.hasPrefix("measurement:") })
        #expect(
            Set(marks.map { $0.split(separator: ":")[0] }).isSuperset(of: ["certificate", "family", "measurement"]))

        let clerk = try stack.newClerk()
        try await clerk.attest()
        let added = try await distrust("add", measurement, "--measure")
        #expect(added.status == 0, "\(added.errors)")
        #expect((added.json?["revoked"]?.integer ?? 0) > 0)
        let steps = try #require(added.json?["measured"]?.array)
        #expect(steps.count == 4)
        #expect(steps.allSatisfy { ($0["milliseconds"]?.integer ?? .max) < 30_000 })
        let refusal = await #expect(throws: Refusal.self) { try await stack.newClerk().attest() }
        #expect(refusal?.code.name == "measurement-revoked")
        let list = try await distrust("list")
        #expect(list.json?["distrusted"]?.array?.map { $0["mark"]?.string } == [measurement])

        #expect(try await distrust("remove", measurement).status == 0)
        #expect(try await distrust("list").json?["distrusted"]?.array?.isEmpty == true)
        _ = try await stack.newClerk().attest()
        #expect(try await distrust("remove", measurement).status == 1)
        #expect(try await distrust("add", "measurement").status == 1)
    }
}
