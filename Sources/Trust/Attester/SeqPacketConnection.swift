package import CUnixSocket
package import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// One connection of a `SOCK_SEQPACKET` Unix socket: messages keep their bounds, and the kernel says who sent each.
package struct SeqPacketConnection: Sendable {
    /// Greatest length of a message, in bytes (formats section 11).
    package static let maximumMessageBytes = 65_536

    private let descriptor: OwnedDescriptor

    /// Takes over an accepted or connected socket.
    package init(_ descriptor: OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// Connects to the socket at `path`.
    ///
    /// - Parameter timeoutMilliseconds: how long connecting, and then each message, may take.
    /// - Throws: `not-ready` when nobody answers there.
    package init(path: String, timeoutMilliseconds: Int32) throws(Refusal) {
        let number = unsafe path.withCString { unsafe cloister_unix_connect($0, timeoutMilliseconds) }
        guard number >= 0 else {
            throw Refusal(.notReady, "the simulated TEE's socket does not answer (system error \(-number))")
        }
        descriptor = OwnedDescriptor(number)
    }

    /// The process that made the connection; it may have become another program since, or handed the socket on.
    package var connectingProcess: Int32 { cloister_unix_peer(descriptor.number) }

    /// Sends one message.
    package func send(_ message: [UInt8]) throws(Refusal) {
        let sent = unsafe message.withUnsafeBytes { bytes in
            unsafe cloister_unix_send(descriptor.number, bytes.baseAddress, bytes.count)
        }
        guard sent == Int64(message.count) else {
            throw Refusal(.notReady, "the peer does not take a message (system error \(-sent))")
        }
    }

    /// The next message and its sender, for the side that must know it.
    package func receiveWithSender() throws(Refusal) -> (message: [UInt8], sender: cloister_credentials) {
        var sender = cloister_credentials()
        let message = try unsafe receive { buffer, count in
            unsafe cloister_unix_receive(descriptor.number, buffer, count, &sender)
        }
        return (message, sender)
    }

    /// The next message.
    package func receive() throws(Refusal) -> [UInt8] {
        try unsafe receive { buffer, count in unsafe cloister_unix_receive_plain(descriptor.number, buffer, count) }
    }

    private func receive(_ call: (UnsafeMutableRawPointer?, Int) -> Int64) throws(Refusal) -> [UInt8] {
        var received: Int64 = 0
        let message = unsafe [UInt8](unsafeUninitializedCapacity: Self.maximumMessageBytes) { buffer, count in
            received = unsafe call(UnsafeMutableRawPointer(buffer.baseAddress), buffer.count)
            count = max(0, Int(received))
        }
        switch Int32(-received) {
        case ..<0: return message
        case 0: throw Refusal(.notReady, "the connection was closed")
        case EMSGSIZE: throw Refusal(.requestMalformed, "a message is longer than \(Self.maximumMessageBytes) bytes")
        case EPROTO: throw Refusal(.requestMalformed, "a message carries more than its sender's credentials")
        case let problem: throw Refusal(.notReady, "no message in time (system error \(problem))")
        }
    }
}
