import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import KeyService

/// Folder, configuration and client of a key service that runs as a process.
final class KeyServicePlace: Sendable {
    /// The service ended instead of listening; with what it logged.
    struct Ended: Error, CustomStringConvertible { var description: String }

    let setup: KeyServiceTests
    let client: Client

    /// The chain of release certificates, for the host of these services; made once.
    private static let chain: Result<[UInt8], any Error> = Result {
        var chain = Shared.chain
        try chain.renewLeaf(host: "localhost", at: WallClock.system.now())
        return chain.stored
    }

    init() throws {
        setup = try KeyServiceTests()
        client = try Client(authorities: setup.path("ca.pem"))
        try FileManager.default.createDirectory(
            atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try Shared.put(chain: try KeyServicePlace.chain.get(), in: state)
    }

    var state: String { setup.path("state") }
    var auditLog: String { state + "/audit.jsonl" }

    /// Events of the audit log.
    func events() throws -> [JSON] {
        try String(contentsOfFile: auditLog, encoding: .utf8).split(separator: "\n").map { try JSON.parse(String($0)) }
    }

    /// Copies the state folder as it is; no service may run.
    func keepCopy(_ name: String) throws {
        try? FileManager.default.removeItem(atPath: setup.path(name))
        try FileManager.default.copyItem(atPath: state, toPath: setup.path(name))
    }

    /// Puts files of a copy back, or takes them away where the copy has none.
    func putBack(_ files: [String], from name: String) throws {
        for file in files {
            try? FileManager.default.removeItem(atPath: state + "/" + file)
            let kept = setup.path(name) + "/" + file
            if FileManager.default.fileExists(atPath: kept) {
                try FileManager.default.copyItem(atPath: kept, toPath: state + "/" + file)
            }
        }
    }

    static let database = ["keys.sqlite", "keys.sqlite-wal", "keys.sqlite-shm"]

    /// Starts the service and waits until it listens.
    ///
    /// - Parameter wrapper: a shell script that is to run `"$@"`, with the state folder in `$state`.
    func start(wrapper: String? = nil) async throws -> KeyServiceProcess {
        let ready = setup.path("ready")
        let log = URL(filePath: setup.path("log"))
        let process = try spawn(wrapper: wrapper, log: log)
        let end = Task { await process.end() }
        let hasEnded = Mutex(false)
        let ended = Task {
            _ = await end.value
            hasEnded.withLock { $0 = true }
        }
        defer { ended.cancel() }
        while !hasEnded.withLock({ $0 }) {
            if let text = try? String(contentsOfFile: ready, encoding: .utf8), let port = Int(text.dropLast()) {
                return KeyServiceProcess(id: process.id, end: end, url: "https://localhost:\(port)", client: client)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Ended(description: (try? String(contentsOf: log, encoding: .utf8)) ?? "")
    }

    private func spawn(wrapper: String?, log: URL) throws -> SpawnedProcess {
        for file in [setup.path("ready"), log.path] { try? FileManager.default.removeItem(atPath: file) }
        let command = [
            ProjectFolders.executables.appending(path: "key-service").path, "--config", setup.path("key-service.yaml"),
        ]
        guard let wrapper else {
            return try SpawnedProcess.start(URL(filePath: command[0]), Array(command.dropFirst()), log: log)
        }
        return try SpawnedProcess.start(
            URL(filePath: "/bin/sh"), ["-c", "state=$0; " + wrapper, state] + command, log: log)
    }

    /// Starts the service, and kills it whether it listens already or not.
    func startAndKill(after time: Duration) async throws {
        let process = try spawn(wrapper: nil, log: URL(filePath: setup.path("log")))
        try await Task.sleep(for: time)
        kill(process.id, SIGKILL)
        _ = await process.end()
    }

    /// What the service says instead of starting; nil when it starts.
    func refusal() async throws -> String? {
        do {
            try await start().kill()
            return nil
        } catch let ended as Ended { return ended.description }
    }
}

/// One key service as a process.
struct KeyServiceProcess: Sendable {
    let id: Int32
    let end: Task<Int32, Never>
    let url: String
    let client: Client

    var send: Send {
        { method, path, body in
            let answer = try await client.send(
                method, url + path + "?api-version=7.4",
                headers: [.authorization: "Bearer \(Shared.administratorToken)"], body: body?.canonical,
                timeout: .seconds(20))
            return Answer(ServerResponse(status: answer.status, headers: answer.headers, body: answer.body))
        }
    }

    /// Ends the process without asking it, and waits until it is gone.
    func kill() async {
        Foundation.kill(id, SIGKILL)
        _ = await end.value
    }
}

/// Mounts that only one process sees; not everybody may make them.
enum Namespace {
    static let isAvailable: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "unshare --map-root-user --mount mount -t tmpfs none /mnt"]
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// A wrapper that runs another one in a namespace of its own.
    static func wrapper(_ script: String) -> String {
        "export state; exec unshare --map-root-user --mount sh -c '\(script)' sh \"$@\""
    }
}
