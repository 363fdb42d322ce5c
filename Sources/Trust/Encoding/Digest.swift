import Crypto

/// SHA-256, printed as unpadded base64url: the form in which Cloister's formats name tokens, keys and messages.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Hashes `content`.
    public init(of content: some Sequence<UInt8>) {
        bytes = Array(SHA256.hash(data: Array(content)))
    }

    /// Hashes the UTF-8 of `text`; for a compact JWS this is the digest that hop statements and passports use.
    public init(of text: String) {
        bytes = Array(SHA256.hash(data: Array(text.utf8)))
    }

    /// Hashes pieces one after the other, without copying them into one.
    public init(joining pieces: [UInt8]...) {
        var hash = SHA256()
        for piece in pieces { hash.update(data: piece) }
        bytes = Array(hash.finalize())
    }

    /// Takes bytes that are already a digest; nil unless there are 32.
    public init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// Reads exact unpadded base64url; nil unless it is 32 bytes.
    public init?(_ text: some StringProtocol) {
        guard let bytes = Base64.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(contentsOf: bytes) }

    /// Unpadded base64url, 43 characters.
    public var description: String { Base64.encodeURL(bytes) }

    /// Lower-case hex, as `sha256sum` prints it.
    public var hex: String { Hex.encode(bytes) }
}

extension Hasher {
    /// Takes all bytes in one step; `combine` of an array takes one step for each.
    package mutating func combine(contentsOf bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { buffer in unsafe combine(bytes: buffer) }
    }
}
