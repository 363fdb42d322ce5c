import Encoding

extension [UInt8] {
    /// Overwrites the bytes from `offset` on.
    package mutating func put(_ bytes: some Collection<UInt8>, at offset: Int) {
        replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    /// Overwrites an integer at `offset`, least significant byte first.
    package mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(value)
        put(bytes, at: offset)
    }

    /// An integer of any width as bytes, least significant first.
    package static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(value)
        return bytes
    }

    /// An integer of any width as bytes, most significant first.
    package static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(value)
        return bytes
    }

    package static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
