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
            let keys = try await checks(
                "key_vault",
                [
                    try #require(endpoints["keys"]?["url"]?.string), state + "/ca.pem", state + "/admin-token",
                    cloister,
                    state,
                ])
            #expect(keys.contains("sync: release-rsa by RSA_AES_KEY_WRAP_384 is the key"))
            #expect(keys.contains("async: release-k1 by CKM_RSA_AES_KEY_WRAP is the key"))
            #expect(keys.contains("audit logs are whole"))
            let hsm = try await checks(
                "managed_hsm",
                [
                    state + "/ca.pem", state + "/admin-token", cloister,
                    ProjectFolders.executables.appending(path: "key-service").path, state,
                ])
            #expect(hsm.contains("release-oct by RSA_AES_KEY_WRAP_384 is the key"))
            #expect(hsm.contains("the header is an HSM's"))
            #expect(hsm.contains("AC-073 a used-up quota"))
            try await fuzz(url, state)
        } catch {
            _ = try? await ForeignClients.run(cloister, ["down", "--state", state])
            throw error
        }
        _ = try await ForeignClients.run(cloister, ["down", "--state", state])
    }

    /// Requests that schemathesis makes from our description, with and without what it allows: every answer is in time,
    /// no server error, and what the description says.
    func fuzz(_ url: String, _ state: String) async throws {
        let token = try String(contentsOfFile: state + "/admin-token", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let description = ProjectFolders.root.appending(path: "Documentation/openapi/attestation.json").path
        let run = try await ForeignClients.run(
            try #require(ProjectFolders.python).path,
            [
                "-c", "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())", "run",
                description, "--url", url, "--tls-verify", state + "/ca.pem", "--header",
                "Authorization: Bearer \(token)", "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
                "--max-examples", "60", "--phases", "examples,coverage,fuzzing", "--request-timeout", "20",
                "--generation-database", "none", "--no-color", "--suppress-health-check", "all",
            ])
        let output = String(decoding: run.output, as: UTF8.self)
        #expect(run.status == 0, "\(output.suffix(4_000))")
        #expect(output.contains("Tested: 10"), "\(output.suffix(1_000))")
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
                ["azure/security/attestation", "azure/keyvault/administration", "aiohttp", "schemathesis"].allSatisfy {
                    package in
                    FileManager.default.fileExists(atPath: "\(libraries)/\(version)/site-packages/\(package)")
                }
            }
    }()

    /// Runs a program to its end.
    static func run(_ executable: String, _ arguments: [String]) async throws -> ProgramRun {
        try await ProgramRun.run(URL(filePath: executable), arguments)
    }
}
