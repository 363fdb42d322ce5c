import AttestationService
import AttestationToken
import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import Synchronization
import TestSupport
import Testing

private let route = "/policies/SgxEnclave?api-version=2020-10-01"

/// The attestation service as real processes, which are killed, and which share one state.
@Suite(.serialized) struct NodeTests {
    @Test func `killed at 200 random moments under load, no acknowledged policy is lost`() async throws {
        let place = try NodePlace()
        var random = SystemRandomNumberGenerator()
        let written = Written()
        var node = try await place.start("a")
        for _ in 0..<200 {
            let load = Task { [node] in
                while true {
                    let number = written.send()
                    // The kill breaks a connection; then nothing is known of that change.
                    guard let answer = try? await node.put(Self.policy(number)), answer.status == 200 else { return }
                    written.acknowledge(number)
                }
            }
            try await Task.sleep(for: .microseconds(Int.random(in: 0..<80_000, using: &random)))
            await node.kill()
            _ = await load.value
            // It starts: neither database nor audit chain is broken.
            node = try await place.start("a")
            let answer = try await node.get()
            let policy = try #require(Answer(answer).claims["x-ms-policy"]?.string)
            let (sent, acknowledged) = written.numbers
            let number = (acknowledged...sent).last { unsignedToken(Self.policy($0)) == policy }
            #expect(number != nil || (acknowledged == 0 && policy == unsignedToken(AppraisalTexts.defaultSGX)))
            written.settle(number ?? 0)
        }
        await node.kill()
        #expect(written.numbers.acknowledged > 100)
        await place.close()
    }

    static func policy(_ number: Int) -> String { "version= 1.0;authorizationrules{=> permit();}; // \(number)" }

    @Test(.enabled(if: PostgreSQLServer.isInstalled, "Debian's package postgresql is not installed"))
    func `two nodes serve one issuer from one database, and one goes on where the other was killed`() async throws {
        let database = try await PostgreSQLServer()
        do {
            let place = try NodePlace(database: database.parameters)
            async let starting = place.start("a")
            async let alsoStarting = place.start("b")
            let first = try await starting
            let second = try await alsoStarting
            let keys = try await first.send(.get, "/certs")
            #expect(keys.status == 200)
            #expect(try await second.send(.get, "/certs").body == keys.body)
            for number in 1...20 {
                let (writer, reader) = number.isMultiple(of: 2) ? (first, second) : (second, first)
                #expect(try await writer.put(Self.policy(number)).status == 200)
                let read = Answer(try await reader.get())
                #expect(read.claims["x-ms-policy"] == .string(unsignedToken(Self.policy(number))))
                let published = try JSON.parse(keys.body)["keys"]?.array?.compactMap { $0["kid"]?.string } ?? []
                #expect(published.contains(try #require(read.jws?.keyID)))
            }
            await first.kill()
            #expect(try await second.put(Self.policy(21)).status == 200)
            let again = try await place.start("a")
            #expect(Answer(try await again.get()).claims["x-ms-policy"] == .string(unsignedToken(Self.policy(21))))
            #expect(try await again.send(.get, "/certs").body == keys.body)
            // A node with another key for the keys does not start.
            try place.write([UInt8](repeating: 9, count: 32), "node.key")
            await #expect(throws: NodePlace.Ended.self) { try await place.start("c") }
            await again.kill()
            await second.kill()
            await place.close()
            try await database.stop()
        } catch {
            try? await database.stop()
            throw error
        }
    }
}

/// What was sent, and what the service said that it keeps.
private final class Written: Sendable {
    private let state = Mutex<(sent: Int, acknowledged: Int)>((0, 0))
    var numbers: (sent: Int, acknowledged: Int) { state.withLock { $0 } }
    func send() -> Int {
        state.withLock { state in
            state.sent += 1
            return state.sent
        }
    }
    func acknowledge(_ number: Int) { state.withLock { $0.acknowledged = number } }
    /// What turned out to be kept counts from then on.
    func settle(_ number: Int) { state.withLock { $0.acknowledged = max($0.acknowledged, number) } }
}

/// Folder, certificate and client of a test's nodes.
final class NodePlace: Sendable {
    /// A node ended instead of listening.
    struct Ended: Error, CustomStringConvertible { var description: String }

    let folder: TemporaryFolder
    let client: Client
    private let database: String?

    init(database: String? = nil) throws {
        folder = try TemporaryFolder()
        self.database = database
        try ServerTests().makeCertificate(folder)
        client = try Client(authorities: folder.url.appending(path: "server.pem").path)
        try write(Array(Service.contributorToken.utf8), "token")
        try write([UInt8](repeating: 7, count: 32), "node.key")
    }

    /// A file that is its owner's alone.
    func write(_ bytes: [UInt8], _ name: String) throws {
        try AtomicFile.write(bytes, to: folder.url.appending(path: name).path, mode: 0o600)
    }

    func close() async { await client.shutdown() }

    /// Starts the node and waits until it listens.
    func start(_ name: String) async throws -> NodeProcess {
        var text = """
            listen: {certificate: server.pem, key: server-key.pem}
            ready: \(name).ready
            issuer: https://attestation.example
            state: \(name)
            collateral: .
            requestsPerSecond: 0
            access: {contributorToken: token}

            """
        if let database { text += "database: {connection: \"\(database)\", keyEncryptionKey: node.key}\n" }
        try write(Array(text.utf8), "\(name).yaml")
        let ready = folder.url.appending(path: "\(name).ready")
        try? FileManager.default.removeItem(at: ready)
        let log = folder.url.appending(path: "\(name).log")
        let process = try SpawnedProcess.start(
            ProjectFolders.executables.appending(path: "attestation-service"),
            ["--config", folder.url.appending(path: "\(name).yaml").path], log: log)
        let end = Task { await process.end() }
        let hasEnded = Ending()
        Task {
            _ = await end.value
            hasEnded.set()
        }
        while !hasEnded.isSet {
            if let text = try? String(contentsOf: ready, encoding: .utf8), let port = Int(text.dropLast()) {
                return NodeProcess(process: process, end: end, url: "https://localhost:\(port)", client: client)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Ended(description: (try? String(contentsOf: log, encoding: .utf8)) ?? "")
    }
}

private final class Ending: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}

/// One attestation service as a process.
struct NodeProcess: Sendable {
    let process: SpawnedProcess
    let end: Task<Int32, Never>
    let url: String
    let client: Client

    func send(_ method: HTTPRequest.Method, _ path: String, body: [UInt8]? = nil) async throws -> ServerResponse {
        let answer = try await client.send(
            method, url + path, headers: [.authorization: "Bearer \(Service.contributorToken)"], body: body,
            timeout: .seconds(20))
        return ServerResponse(status: answer.status, headers: answer.headers, body: answer.body)
    }

    func get() async throws -> ServerResponse { try await send(.get, route) }

    func put(_ policy: String) async throws -> ServerResponse {
        try await send(.put, route, body: Array(unsignedToken(policy).utf8))
    }

    /// Ends the process without asking it, and waits until it is gone.
    func kill() async {
        Foundation.kill(process.id, SIGKILL)
        _ = await end.value
    }
}
