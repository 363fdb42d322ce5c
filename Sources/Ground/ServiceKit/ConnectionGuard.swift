import NIOCore
import NIOHTTPTypes
import Synchronization

/// How many connections each client has open.
final class OpenConnections: Sendable {
    private let maximum: Int
    private let counts = Mutex<[ClientNetwork: Int]>([:])

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// Whether the client may have one more; then it is counted until `leave`.
    func enter(_ client: ClientNetwork) -> Bool {
        counts.withLock { counts in
            guard counts[client, default: 0] < maximum else { return false }
            counts[client, default: 0] += 1
            return true
        }
    }

    func leave(_ client: ClientNetwork) {
        counts.withLock { counts in
            let left = (counts[client] ?? 1) - 1
            counts[client] = left > 0 ? left : nil
        }
    }
}

/// Watches one connection: closes it when its client has too many, and ends a request that takes too long to arrive.
///
/// Without the second, a client that sends a byte now and then would hold its place for ever: the idle time of the
/// connection begins anew with each byte.
final class ConnectionGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    /// What reading the body ends with.
    struct RequestTooSlow: Error {}

    /// In which the answer to a slow request may leave before the connection is closed.
    private static let grace = TimeAmount.seconds(10)

    private let connections: OpenConnections
    private let requestTime: TimeAmount
    private var client: ClientNetwork?
    private var deadline: Scheduled<Void>?

    init(_ connections: OpenConnections, requestTime: Duration) {
        self.connections = connections
        self.requestTime = TimeAmount(requestTime)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        let client = ClientNetwork(context.channel.remoteAddress?.ipAddress)
        guard connections.enter(client) else { return context.close(promise: nil) }
        self.client = client
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        if let client { connections.leave(client) }
        client = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: begin(context)
        case .body: break
        case .end:
            deadline?.cancel()
            deadline = nil
        }
        context.fireChannelRead(data)
    }

    private func begin(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: requestTime) {
            // Whoever reads the body refuses the request; a request that was answered already ends here.
            context.fireErrorCaught(RequestTooSlow())
            let channel = context.channel
            _ = channel.eventLoop.scheduleTask(in: Self.grace) { channel.close(promise: nil) }
        }
    }
}
