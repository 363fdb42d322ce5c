package import Encoding
package import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
package import ServiceLifecycle
import Synchronization
package import Telemetry
import UnixSignals

/// What a service does with requests; everything around it (TLS, limits, health, metrics) is `Server`'s.
package protocol RequestHandler: Sendable {
    /// Answers one request. Errors are answers too: this does not throw.
    func respond(to request: ServerRequest) async -> ServerResponse

    /// The template of the route that a request matched, for metrics; never the path itself.
    func route(of request: ServerRequest) -> StaticString

    /// Nil when the service may take traffic; otherwise why not.
    func readiness() async -> Readiness
}

/// Whether a service may take traffic, and what a reader of `/health/ready` should know about it.
package struct Readiness: Sendable {
    package var isReady: Bool
    /// Members of the answer, for example `simulated`; nothing private.
    package var facts: [String: JSON]

    package init(isReady: Bool, facts: [String: JSON] = [:]) {
        self.isReady = isReady
        self.facts = facts
    }
}

/// An HTTPS server: TLS 1.3 only (or, for this machine alone, no TLS), HTTP/1.1 only, bounded in connections, idle time and header sizes.
///
/// It answers `/health/live`, `/health/ready` (`/livez` and `/readyz` where orchestrators expect those) and, to those who
/// may read them, `/metrics` itself and hands everything else to the handler.
package struct Server: Sendable {
    private let handler: any RequestHandler
    private let listen: Listen
    private let log: Log
    private let metrics: Metrics
    private let background: [any Service]

    /// - Parameter background: services that live as long as the server.
    package init(
        _ handler: any RequestHandler, listen: Listen, log: Log, metrics: Metrics, background: [any Service] = []
    ) {
        self.handler = handler
        self.listen = listen
        self.log = log
        self.metrics = metrics
        self.background = background
    }

    /// Serves until SIGTERM or SIGINT.
    package func run() async throws { try await Server.run([self]) }

    /// Serves until the surrounding task is cancelled; `onPort` is called once with the bound port.
    package func run(onPort: @escaping @Sendable (Int) -> Void) async throws {
        try await Server.run([self]) { _, port in onPort(port) }
    }

    /// Runs several servers as one service: when one fails, all end.
    ///
    /// - Parameter onPort: called for each server, by its index, with the bound port; then the surrounding task ends
    ///   them by being cancelled. Without it SIGTERM and SIGINT do.
    package static func run(
        _ servers: [Server], onPort: (@Sendable (_ index: Int, _ port: Int) -> Void)? = nil
    ) async throws {
        if onPort == nil { ProcessHygiene.apply() }
        var services: [any Service] = []
        for (index, server) in servers.enumerated() {
            if let onPort {
                services.append(try server.application(onPort: { port in onPort(index, port) }))
            } else {
                services.append(try server.application(onPort: nil))
            }
        }
        try await ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: onPort == nil ? [.sigterm, .sigint] : [],
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
        ).run()
    }

    private func application(onPort: (@Sendable (Int) -> Void)?) throws -> some ApplicationProtocol {
        let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        let listen = listen
        let log = log
        let responder = CallbackResponder<ConnectionContext> { request, context in
            await self.answer(request, context)
        }
        return Application(
            responder: responder,
            server: try builder(),
            configuration: .init(
                address: .hostname(listen.host, port: listen.port), serverName: nil, backlog: 256,
                availableConnectionsDelegate: .maximum(listen.limits.connections, logger: quiet)),
            services: background,
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? listen.port
                if let file = listen.readyFile { try? AtomicFile.write(Array("\(port)\n".utf8), to: file, mode: 0o644) }
                log.info("listening", [.port: .number(port)])
                onPort?(port)
            },
            logger: quiet)
    }

    private func builder() throws -> HTTPServerBuilder {
        let connections = OpenConnections(maximum: listen.limits.connectionsPerClient)
        let requestTime = listen.limits.requestTime
        let plain = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionGuard(connections, requestTime: requestTime)],
                idleTimeout: .seconds(60)))
        guard let identity = listen.identity else { return plain }
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.key, format: .pem)))
        tls.minimumTLSVersion = .tlsv13
        tls.applicationProtocols = ["http/1.1"]
        if let authorities = listen.clientAuthorities {
            tls.trustRoots = .file(authorities)
            tls.certificateVerification = .optionalVerification
            tls.sendCANameList = true
        }
        return try .tls(plain, tlsConfiguration: tls)
    }

    private func answer(_ request: Request, _ context: ConnectionContext) async -> Response {
        let id = Hex.encode(Randomness.system.bytes(16))
        let start = ContinuousClock.now
        let incoming = ServerRequest(
            id: id, method: request.method, target: request.uri.string, headers: request.headers,
            authority: request.head.authority, client: context.channel.remoteAddress?.ipAddress,
            clientKey: listen.clientAuthorities == nil ? nil : await context.clientKey()
        ) { maximumBytes throws(Refusal) in
            try await Server.collect(request, maximumBytes: maximumBytes)
        }
        let answer = await respond(to: incoming)
        if let route = answer.route {
            let elapsed = ContinuousClock.now - start
            metrics.observe(
                "http_request_duration_seconds", "Time from request head to answer",
                [
                    "method": .identifier(request.method.rawValue), "route": .fixed(route),
                    "status": .number(answer.response.status),
                ],
                seconds: Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
        }
        var headers = answer.response.headers
        headers[.xContentTypeOptions] = "nosniff"
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        headers[.cloisterRequest] = id
        return Response(
            status: .init(code: answer.response.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.response.body)))
    }

    private func respond(to request: ServerRequest) async -> (response: ServerResponse, route: StaticString?) {
        switch request.path {
        case "/health/live", "/livez":
            return (.json(["status": "live"]), nil)
        case "/health/ready", "/readyz":
            let readiness = await handler.readiness()
            var facts = readiness.facts
            facts["status"] = readiness.isReady ? "ready" : "not-ready"
            return (.json(.object(facts), status: readiness.isReady ? 200 : 503), nil)
        case "/metrics":
            if let refused = listen.metricsReaders.refuse(request) { return (refused, nil) }
            return (
                ServerResponse(
                    status: 200, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                    body: Array(metrics.render().utf8)), nil
            )
        default:
            return (await handler.respond(to: request), handler.route(of: request))
        }
    }

    private static func collect(_ request: Request, maximumBytes: Int) async throws(Refusal) -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > maximumBytes {
            throw Refusal(.tooLarge, "the body is over \(maximumBytes) bytes")
        }
        var bytes: [UInt8] = []
        do {
            for try await var chunk in request.body {
                guard bytes.count + chunk.readableBytes <= maximumBytes else {
                    throw Refusal(.tooLarge, "the body is over \(maximumBytes) bytes")
                }
                bytes += chunk.readBytes(length: chunk.readableBytes) ?? []
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch is ConnectionGuard.RequestTooSlow {
            throw Refusal(.requestTimeout, "the request was not complete in time")
        } catch {
            throw Refusal(.requestMalformed, "the body ended early")
        }
        return bytes
    }
}

extension HTTPField.Name {
    /// The request id of an answer, for finding its audit event.
    package static let cloisterRequest = HTTPField.Name.known("Cloister-Request")
}
