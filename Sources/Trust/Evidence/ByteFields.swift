extension ArraySlice where Element == UInt8 {
    /// The bytes of one field, by offset from the start of this slice; the caller has checked the whole length.
    func field(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        self[startIndex + offset..<startIndex + offset + count]
    }

    /// A little-endian integer at an offset from the start of this slice.
    func littleEndian<Value: FixedWidthInteger & UnsignedInteger>(_ offset: Int, as type: Value.Type = Value.self)
        -> Value
    {
        var value: Value = 0
        var shift = 0
        for byte in field(offset, Value.bitWidth / 8) {
            value |= Value(truncatingIfNeeded: byte) << Value(truncatingIfNeeded: shift)
            shift += 8
        }
        return value
    }

    /// Whether all bytes are zero.
    var isZero: Bool { allSatisfy { $0 == 0 } }
}
