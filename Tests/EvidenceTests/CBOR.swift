/// Writes CBOR for tests, in its shortest form unless told otherwise; not a library.
indirect enum TestCBOR: Sendable {
    case unsigned(UInt64)
    /// −1 minus the number.
    case negative(UInt64)
    case bytes([UInt8])
    case text(String)
    case array([TestCBOR])
    case map([(TestCBOR, TestCBOR)])
    case indefiniteArray([TestCBOR])
    case indefiniteMap([(TestCBOR, TestCBOR)])
    case tag(UInt64, TestCBOR)
    case null
    /// An item as it stands.
    case raw([UInt8])

    var encoded: [UInt8] {
        switch self {
        case .unsigned(let number): TestCBOR.head(0, number)
        case .negative(let number): TestCBOR.head(1, number)
        case .bytes(let bytes): TestCBOR.head(2, UInt64(bytes.count)) + bytes
        case .text(let text): TestCBOR.head(3, UInt64(text.utf8.count)) + Array(text.utf8)
        case .array(let items): TestCBOR.head(4, UInt64(items.count)) + items.flatMap(\.encoded)
        case .map(let pairs): TestCBOR.head(5, UInt64(pairs.count)) + pairs.flatMap { $0.encoded + $1.encoded }
        case .indefiniteArray(let items): [0x9f] + items.flatMap(\.encoded) + [0xff]
        case .indefiniteMap(let pairs): [0xbf] + pairs.flatMap { $0.encoded + $1.encoded } + [0xff]
        case .tag(let number, let item): TestCBOR.head(6, number) + item.encoded
        case .null: [0xf6]
        case .raw(let bytes): bytes
        }
    }

    static func head(_ major: UInt8, _ number: UInt64) -> [UInt8] {
        var head: [UInt8]
        switch number {
        case ..<24: return [major << 5 | UInt8(number)]
        case ..<0x100: head = [24, UInt8(number)]
        case ..<0x1_0000: head = [25] + bigEndian(number, 2)
        case ..<0x1_0000_0000: head = [26] + bigEndian(number, 4)
        default: head = [27] + bigEndian(number, 8)
        }
        head[0] |= major << 5
        return head
    }

    private static func bigEndian(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
    }

    /// Values nested in so many arrays.
    static func nested(_ depth: Int) -> TestCBOR { (0..<depth).reduce(.unsigned(0)) { item, _ in .array([item]) } }
}
