import Encoding

/// Reads the fields of one protobuf message in order, strictly: what an encoder does not write is refused.
///
/// - Source: Protocol Buffers, "Encoding"; only the two wire types that TPM attestations use.
struct ProtobufReader {
    enum Value {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    struct Field {
        let number: UInt64
        let value: Value
        fileprivate let message: String

        func bytes() throws(Refusal) -> ArraySlice<UInt8> {
            guard case .bytes(let bytes) = value else { throw wrongType }
            return bytes
        }

        func integer() throws(Refusal) -> UInt64 {
            guard case .number(let number) = value else { throw wrongType }
            return number
        }

        var unknown: Refusal { Refusal(.evidenceMalformed, "\(message): field \(number) is not known") }
        var repeated: Refusal { Refusal(.evidenceMalformed, "\(message): field \(number) is there twice") }
        private var wrongType: Refusal { Refusal(.evidenceMalformed, "\(message): field \(number) is of another type") }
    }

    private var reader: ByteReader
    private let message: String

    init(_ bytes: ArraySlice<UInt8>, _ message: String) {
        reader = ByteReader(bytes)
        self.message = message
    }

    /// The next field; nil at the end.
    mutating func next() throws(Refusal) -> Field? {
        guard !reader.isAtEnd else { return nil }
        let tag = try varint()
        let value: Value
        switch tag & 7 {
        case 0: value = .number(try varint())
        case 2:
            guard let count = Int(exactly: try varint()) else {
                throw Refusal(.evidenceMalformed, "\(message): a length is beyond all bounds")
            }
            value = .bytes(try reader.take(count, "protobuf field"))
        default: throw Refusal(.evidenceMalformed, "\(message): wire type \(tag & 7) is not used here")
        }
        return Field(number: tag >> 3, value: value, message: message)
    }

    /// Seven bits a byte, least significant first, in as few bytes as there can be.
    private mutating func varint() throws(Refusal) -> UInt64 {
        var value: UInt64 = 0
        for position in 0..<10 {
            let byte = try reader.uint8("protobuf number")
            let bits = UInt64(byte & 0x7f)
            guard position < 9 || byte <= 1 else { break }
            value |= bits << UInt64(7 * position)
            if byte < 0x80 {
                guard position == 0 || byte != 0 else { break }
                return value
            }
        }
        throw Refusal(.evidenceMalformed, "\(message): a number is not in its shortest form")
    }
}
