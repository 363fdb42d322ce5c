import Encoding

/// A CBOR data item as it will be written, right or wrong.
///
/// - Source: RFC 8949 section 3.
package indirect enum CBORItem: Sendable {
    case unsigned(UInt64)
    /// −1 minus the number.
    case negative(UInt64)
    case bytes([UInt8])
    case text(String)
    case array([CBORItem])
    case map([(CBORItem, CBORItem)])
    /// A map without its length, ended by a break.
    case indefiniteMap([(CBORItem, CBORItem)])
    /// A byte string in chunks.
    case chunks([[UInt8]])
    case tag(UInt64, CBORItem)
    case null
    /// Bytes that are taken for an item.
    case raw([UInt8])

    package var encoded: [UInt8] {
        switch self {
        case .unsigned(let value): return CBORItem.head(0, value)
        case .negative(let value): return CBORItem.head(1, value)
        case .bytes(let bytes): return CBORItem.head(2, UInt64(bytes.count)) + bytes
        case .text(let text): return CBORItem.head(3, UInt64(text.utf8.count)) + Array(text.utf8)
        case .array(let items): return CBORItem.head(4, UInt64(items.count)) + items.flatMap(\.encoded)
        case .map(let pairs): return CBORItem.head(5, UInt64(pairs.count)) + CBORItem.encoded(pairs)
        case .indefiniteMap(let pairs): return [0xbf] + CBORItem.encoded(pairs) + [0xff]
        case .chunks(let chunks): return [0x5f] + chunks.flatMap { CBORItem.bytes($0).encoded } + [0xff]
        case .tag(let number, let item): return CBORItem.head(6, number) + item.encoded
        case .null: return [0xf6]
        case .raw(let bytes): return bytes
        }
    }

    private static func encoded(_ pairs: [(CBORItem, CBORItem)]) -> [UInt8] {
        pairs.flatMap { $0.encoded + $1.encoded }
    }

    /// The first byte with a number in its shortest form.
    private static func head(_ major: UInt8, _ value: UInt64) -> [UInt8] {
        let first = major << 5
        return switch value {
        case ..<24: [first | UInt8(value)]
        case ..<0x100: [first | 24, UInt8(value)]
        case ..<0x1_0000: [first | 25] + .bigEndian(UInt16(value))
        case ..<0x1_0000_0000: [first | 26] + .bigEndian(UInt32(value))
        default: [first | 27] + .bigEndian(value)
        }
    }
}
