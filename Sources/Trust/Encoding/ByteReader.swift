/// Reads a byte string once from front to back; every read checks what is left and names the field when it fails.
///
/// - Throws: `Refusal` with the code given at creation; the detail names the field, never its content.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private let code: RefusalCode
    /// Index into the original bytes of the next byte to read.
    public private(set) var position: Int

    public init(_ bytes: ArraySlice<UInt8>, refusing code: RefusalCode = .evidenceMalformed) {
        self.bytes = bytes
        self.code = code
        position = bytes.startIndex
    }

    public init(_ bytes: [UInt8], refusing code: RefusalCode = .evidenceMalformed) {
        self.init(bytes[...], refusing: code)
    }

    public var remaining: Int { bytes.endIndex - position }
    public var isAtEnd: Bool { position == bytes.endIndex }

    /// The next `count` bytes, without a copy.
    public mutating func take(_ count: Int, _ field: StaticString) throws(Refusal) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else {
            throw Refusal(code, "truncated at \(field): \(count) bytes wanted, \(remaining) left")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    public mutating func uint8(_ field: StaticString) throws(Refusal) -> UInt8 {
        let slice = try take(1, field)
        return slice[slice.startIndex]
    }

    public mutating func littleEndian<Value: FixedWidthInteger>(
        _ type: Value.Type, _ field: StaticString
    ) throws(Refusal) -> Value {
        var value: Value = 0
        for byte in try take(Value.bitWidth / 8, field).reversed() {
            value = value << 8 | Value(truncatingIfNeeded: byte)
        }
        return value
    }

    /// The same, of the type that the caller expects.
    public mutating func littleEndian<Value: FixedWidthInteger>(_ field: StaticString) throws(Refusal) -> Value {
        try littleEndian(Value.self, field)
    }

    public mutating func bigEndian<Value: FixedWidthInteger>(
        _ type: Value.Type, _ field: StaticString
    ) throws(Refusal) -> Value {
        var value: Value = 0
        for byte in try take(Value.bitWidth / 8, field) { value = value << 8 | Value(truncatingIfNeeded: byte) }
        return value
    }

    /// The same, of the type that the caller expects.
    public mutating func bigEndian<Value: FixedWidthInteger>(_ field: StaticString) throws(Refusal) -> Value {
        try bigEndian(Value.self, field)
    }

    /// Everything that is left.
    public mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    /// Refuses bytes after the last field.
    public func finish(_ what: StaticString) throws(Refusal) {
        guard isAtEnd else { throw Refusal(code, "\(remaining) bytes after the end of \(what)") }
    }
}

extension Array where Element == UInt8 {
    /// Appends `value`, least significant byte first.
    ///
    /// Inlinable, since other modules call it for each pixel of an image.
    @inlinable
    public mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// Appends `value`, most significant byte first.
    @inlinable
    public mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

/// Compares without leaking through timing where the first difference is.
@inlinable
public func constantTimeEquals(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for (a, b) in zip(left, right) { difference |= a ^ b }
    return difference == 0
}
