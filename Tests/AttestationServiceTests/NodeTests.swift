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
    @Test func `killed at 200 random moments under load, no acknowledged change of policy or signer is lost`()
        async throws
    {
        let changes = Changes(first: try TestSigner("first"), second: try TestSigner("second"))
        let place = try NodePlace(signer: changes.first)
        var random = SystemRandomNumberGenerator()
        let written = Written()
        var node = try await place.start("a")
        for _ in 0..<200 {
            let load = Task { [node] in
                while true {
                    let number = written.send()
                    // The kill breaks a connection; then nothing is known of that change.
                    guard let answer = try? await changes.make(number, node), answer.status == 200 else { return }
                    written.acknowledge(number)
                }
            }
            try await Task.sleep(for: .microseconds(Int.random(in: 0..<80_000, using: &random)))
            await node.kill()
            _ = await load.value
            // It starts: neither database nor audit chain is broken.
            node = try await place.start("a")
            let seen = try await changes.state(node)
            let (sent, acknowledged) = written.numbers
            let number = try (acknowledged...sent).last { try changes.state(after: $0) == seen }
            #expect(number != nil, "\(seen) is no state between changes \(acknowledged) and \(sent)")
            written.settle(number ?? acknowledged)
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

/// A sequence of changes, each of which leaves a state of its own: policies in turn with a second signer that comes and
/// goes.
private struct Changes: Sendable {
    struct State: Hashable {
        /// The text of the stored policy; nil for the default.
        var policy: String?
        var hasSecond: Bool
    }

    let first: TestSigner
    let second: TestSigner

    /// Makes change `number`, from 1.
    func make(_ number: Int, _ node: NodeProcess) async throws -> ServerResponse {
        guard number.isMultiple(of: 2) else {
            return try await node.send(.put, route, body: Array(try first.policy(NodeTests.policy(number)).utf8))
        }
        let verb = number % 4 == 2 ? "add" : "remove"
        return try await node.send(
            .post, "/certificates:\(verb)?api-version=2020-10-01",
            body: Array("\"\(try first.certificate(of: second))\"".utf8))
    }

    func state(after number: Int) throws -> State {
        let policy = number.isMultiple(of: 2) ? number - 1 : number
        return State(policy: policy < 1 ? nil : NodeTests.policy(policy), hasSecond: [2, 3].contains(number % 4))
    }

    func state(_ node: NodeProcess) async throws -> State {
        let token = try #require(Answer(try await node.get()).claims["x-ms-policy"]?.string)
        let isDefault = token == unsignedToken(AppraisalTexts.defaultSGX)
        let list = Answer(try await node.send(.get, "/certificates?api-version=2020-10-01"))
        let keys = try #require(list.claims["x-ms-policy-certificates"]?["keys"]?.array)
        let signers = keys.compactMap { $0["x5c"]?.strings?.first }
        #expect(signers.first == first.x5c)
        return State(policy: isDefault ? nil : try policyText(token), hasSecond: signers.contains(second.x5c))
    }

    private func policyText(_ token: String) throws -> String {
        let payload = try JSON.parse(JWS(compact: token, maximumBytes: 65_536).payload)
        let text = try #require(payload["AttestationPolicy"]?.string.flatMap { Base64.decode($0, .lenient) })
        return String(decoding: text, as: UTF8.self)
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
    /// What turned out to be kept counts from then on, and what follows it is made again.
    func settle(_ number: Int) { state.withLock { $0 = (number, number) } }
}

/// Folder, certificate and client of a test's nodes.
final class NodePlace: Sendable {
    /// A node ended instead of listening.
    struct Ended: Error, CustomStringConvertible { var description: String }

    let folder: TemporaryFolder
    let client: Client
    private let database: String?
    private let isIsolated: Bool

    /// - Parameter signer: the first policy signer of an isolated instance.
    init(database: String? = nil, signer: TestSigner? = nil) throws {
        folder = try TemporaryFolder()
        self.database = database
        isIsolated = signer != nil
        try ServerTests().makeCertificate(folder)
        client = try Client(authorities: folder.url.appending(path: "server.pem").path)
        try write(Array(Service.contributorToken.utf8), "token")
        try write([UInt8](repeating: 7, count: 32), "node.key")
        if let signer { try write(Array(PEM.encode(signer.der, label: "CERTIFICATE").utf8), "signers.pem") }
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
        if isIsolated { text += "trustModel: Isolated\npolicySigners: signers.pem\n" }
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
