package import Encoding
package import HTTPTypes

/// One HTTP request as a handler sees it: no socket, no framework, so that handlers are tested without either.
package struct ServerRequest: Sendable {
    /// Random, 32 hex digits; the `instance` of problem documents and the id of audit events.
    package let id: String
    package let method: HTTPRequest.Method
    /// As it arrived: percent-encoded, empty segments kept, without the query.
    package let path: String
    /// Decoded names and values in their order.
    package let query: [(name: String, value: String)]
    package let headers: HTTPFields
    /// The host, and the port if it was named, that the client asked for (RFC 9110 section 7.2); not to be trusted.
    package let authority: String?
    /// The address of whoever holds the connection, without a port; behind a proxy, the proxy's. Nil where there is no
    /// connection.
    package let client: String?
    /// SHA-256 of the public key (SubjectPublicKeyInfo) in the client's certificate, which the TLS layer verified; nil
    /// without one.
    package let clientKey: Digest?
    private let load: @Sendable (_ maximumBytes: Int) async throws(Refusal) -> [UInt8]

    package init(
        id: String, method: HTTPRequest.Method, target: String, headers: HTTPFields, authority: String? = nil,
        client: String? = nil, clientKey: Digest? = nil,
        load: @escaping @Sendable (_ maximumBytes: Int) async throws(Refusal) -> [UInt8]
    ) {
        self.id = id
        self.method = method
        self.headers = headers
        self.authority = authority
        self.client = client
        self.clientKey = clientKey
        self.load = load
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = parts.first.map(String.init) ?? "/"
        query =
            parts.count < 2
            ? []
            : parts[1].split(separator: "&").map { pair in
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (
                    ServerRequest.percentDecoded(String(sides[0])) ?? "",
                    sides.count < 2 ? "" : ServerRequest.percentDecoded(String(sides[1])) ?? ""
                )
            }
    }

    /// A request whose body is at hand.
    package init(
        _ method: HTTPRequest.Method, _ target: String, headers: HTTPFields = [:], body: [UInt8] = [],
        authority: String? = nil, client: String? = nil, clientKey: Digest? = nil,
        id: String = Hex.encode(Randomness.system.bytes(16))
    ) {
        self.init(
            id: id, method: method, target: target, headers: headers, authority: authority, client: client,
            clientKey: clientKey
        ) { maximumBytes throws(Refusal) in
            guard body.count <= maximumBytes else { throw Refusal(.tooLarge, "the body is over \(maximumBytes) bytes") }
            return body
        }
    }

    /// Reads the whole body.
    ///
    /// - Throws: `too-large` beyond `maximumBytes`, `request-malformed` when the connection broke, `request-timeout` when it
    ///   took too long.
    package func body(maximumBytes: Int) async throws(Refusal) -> [UInt8] {
        try await load(maximumBytes)
    }

    /// The first value of a query parameter.
    package func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// The percent-decoded segments of the path; empty segments are kept. Nil for an encoding that is not UTF-8.
    package var segments: [String]? {
        let raw = path.hasPrefix("/") ? path.dropFirst() : path[...]
        var segments: [String] = []
        for segment in raw.split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = ServerRequest.percentDecoded(String(segment)) else { return nil }
            segments.append(decoded)
        }
        return segments
    }

    package static func percentDecoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next(), let low = iterator.next(),
                let decoded = Hex.decode(String(decoding: [high, low], as: UTF8.self))
            else { return nil }
            bytes += decoded
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
