import Encoding

/// The name of an attestation service or a vault as requests give it: `host` or `host:port`, with or without
/// `https://` before it.
struct ServiceEndpoint: Hashable, Sendable {
    /// DNS name or IPv4 address.
    let host: String
    private let port: String

    private static let maximumBytes = 255

    /// - Throws: `name-invalid` for anything more, such as a path, a user or another scheme: the URL that is made of it
    ///   must lead nowhere else (AC-072).
    init(_ text: String) throws(Refusal) {
        var rest = text[...]
        if rest.hasPrefix("https://") { rest = rest.dropFirst(8) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard rest.utf8.count <= Self.maximumBytes, let host = parts.first, Self.isHost(host),
            parts.count == 1 || (UInt16(parts[1]).map { $0 > 0 } ?? false)
        else { throw Refusal(.nameInvalid, "an endpoint is not of the form host or host:port") }
        self.host = host.lowercased()
        port = parts.count == 1 ? "" : ":\(parts[1])"
    }

    /// `https://host[:port]`.
    var url: String { "https://\(host)\(port)" }

    private static func isHost(_ text: some StringProtocol) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty && label.count <= 63 && label.first != UInt8(ascii: "-")
                && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// Whether `text` names a key, or a key and one of its versions.
    static func isKeyName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count <= 2
            && parts.allSatisfy { part in
                (1...127).contains(part.count)
                    && part.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
            }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
