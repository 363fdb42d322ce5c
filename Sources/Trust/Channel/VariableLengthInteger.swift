import Encoding

/// QUIC's variable-length integers (RFC 9000 section 16), in their shortest form only.
///
/// One number has one encoding, so that a message has one encoding and a commitment to it has one value.
enum VariableLengthInteger {
    /// Encoded length of `value` in bytes: 1, 2, 4 or 8.
    static func length(_ value: Int) -> Int {
        switch value {
        case ..<0x40: 1
        case ..<0x4000: 2
        case ..<0x4000_0000: 4
        default: 8
        }
    }
}

extension [UInt8] {
    /// Appends `value`, which is not negative.
    mutating func appendVariableLength(_ value: Int) {
        switch VariableLengthInteger.length(value) {
        case 1: append(UInt8(truncatingIfNeeded: value))
        case 2: appendBigEndian(0x4000 | UInt16(truncatingIfNeeded: value))
        case 4: appendBigEndian(0x8000_0000 | UInt32(truncatingIfNeeded: value))
        default: appendBigEndian(0xc000_0000_0000_0000 | UInt64(truncatingIfNeeded: value))
        }
    }
}

extension ByteReader {
    /// The next variable-length integer.
    ///
    /// - Throws: `record-authentication` when it is not in its shortest form.
    mutating func variableLength(_ field: StaticString) throws(Refusal) -> Int {
        let first = try uint8(field)
        let length = 1 << Int(first >> 6)
        var value = Int(first & 0x3f)
        for byte in try take(length - 1, field) { value = value << 8 | Int(byte) }
        guard VariableLengthInteger.length(value) == length else {
            throw Refusal(.recordAuthentication, "\(field) is not in its shortest form")
        }
        return value
    }

    /// A byte string after its length.
    mutating func lengthPrefixed(_ field: StaticString) throws(Refusal) -> ArraySlice<UInt8> {
        try take(try variableLength(field), field)
    }
}
