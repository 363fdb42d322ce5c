import Encoding
import Foundation
import TestSupport

/// One run of the built command line, or of another executable of this build.
struct CommandLineRun: Sendable {
    var status: Int32
    var output: [UInt8]
    var errors: String

    /// The standard output as JSON.
    var json: JSON? { try? JSON.parse(output) }

    /// Runs `cloister` and waits for its end, off the cooperative pool.
    static func cloister(_ arguments: String...) async throws -> CommandLineRun {
        try await run("cloister", arguments)
    }

    static func run(_ executable: String, _ arguments: [String]) async throws -> CommandLineRun {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runAndWait(executable, arguments) })
            }
        }
    }

    private static func runAndWait(_ executable: String, _ arguments: [String]) throws -> CommandLineRun {
        // Files instead of pipes: services that stay behind inherit them and would keep a pipe open.
        let folder = try TemporaryFolder()
        let outputFile = folder.url.appending(path: "out")
        let errorFile = folder.url.appending(path: "err")
        for file in [outputFile, errorFile] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        let process = Process()
        process.executableURL = ProjectFolders.executables.appending(path: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["CLOISTER_ONNXRUNTIME": ProjectFolders.onnxRuntime?.path ?? ""], uniquingKeysWith: { _, own in own })
        process.currentDirectoryURL = ProjectFolders.root
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        try process.run()
        process.waitUntilExit()
        return CommandLineRun(
            status: process.terminationStatus, output: [UInt8](try Data(contentsOf: outputFile)),
            errors: String(decoding: try Data(contentsOf: errorFile), as: UTF8.self))
    }
}
