public import Encoding

/// A response inside the channel: Binary HTTP (RFC 9292), known-length form, final status only.
///
/// The same strict subset as `BinaryRequest`.
///
/// - Source: formats, section 4.
public struct BinaryResponse: Hashable, Sendable {
    /// 200 to 599: the channel has no informational responses.
    public var status: Int
    public var fields: [BinaryField]
    public var content: [UInt8]

    /// Framing indicator of a known-length response.
    private static let framing = 1

    public init(status: Int, fields: [BinaryField] = [], content: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.content = content
    }

    /// The one encoding of this response.
    ///
    /// - Parameter padded: with zeros up to its size class, as it is sealed; without, as it is committed to.
    /// - Throws: `record-authentication` for members that a reader would refuse, `too-large` beyond the last class.
    public func encoded(padded: Bool) throws(Refusal) -> [UInt8] {
        try check()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + MessagePadding.minimum)
        bytes.appendVariableLength(BinaryResponse.framing)
        bytes.appendVariableLength(status)
        try FieldSection.encode(fields, to: &bytes)
        MessageBody.encode(content, to: &bytes)
        if padded { try MessagePadding.pad(&bytes) }
        return bytes
    }

    /// Reads one response and its padding to the end.
    ///
    /// - Throws: `record-authentication` for every other form of message.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        var reader = ByteReader(bytes, refusing: .recordAuthentication)
        guard try reader.variableLength("framing indicator") == BinaryResponse.framing else {
            throw Refusal(.recordAuthentication, "the message is not a known-length response")
        }
        status = try reader.variableLength("status")
        guard (200...599).contains(status) else {
            throw Refusal(.recordAuthentication, "the status is not that of a final response")
        }
        fields = try FieldSection.parse(&reader)
        content = try MessageBody.parse(&reader)
    }

    private func check() throws(Refusal) {
        guard (200...599).contains(status) else {
            throw Refusal(.recordAuthentication, "the status is not that of a final response")
        }
    }
}
