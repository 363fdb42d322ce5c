import Encoding

/// A protocol buffers message taken apart into its length-delimited fields, the only kind that this interface has.
///
/// - Source: protocol buffers encoding specification; unknown fields are skipped, the last of several values counts.
struct ProtobufFields: Sendable {
    private var values: [UInt64: [UInt8]] = [:]

    /// - Throws: `request-malformed`.
    init(_ bytes: [UInt8]) throws(Refusal) {
        var reader = ByteReader(bytes, refusing: .requestMalformed)
        while !reader.isAtEnd {
            let key = try Self.varint(&reader)
            switch key & 7 {
            case 0: _ = try Self.varint(&reader)
            case 1: _ = try reader.take(8, "64-bit field")
            case 2:
                guard let count = Int(exactly: try Self.varint(&reader)) else {
                    throw Refusal(.requestMalformed, "a field is longer than anything")
                }
                values[key >> 3] = Array(try reader.take(count, "field"))
            case 5: _ = try reader.take(4, "32-bit field")
            default: throw Refusal(.requestMalformed, "a field has an unknown wire type")
            }
        }
    }

    func has(_ number: UInt64) -> Bool { values[number] != nil }

    /// A field of bytes; empty when absent.
    func bytes(_ number: UInt64) -> [UInt8] { values[number] ?? [] }

    /// - Throws: `request-malformed` for bytes that are not UTF-8.
    func text(_ number: UInt64) throws(Refusal) -> String {
        guard let text = String(validating: bytes(number), as: UTF8.self) else {
            throw Refusal(.requestMalformed, "a field of text is not UTF-8")
        }
        return text
    }

    private static func varint(_ reader: inout ByteReader) throws(Refusal) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try reader.uint8("number")
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw Refusal(.requestMalformed, "a number has more than ten bytes")
    }
}

/// A protocol buffers message in the making.
struct ProtobufMessage: Sendable {
    private(set) var bytes: [UInt8] = []

    /// Appends a length-delimited field; empty ones are left out, as version 3 of the language has it.
    mutating func add(_ number: UInt64, _ value: some Collection<UInt8>) {
        guard !value.isEmpty else { return }
        append(number << 3 | 2)
        append(UInt64(value.count))
        bytes += value
    }

    mutating func add(_ number: UInt64, _ text: String) { add(number, Array(text.utf8)) }
    mutating func add(_ number: UInt64, _ message: ProtobufMessage) { add(number, message.bytes) }

    /// Appends a number, zero too.
    mutating func add(_ number: UInt64, number value: UInt64) {
        append(number << 3)
        append(value)
    }

    private mutating func append(_ varint: UInt64) {
        var rest = varint
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
