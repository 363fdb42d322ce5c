import Foundation

/// A PostgreSQL server of Debian's package over a folder of its own, on a Unix socket that nobody else has.
public final class PostgreSQLServer: Sendable {
    /// libpq's parameters of its one database.
    public let parameters: String
    private let folder: TemporaryFolder

    /// Where Debian keeps the programs; nil where the package is not installed.
    private static let programs: URL? = {
        let versions = URL(filePath: "/usr/lib/postgresql")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: versions.path)) ?? []
        return names.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { versions.appending(path: "\($0)/bin") }
            .first { FileManager.default.isExecutableFile(atPath: $0.appending(path: "initdb").path) }
    }()

    public static var isInstalled: Bool { programs != nil }

    public init() async throws {
        guard let programs = Self.programs else { throw Failure(description: "PostgreSQL is not installed") }
        folder = try TemporaryFolder()
        let data = folder.url.appending(path: "data").path
        parameters = "host=\(folder.url.path) user=postgres dbname=postgres"
        try await Self.own(folder.url.path)
        try await Self.run(
            programs.appending(path: "initdb").path,
            ["--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"])
        try await Self.run(
            programs.appending(path: "pg_ctl").path,
            [
                "--pgdata", data, "--wait", "--log", folder.url.appending(path: "log").path, "--options",
                "-k \(folder.url.path) -c listen_addresses='' -c fsync=off", "start",
            ])
    }

    public func stop() async throws {
        guard let programs = Self.programs else { return }
        try await Self.run(
            programs.appending(path: "pg_ctl").path,
            ["--pgdata", folder.url.appending(path: "data").path, "--mode", "immediate", "stop"])
    }

    /// Ends all connections, as a fail-over does.
    public func restart() async throws {
        guard let programs = Self.programs else { return }
        try await Self.run(
            programs.appending(path: "pg_ctl").path,
            [
                "--pgdata", folder.url.appending(path: "data").path, "--mode", "immediate", "--wait", "--options",
                "-k \(folder.url.path) -c listen_addresses='' -c fsync=off", "--log",
                folder.url.appending(path: "log").path, "restart",
            ])
    }

    // The server refuses to run as root; Debian's package makes a user for it.
    private static var isRoot: Bool { NSUserName() == "root" }

    private static func own(_ path: String) async throws {
        guard isRoot else { return }
        let run = try await ProgramRun.run(URL(filePath: "/bin/chown"), ["postgres", path])
        guard run.status == 0 else { throw Failure(description: run.errors) }
    }

    private static func run(_ program: String, _ arguments: [String]) async throws {
        let run =
            isRoot
            ? try await ProgramRun.run(
                URL(filePath: "/usr/sbin/runuser"), ["-u", "postgres", "--", program] + arguments)
            : try await ProgramRun.run(URL(filePath: program), arguments)
        guard run.status == 0 else {
            throw Failure(description: run.errors + String(decoding: run.output, as: UTF8.self))
        }
    }

    struct Failure: Error, CustomStringConvertible { var description: String }
}
