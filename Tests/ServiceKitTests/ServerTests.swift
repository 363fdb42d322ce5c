import Crypto
import Encoding
import Foundation
import HTTPTypes
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import ServiceKit
import SwiftASN1
import Telemetry
import TestSupport
import Testing
import X509

/// Echoes a request's path and body; used over a real socket.
struct EchoHandler: RequestHandler {
    func respond(to request: ServerRequest) async -> ServerResponse {
        do throws(Refusal) {
            let body = try await request.body(maximumBytes: 1_000)
            return .json([
                "path": .string(request.path), "query": .string(request.queryValue("q") ?? ""),
                "body": .string(String(decoding: body, as: UTF8.self)),
            ])
        } catch {
            return .problem(error, id: request.id)
        }
    }

    func route(of request: ServerRequest) -> StaticString { "/echo" }
    func readiness() async -> Readiness { Readiness(isReady: false, facts: ["code": "not-ready"]) }
}

@Suite struct ServerTests {
    private func certificate(in folder: TemporaryFolder) throws -> (certificate: String, key: String) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("localhost") }
        let certificate = try X509.Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: .now - 60,
            notValidAfter: .now + 3_600, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.dnsName("localhost")])
            }, issuerPrivateKey: .init(key))
        let files = (folder.url.appending(path: "c.pem"), folder.url.appending(path: "k.pem"))
        try Data(try certificate.serializeAsPEM().pemString.utf8).write(to: files.0)
        try Data(key.pemRepresentation.utf8).write(to: files.1)
        return (files.0.path, files.1.path)
    }

    func withServer(
        _ handler: any RequestHandler = EchoHandler(), _ body: (String, String) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let files = try certificate(in: folder)
        let server = Server(
            handler, listen: Listen(host: "127.0.0.1", port: 0, certificate: files.certificate, key: files.key),
            log: Log(service: "test") { _ in }, metrics: Metrics())
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run { continuation.yield($0) } }
            for await port in ports {
                try await body("https://localhost:\(port)", files.certificate)
                break
            }
            group.cancelAll()
        }
    }

    @Test func `a request goes over TLS 1·3 with its raw path, and limits hold`() async throws {
        try await withServer { url, authorities in
            let client = try Client(authorities: authorities)
            let echo = try await client.send(.post, url + "/a//b%2Fc:reset?q=1%202", body: Array("hello".utf8))
            let json = try JSON.parse(echo.body)
            #expect(json["path"] == "/a//b%2Fc:reset")
            #expect(json["query"] == "1 2")
            #expect(json["body"] == "hello")
            #expect(echo.headers[.init("Cloister-Request")!]?.count == 32)
            let large = try await client.send(.post, url + "/", body: [UInt8](repeating: 65, count: 1_001))
            #expect(large.status == 413)
            #expect(large.headers[.cloisterRefusal] == "too-large")
            await #expect(throws: Refusal.self) { try await client.send(.post, url + "/", body: [1], maximumBytes: 3) }
            let ready = try await client.send(.get, url + "/health/ready")
            #expect(ready.status == 503)
            #expect(try await client.send(.get, url + "/health/live").status == 200)
            let metrics = try await client.send(.get, url + "/metrics")
            #expect(String(decoding: metrics.body, as: UTF8.self).contains("route=\"/echo\""))
            await client.shutdown()
        }
    }

    @Test func `AC-049 TLS below 1·3 and plain HTTP are refused`() async throws {
        try await withServer { url, authorities in
            let port = try #require(Int(url.split(separator: ":").last ?? ""))
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(authorities)
            tls.maximumTLSVersion = .tlsv12
            let context = try NIOSSLContext(configuration: tls)
            let outcome = HandshakeOutcome()
            let handshake = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            try NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                        try channel.pipeline.syncOperations.addHandler(outcome)
                    }
                }
            _ = try await handshake.connect(host: "127.0.0.1", port: port).get()
            #expect(try await outcome.isCompleted.get() == false)
            let stranger = try Client(authorities: authorities)
            await #expect(throws: Refusal.self) { try await stranger.send(.get, "http://localhost:\(port)/") }
            await stranger.shutdown()
        }
    }

    @Test func `logs print identifiers and redact what does not look like one`() {
        #expect(LogValue.identifier("claim-mismatch:x-ms").description == "claim-mismatch:x-ms")
        #expect(LogValue.identifier("Erika Mustermann").description == "‹redacted›")
        #expect(LogValue.identifier(String(repeating: "a", count: 97)).description == "‹redacted›")
    }
}

/// Whether a TLS handshake came to its end.
private final class HandshakeOutcome: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Bool.self)

    var isCompleted: EventLoopFuture<Bool> { promise.futureResult }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { promise.succeed(true) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.succeed(false)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(false) }
}
