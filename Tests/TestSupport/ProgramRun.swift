public import Foundation

/// One run of a program to its end.
public struct ProgramRun: Sendable {
    public var status: Int32
    public var output: [UInt8]
    public var errors: String

    /// Runs `executable`, off the cooperative pool.
    public static func run(_ executable: URL, _ arguments: [String]) async throws -> ProgramRun {
        // Files instead of pipes: services that stay behind would keep a pipe open.
        let folder = try TemporaryFolder()
        let output = folder.url.appending(path: "out")
        let errors = folder.url.appending(path: "err")
        let process = try SpawnedProcess.start(executable, arguments, log: output, errors: errors)
        let status = await process.end()
        return ProgramRun(
            status: status, output: [UInt8](try Data(contentsOf: output)),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}
