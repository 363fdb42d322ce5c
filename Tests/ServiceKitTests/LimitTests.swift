import Encoding
import Foundation
import HTTPTypes
import NIOCore
import NIOPosix
import ServiceKit
import Synchronization
import Telemetry
import TestSupport
import Testing

/// What clients of a server may take up, over real sockets.
@Suite struct LimitTests {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Answers without looking at the body, and remembers what it was asked.
    private final class Deaf: RequestHandler {
        private let state = Mutex<[String]>([])
        var paths: [String] { state.withLock { $0 } }

        func respond(to request: ServerRequest) async -> ServerResponse {
            state.withLock { $0.append(request.path) }
            return .json([:], status: 401)
        }

        func route(of request: ServerRequest) -> StaticString { "/deaf" }
        func readiness() async -> Readiness { Readiness(isReady: true) }
    }

    private func withServer(
        _ handler: any RequestHandler = EchoHandler(), _ change: (inout Listen) -> Void,
        _ body: (Int) async throws -> Void
    ) async throws {
        var listen = Listen.loopback(port: 0)
        change(&listen)
        let server = Server(handler, listen: listen, log: Log(service: "test") { _ in }, metrics: Metrics())
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run { continuation.yield($0) } }
            for await port in ports {
                try await body(port)
                break
            }
            group.cancelAll()
        }
    }

    private func connect(_ port: Int) async throws -> Connection {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
            }
    }

    /// Sends `text` and returns all that comes until the server closes the connection.
    private func exchange(_ port: Int, _ text: String) async throws -> String {
        try await connect(port).executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var answer = ""
            for try await part in inbound { answer += String(buffer: part) }
            return answer
        }
    }

    private func get(_ path: String, _ field: String = "Connection: close") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(field)\r\n\r\n"
    }

    // MARK: Time

    @Test("AC-158 a body that does not end is answered with 408, and the requests before it are not")
    func slowBody() async throws {
        try await withServer {
            $0.limits.requestTime = .milliseconds(100)
        } _: { port in
            let slow = "POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab"
            let answer = try await exchange(port, get("/first", "Accept: */*") + slow)
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("HTTP/1.1 408 "))
            #expect(answer.contains("urn:cloister:refusal:request-timeout"))
        }
    }

    @Test("AC-158 a connection whose request was answered before its body came does not stay open for the rest")
    func ignoredBody() async throws {
        try await withServer(Deaf()) {
            $0.limits.requestTime = .milliseconds(100)
        } _: { port in
            let answer = try await exchange(port, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab")
            #expect(answer.hasPrefix("HTTP/1.1 401 "))
            #expect(!answer.contains("HTTP/1.1 408 "))
        }
    }

    // MARK: Connections

    @Test("AC-158 one client does not get more connections than its share, and gets one again when it closes one")
    func connectionsOfOneClient() async throws {
        try await withServer {
            $0.limits.connectionsPerClient = 1
        } _: { port in
            // Keeps its connection.
            let client = try Client(authorities: nil)
            #expect(try await client.send(.get, "http://127.0.0.1:\(port)/first").status == 200)
            // Closed without an answer, or reset before the request is out.
            let refused = try? await exchange(port, get("/second"))
            #expect(refused ?? "" == "")
            #expect(try await client.send(.get, "http://127.0.0.1:\(port)/first").status == 200)
            await client.shutdown()
            // The server hears of the end a moment later.
            var answer = ""
            for _ in 0..<10_000 where answer.isEmpty { answer = (try? await exchange(port, get("/third"))) ?? "" }
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("AC-158 connections beyond the limit wait until one ends")
    func connections() async throws {
        let handler = Deaf()
        try await withServer(handler) {
            $0.limits.connections = 1
        } _: { port in
            let client = try Client(authorities: nil)
            #expect(try await client.send(.get, "http://127.0.0.1:\(port)/first").status == 401)
            let answer = try await connect(port).executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: get("/second")))
                for _ in 0..<50 { _ = try await client.send(.get, "http://127.0.0.1:\(port)/first") }
                #expect(!handler.paths.contains("/second"))
                await client.shutdown()
                var answer = ""
                for try await part in inbound { answer += String(buffer: part) }
                return answer
            }
            #expect(answer.hasPrefix("HTTP/1.1 401 "))
            #expect(handler.paths.last == "/second")
        }
    }

    // MARK: Metrics

    @Test("AC-155 metrics are for nobody where strangers reach the listener, unless they have the token")
    func metrics() async throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "service.yaml").path
        let token = String(repeating: "m", count: 40)
        func write(_ text: String, to name: String, mode: UInt32 = 0o600) throws {
            try AtomicFile.write(Array(text.utf8), to: folder.url.appending(path: name).path, mode: mode)
        }
        func readers(_ members: String) throws -> MetricsReaders {
            try write("listen: {certificate: c.pem, key: k.pem, \(members)}", to: "service.yaml")
            var configuration = try Configuration(file: file)
            let listen = try Listen(&configuration)
            try configuration.finish()
            return listen.metricsReaders
        }
        try write(token + "\n", to: "token")
        try write(token, to: "open", mode: 0o644)
        try write("short", to: "short")
        #expect(try readers("host: 127.0.0.1") == .everybody)
        #expect(try readers("host: 0.0.0.0") == .nobody)
        #expect(try readers("host: \"::\"") == .nobody)
        #expect(try readers("host: 0.0.0.0, metricsToken: token") == .bearer(Digest(of: token)))
        #expect(try readers("host: 127.0.0.1, metricsToken: token") == .bearer(Digest(of: token)))
        for name in ["open", "short", "missing"] {
            #expect(throws: ConfigurationError.self) { try readers("metricsToken: \(name)") }
        }
        let cases: [(MetricsReaders, String, Int)] = [
            (.everybody, "Accept: */*", 200), (.nobody, "Authorization: Bearer \(token)", 404),
            (.bearer(Digest(of: token)), "Authorization: Bearer \(token)", 200),
            (.bearer(Digest(of: token)), "Authorization: Bearer \(token)x", 401),
            (.bearer(Digest(of: token)), "Accept: */*", 401), (.bearer(Digest(of: "")), "Authorization: Basic", 401),
        ]
        for (allowed, field, status) in cases {
            try await withServer {
                $0.metricsReaders = allowed
            } _: { port in
                let answer = try await exchange(port, get("/metrics", "\(field)\r\nConnection: close"))
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(field)")
                #expect(try await exchange(port, get("/health/live")).hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test func `limits are read from the configuration, and must be possible`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "service.yaml").path
        func limits(_ members: String) throws -> ServerLimits {
            let text = "listen: {certificate: c.pem, key: k.pem, \(members)}"
            try AtomicFile.write(Array(text.utf8), to: file, mode: 0o600)
            var configuration = try Configuration(file: file)
            let listen = try Listen(&configuration)
            try configuration.finish()
            return listen.limits
        }
        #expect(try limits("port: 0") == ServerLimits())
        let read = try limits("connections: 20, connectionsPerClient: 5, requestSeconds: 7")
        #expect(read.connections == 20 && read.connectionsPerClient == 5 && read.requestTime == .seconds(7))
        for members in ["connections: 0", "connectionsPerClient: -1", "requestSeconds: soon"] {
            #expect(throws: ConfigurationError.self) { try limits(members) }
        }
    }
}
