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
        guard let python = ProjectFolders.python,
            let run = try? runAndWait(
                python.path, ["-c", "import azure.security.attestation, azure.keyvault.keys, six"])
        else { return false }
        return run.status == 0
    }()

    struct Run: Sendable {
        var status: Int32
        var output: [UInt8]
        var errors: String
    }

    /// Runs a program to its end, off the cooperative pool.
    static func run(_ executable: String, _ arguments: [String]) async throws -> Run {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runAndWait(executable, arguments) })
            }
        }
    }

    private static func runAndWait(_ executable: String, _ arguments: [String]) throws -> Run {
        // Files instead of pipes: services that stay behind inherit them and would keep a pipe open.
        let folder = try TemporaryFolder()
        let files = ["out", "err"].map { folder.url.appending(path: $0) }
        for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["CLOISTER_ONNXRUNTIME": ProjectFolders.onnxRuntime?.path ?? ""], uniquingKeysWith: { _, own in own })
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
        process.waitUntilExit()
        return Run(
            status: process.terminationStatus, output: [UInt8](try Data(contentsOf: files[0])),
            errors: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self))
    }
}
