import Encoding
import Foundation
import TestSupport
import Testing

/// Other people's clients, unchanged, against a whole installation that `cloister up` started.
@Suite(
    .serialized,
    .enabled(if: ForeignClients.areInstalled, "the Python packages of Scripts/test-requirements.txt are not installed"),
    .enabled(if: ProjectFolders.onnxRuntime != nil, "make test fetches ONNX Runtime"))
struct ForeignClientTests {
    @Test func `Azure's attestation and key clients attest, create a key, and get it released`() async throws {
        let folder = try TemporaryFolder()
        let state = folder.url.appending(path: "s").path
        let cloister = ProjectFolders.executables.appending(path: "cloister").path
        let up = try await ForeignClients.run(cloister, ["up", "--state", state, "--detach", "--json"])
        let endpoints = try #require(try? JSON.parse(up.output), "\(up.errors)")
        do {
            let run = try await ForeignClients.run(
                try #require(ProjectFolders.python).path,
                [
                    ForeignClients.script, try #require(endpoints["attestation"]?["url"]?.string),
                    try #require(endpoints["keys"]?["url"]?.string), state + "/ca.pem", state + "/admin-token",
                    cloister, state,
                ])
            #expect(run.status == 0, "\(run.errors)")
            let checked = (try? JSON.parse(run.output))?["checked"]?.strings ?? []
            #expect(checked.contains("the released key is the key"))
            #expect(checked.contains("another measurement gets nothing"))
        } catch {
            _ = try? await ForeignClients.run(cloister, ["down", "--state", state])
            throw error
        }
        _ = try await ForeignClients.run(cloister, ["down", "--state", state])
    }
}

enum ForeignClients {
    static let script = ProjectFolders.root.appending(path: "Tests/ConformanceClients/attestation_and_release.py").path

    /// Whether the set-up installed the clients.
    static let areInstalled: Bool = {
        let libraries = ProjectFolders.tools.appending(path: "venv/lib").path
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
        return ProjectFolders.python != nil
            && versions.contains { version in
                ["azure/security/attestation", "azure/keyvault/keys"].allSatisfy { package in
                    FileManager.default.fileExists(atPath: "\(libraries)/\(version)/site-packages/\(package)")
                }
            }
    }()

    /// Runs a program to its end.
    static func run(_ executable: String, _ arguments: [String]) async throws -> ProgramRun {
        try await ProgramRun.run(URL(filePath: executable), arguments)
    }
}
