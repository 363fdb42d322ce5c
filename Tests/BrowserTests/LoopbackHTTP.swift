import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// One HTTP/1.1 request to a server on this machine, over a connection of its own.
///
/// Foundation's client refuses the header lines that chromedriver writes, which have no space after the colon.
enum LoopbackHTTP {
    // The headers' constants have another type from one import to the next: SOCK_STREAM | SOCK_CLOEXEC, MSG_NOSIGNAL.
    private static let stream: Int32 = 0x80001
    private static let noSignal: Int32 = 0x4000

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// The body of the answer, whatever its status.
    ///
    /// - Parameter seconds: how long the server may be silent.
    static func send(
        port: Int, method: String, path: String, body: [UInt8], seconds: Int = 120
    ) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            // A blocking exchange does not belong on the cooperative pool.
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try exchange(port: port, method: method, path: path, body: body, seconds: seconds) })
            }
        }
    }

    private static func exchange(
        port: Int, method: String, path: String, body: [UInt8], seconds: Int
    ) throws -> [UInt8] {
        let descriptor = socket(AF_INET, LoopbackHTTP.stream, 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(description: "nothing listens on port \(port)") }
        let head = """
            \(method) \(path) HTTP/1.1\r
            Host: 127.0.0.1:\(port)\r
            Content-Type: application/json\r
            Content-Length: \(body.count)\r
            Connection: close\r
            \r

            """
        try write(Array(head.utf8) + body, to: descriptor)
        return try read(from: descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "the connection broke while sending") }
            sent += count
        }
    }

    /// Headers, then as many bytes as they announce.
    private static func read(from descriptor: Int32) throws -> [UInt8] {
        var received: [UInt8] = []
        var wanted: Int?
        var start = 0
        while true {
            if wanted == nil, let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                start = end.upperBound
                let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
                guard let length = head.firstMatch(of: /(?i)\r\ncontent-length: *(\d+)/), let length = Int(length.1)
                else {
                    throw Failure(description: "the answer has no length")
                }
                wanted = length
            }
            if let wanted, received.count - start >= wanted { return Array(received[start..<start + wanted]) }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw Failure(description: "the connection ended before the answer did") }
            received += chunk[..<count]
        }
    }
}
