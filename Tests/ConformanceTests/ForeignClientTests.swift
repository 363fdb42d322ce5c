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
    @Test func `Azure's clients administer, attest, create a key, and get it released`() async throws {
        let folder = try TemporaryFolder()
        let state = folder.url.appending(path: "s").path
        let cloister = ProjectFolders.executables.appending(path: "cloister").path
        let up = try await ForeignClients.run(cloister, ["up", "--state", state, "--detach", "--json"])
        let endpoints = try #require(try? JSON.parse(up.output), "\(up.errors)")
        do {
            let url = try #require(endpoints["attestation"]?["url"]?.string)
            let checked = try await checks(
                "attestation_and_release",
                [
                    url, try #require(endpoints["keys"]?["url"]?.string), state + "/ca.pem", state + "/admin-token",
                    cloister, state,
                ])
            #expect(checked.contains("the released key is the key"))
            #expect(checked.contains("another measurement gets nothing"))
            let administered = try await checks(
                "attestation_administration",
                [
                    url, try #require(endpoints["attestation-isolated"]?["url"]?.string), state + "/ca.pem",
                    state + "/admin-token", state + "/attestation-isolated-key.pem",
                    state + "/attestation-isolated-cert.pem",
                ])
            #expect(administered.contains("isolated: signed by anybody"))
            #expect(administered.contains("isolated: default again"))
        } catch {
            _ = try? await ForeignClients.run(cloister, ["down", "--state", state])
            throw error
        }
        _ = try await ForeignClients.run(cloister, ["down", "--state", state])
    }

    /// What a client's script says that it checked.
    func checks(_ script: String, _ arguments: [String]) async throws -> [String] {
        let path = ProjectFolders.root.appending(path: "Tests/ConformanceClients/\(script).py").path
        let run = try await ForeignClients.run(try #require(ProjectFolders.python).path, [path] + arguments)
        #expect(run.status == 0, "\(run.errors)")
        return (try? JSON.parse(run.output))?["checked"]?.strings ?? []
    }
}

enum ForeignClients {
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
