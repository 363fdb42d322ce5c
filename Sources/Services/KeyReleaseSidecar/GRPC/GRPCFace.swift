import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import ServiceKit
import ServiceLifecycle
import UnixSignals

/// The gRPC form of the sidecar: plain HTTP/2 on 127.0.0.1.
package struct GRPCFace: Service {
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let onPort: @Sendable (Int) -> Void

    /// Longest request, in bytes; annotations and runtime data are far below it.
    private static let maximumBytes = 1 << 20

    /// - Parameter port: 0 for any; `onPort` is told which.
    package init(
        attester: GroupAttester, releaser: KeyReleaser, images: ImageKeyProvider, port: Int,
        onPort: @escaping @Sendable (Int) -> Void
    ) {
        server = GRPCServer(
            transport: .http2NIOPosix(
                address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext,
                config: .defaults { $0.rpc.maxRequestPayloadSize = Self.maximumBytes }),
            services: [
                KeyProviderService(attester: attester, releaser: releaser, images: images), ReflectionService(),
            ])
        self.onPort = onPort
    }

    /// Serves until a graceful shutdown, or until the surrounding task is cancelled.
    package func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.serve() }
                if let port = try await server.listeningAddress?.ipv4?.port { onPort(port) }
                try await group.next()
            }
        } onGracefulShutdown: {
            server.beginGracefulShutdown()
        }
    }

    /// Serves until SIGTERM or SIGINT.
    package func runUntilSignalled() async throws {
        ProcessHygiene.apply()
        try await ServiceGroup(
            configuration: .init(
                services: [self], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
        ).run()
    }
}
