public import Encoding

/// A request inside the channel: Binary HTTP (RFC 9292), known-length form, with every section present.
///
/// A strict subset: shortest integers, no trailers, lower-case field names without repeats, scheme `https`. So one
/// request has one encoding.
///
/// - Source: formats, section 4.
public struct BinaryRequest: Hashable, Sendable {
    /// A token, for example `POST`.
    public var method: String
    /// The receiver's role; the caller compares it (`IncomingRequest.requireAddressed`).
    public var authority: String
    /// Absolute path with query, percent-encoded ASCII.
    public var path: String
    public var fields: [BinaryField]
    public var content: [UInt8]

    /// The only scheme inside the channel.
    public static let scheme = "https"
    /// Framing indicator of a known-length request.
    private static let framing = 0
    private static let maximumMethodBytes = 32
    private static let maximumAuthorityBytes = 255
    private static let maximumPathBytes = 8_192

    public init(method: String, authority: String, path: String, fields: [BinaryField] = [], content: [UInt8] = []) {
        self.method = method
        self.authority = authority
        self.path = path
        self.fields = fields
        self.content = content
    }

    /// The one encoding of this request.
    ///
    /// - Parameter padded: with zeros up to its size class, as it is sealed; without, as it is committed to.
    /// - Throws: `record-authentication` for members that a reader would refuse, `too-large` beyond the last class.
    public func encoded(padded: Bool) throws(Refusal) -> [UInt8] {
        try check()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + MessagePadding.minimum)
        bytes.appendVariableLength(BinaryRequest.framing)
        for part in [method, BinaryRequest.scheme, authority, path] {
            bytes.appendVariableLength(part.utf8.count)
            bytes.append(contentsOf: part.utf8)
        }
        try FieldSection.encode(fields, to: &bytes)
        MessageBody.encode(content, to: &bytes)
        if padded { try MessagePadding.pad(&bytes) }
        return bytes
    }

    /// Reads one request and its padding to the end.
    ///
    /// - Throws: `record-authentication` for every other form of message.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        var reader = ByteReader(bytes, refusing: .recordAuthentication)
        guard try reader.variableLength("framing indicator") == BinaryRequest.framing else {
            throw Refusal(.recordAuthentication, "the message is not a known-length request")
        }
        method = try FieldSection.ascii(try reader.lengthPrefixed("method"), "method")
        let scheme = try FieldSection.ascii(try reader.lengthPrefixed("scheme"), "scheme")
        authority = try FieldSection.ascii(try reader.lengthPrefixed("authority"), "authority")
        path = try FieldSection.ascii(try reader.lengthPrefixed("path"), "path")
        fields = try FieldSection.parse(&reader)
        content = try MessageBody.parse(&reader)
        guard scheme == BinaryRequest.scheme else {
            throw Refusal(.recordAuthentication, "the scheme inside the channel is https")
        }
        try check()
    }

    private func check() throws(Refusal) {
        guard (1...BinaryRequest.maximumMethodBytes).contains(method.utf8.count),
            method.utf8.allSatisfy(FieldSection.isToken)
        else { throw Refusal(.recordAuthentication, "the method is not a token") }
        guard authority.utf8.count <= BinaryRequest.maximumAuthorityBytes,
            authority.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw Refusal(.recordAuthentication, "the authority is not allowed") }
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= BinaryRequest.maximumPathBytes,
            path.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw Refusal(.recordAuthentication, "the path is not an absolute path of printable ASCII") }
    }
}

/// Content and trailer section, which requests and responses share.
enum MessageBody {
    static func encode(_ content: [UInt8], to bytes: inout [UInt8]) {
        bytes.appendVariableLength(content.count)
        bytes.append(contentsOf: content)
        bytes.appendVariableLength(0)
    }

    static func parse(_ reader: inout ByteReader) throws(Refusal) -> [UInt8] {
        let content = try reader.lengthPrefixed("content")
        guard try reader.variableLength("trailer section") == 0 else {
            throw Refusal(.recordAuthentication, "a message inside the channel has no trailers")
        }
        try MessagePadding.check(&reader)
        return Array(content)
    }
}
