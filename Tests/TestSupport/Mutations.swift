/// Random numbers that are the same in each run (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// One way to damage bytes.
public enum Mutation: CaseIterable, Sendable {
    case flipBit
    case setByte
    case truncate
    case remove
    case repeatRange
    /// A length field made zero, huge, or wrong by one, in either byte order.
    case editLength
    /// A range of another input in the place of one.
    case splice
    case append

    /// - Parameter other: where a splice comes from.
    public func apply(_ bytes: [UInt8], _ other: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        guard !bytes.isEmpty else { return [UInt8.random(in: 0...255, using: &generator)] }
        let offset = Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, offset + Int.random(in: 1...64, using: &generator))
        switch self {
        case .flipBit: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case .setByte: bytes[offset] = UInt8.random(in: 0...255, using: &generator)
        case .truncate: bytes.removeSubrange(offset...)
        case .remove: bytes.removeSubrange(offset..<end)
        case .repeatRange: bytes.insert(contentsOf: bytes[offset..<end], at: offset)
        case .editLength: editLength(&bytes, offset, &generator)
        case .splice:
            let start = Int.random(in: 0...other.count, using: &generator)
            bytes.replaceSubrange(offset..<end, with: other[start..<min(other.count, start + 64)])
        case .append:
            for _ in 0..<Int.random(in: 1...16, using: &generator) {
                bytes.append(UInt8.random(in: 0...255, using: &generator))
            }
        }
        return bytes
    }

    private func editLength(_ bytes: inout [UInt8], _ offset: Int, _ generator: inout SeededGenerator) {
        let width = min([1, 2, 4, 8].randomElement(using: &generator) ?? 1, bytes.count - offset)
        let range = offset..<offset + width
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes.replaceSubrange(range, with: Array(repeating: 0, count: width))
        case 1: bytes.replaceSubrange(range, with: Array(repeating: 0xff, count: width))
        // The largest that is not negative, as either byte order has it.
        case 2: bytes.replaceSubrange(range, with: [0x7f] + Array(repeating: 0xff, count: width - 1))
        case 3: bytes[offset] &+= 1
        default: bytes[offset] &-= 1
        }
    }
}
