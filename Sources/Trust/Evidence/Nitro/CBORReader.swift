import Encoding

/// Reads CBOR once from front to back over borrowed bytes, and refuses what has more than one way to be written.
///
/// Maps and arrays may have a definite or an indefinite length, because AWS prepares to send both. Chunked strings,
/// integers and lengths that are not in their shortest form, reserved heads, text that is not UTF-8, keys that occur
/// twice and nesting below `maximumDepth` are malformed. Nothing is allocated for a length before its bytes are there.
///
/// - Throws: `evidence-malformed`, naming the field.
/// - Source: RFC 8949 sections 3 and 5.
struct CBORReader {
    /// Levels of arrays, maps and tags inside a value that nobody reads.
    static let maximumDepth = 8

    private var bytes: ByteReader

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = ByteReader(bytes)
    }

    /// Refuses bytes after the last item.
    func finish(_ what: StaticString) throws(Refusal) { try bytes.finish(what) }
}

// MARK: Heads

extension CBORReader {
    private static let unsigned: UInt8 = 0
    private static let negative: UInt8 = 1
    private static let byteString: UInt8 = 2
    private static let text: UInt8 = 3
    private static let array: UInt8 = 4
    private static let map: UInt8 = 5
    private static let tag: UInt8 = 6
    private static let simpleOrFloat: UInt8 = 7

    private static let null: UInt8 = 0xf6
    private static let endOfIndefinite: UInt8 = 0xff

    /// The first byte of an item with the number that follows it; nil for an indefinite length.
    private struct Head {
        let major: UInt8
        let argument: UInt64?
    }

    private mutating func head(_ field: StaticString) throws(Refusal) -> Head {
        let initial = try bytes.uint8(field)
        let major = initial >> 5
        let argument: UInt64
        let least: UInt64
        switch initial & 0x1f {
        case let small where small < 24: return Head(major: major, argument: UInt64(small))
        case 24:
            argument = UInt64(try bytes.bigEndian(UInt8.self, field))
            // Simple values below 32 have a one-byte form or none.
            least = major == CBORReader.simpleOrFloat ? 32 : 24
        case 25: (argument, least) = (UInt64(try bytes.bigEndian(UInt16.self, field)), 1 << 8)
        case 26: (argument, least) = (UInt64(try bytes.bigEndian(UInt32.self, field)), 1 << 16)
        case 27: (argument, least) = (try bytes.bigEndian(UInt64.self, field), 1 << 32)
        case 31 where major == CBORReader.array || major == CBORReader.map: return Head(major: major, argument: nil)
        case 31 where major == CBORReader.byteString || major == CBORReader.text:
            throw malformed(field, "is a string in chunks")
        default: throw malformed(field, "has a head that CBOR reserves")
        }
        let isFloat = major == CBORReader.simpleOrFloat && initial & 0x1f > 24
        guard isFloat || argument >= least else {
            throw malformed(field, "has a number that is not in its shortest form")
        }
        return Head(major: major, argument: argument)
    }

    /// The number of a head of one major type and a definite length.
    private mutating func argument(_ major: UInt8, _ field: StaticString, _ kind: String) throws(Refusal) -> UInt64 {
        let head = try head(field)
        guard head.major == major, let argument = head.argument else { throw malformed(field, "is not \(kind)") }
        return argument
    }

    private mutating func take(_ count: UInt64, _ field: StaticString) throws(Refusal) -> ArraySlice<UInt8> {
        guard let count = Int(exactly: count) else { throw malformed(field, "is longer than what is left") }
        return try bytes.take(count, field)
    }

    private func nextByte(_ field: StaticString) throws(Refusal) -> UInt8 {
        var ahead = bytes
        return try ahead.uint8(field)
    }

    private func malformed(_ field: StaticString, _ problem: String) -> Refusal {
        Refusal(.evidenceMalformed, "CBOR: \(field) \(problem)")
    }
}

// MARK: Values

extension CBORReader {
    mutating func unsigned(_ field: StaticString) throws(Refusal) -> UInt64 {
        try argument(CBORReader.unsigned, field, "an unsigned integer")
    }

    /// A negative integer, −1 or less.
    mutating func negative(_ field: StaticString) throws(Refusal) -> Int64 {
        let argument = try argument(CBORReader.negative, field, "a negative integer")
        guard let value = Int64(exactly: argument) else { throw malformed(field, "is too small an integer") }
        return -1 - value
    }

    mutating func byteString(_ field: StaticString) throws(Refusal) -> ArraySlice<UInt8> {
        try take(try argument(CBORReader.byteString, field, "a byte string"), field)
    }

    mutating func text(_ field: StaticString) throws(Refusal) -> String {
        try text(try argument(CBORReader.text, field, "text"), field)
    }

    private mutating func text(_ count: UInt64, _ field: StaticString) throws(Refusal) -> String {
        let bytes = try take(count, field)
        guard let text = String(streamSafe: bytes.span) else {
            throw malformed(field, "is not UTF-8, or has too many combining marks in a row")
        }
        return text
    }

    /// Reads a null, if one comes next.
    mutating func takeNull(_ field: StaticString) throws(Refusal) -> Bool {
        guard try nextByte(field) == CBORReader.null else { return false }
        _ = try head(field)
        return true
    }

    /// Reads the head of a tag below 24, if that one comes next.
    mutating func takeTag(_ number: UInt8, _ field: StaticString) throws(Refusal) -> Bool {
        guard try nextByte(field) == CBORReader.tag << 5 | number else { return false }
        _ = try head(field)
        return true
    }
}

// MARK: Arrays and maps

extension CBORReader {
    /// What is left of an array or of a map; nil until the end of an indefinite one.
    struct Items {
        fileprivate var remaining: UInt64?
    }

    /// What is left of a map, and the keys that were seen.
    struct Pairs {
        fileprivate var items: Items
        fileprivate var seen: Set<Key> = []
    }

    /// A map's key; other kinds of keys are malformed.
    enum Key: Hashable {
        case unsigned(UInt64)
        /// −1 minus the number.
        case negative(UInt64)
        case bytes(ArraySlice<UInt8>)
        case text(String)
    }

    mutating func array(_ field: StaticString) throws(Refusal) -> Items {
        let head = try head(field)
        guard head.major == CBORReader.array else { throw malformed(field, "is not an array") }
        return Items(remaining: head.argument)
    }

    mutating func map(_ field: StaticString) throws(Refusal) -> Pairs {
        let head = try head(field)
        guard head.major == CBORReader.map else { throw malformed(field, "is not a map") }
        return Pairs(items: Items(remaining: head.argument))
    }

    /// Whether another item follows, which the caller then reads.
    mutating func hasNext(_ items: inout Items, _ field: StaticString) throws(Refusal) -> Bool {
        if let remaining = items.remaining {
            guard remaining > 0 else { return false }
            items.remaining = remaining - 1
            return true
        }
        guard try nextByte(field) == CBORReader.endOfIndefinite else { return true }
        _ = try bytes.uint8(field)
        items.remaining = 0
        return false
    }

    /// The next key, whose value the caller then reads; nil at the end of the map.
    mutating func nextKey(_ pairs: inout Pairs, _ field: StaticString) throws(Refusal) -> Key? {
        guard try hasNext(&pairs.items, field) else { return nil }
        let head = try head(field)
        let key: Key
        switch (head.major, head.argument) {
        case (CBORReader.unsigned, let number?): key = .unsigned(number)
        case (CBORReader.negative, let number?): key = .negative(number)
        case (CBORReader.byteString, let count?): key = .bytes(try take(count, field))
        case (CBORReader.text, let count?): key = .text(try text(count, field))
        default: throw malformed(field, "has a key that is neither an integer nor a string")
        }
        guard pairs.seen.insert(key).inserted else { throw malformed(field, "has a key twice") }
        return key
    }

    /// Passes over a value that nobody reads, which must still be well formed.
    mutating func skip(_ field: StaticString) throws(Refusal) { try skip(field, depth: 0) }

    private mutating func skip(_ field: StaticString, depth: Int) throws(Refusal) {
        guard depth <= CBORReader.maximumDepth else { throw malformed(field, "has a value that is nested too deeply") }
        let head = try head(field)
        switch (head.major, head.argument) {
        case (CBORReader.byteString, let count?): _ = try take(count, field)
        case (CBORReader.text, let count?): _ = try text(count, field)
        case (CBORReader.array, let count):
            var items = Items(remaining: count)
            while try hasNext(&items, field) { try skip(field, depth: depth + 1) }
        case (CBORReader.map, let count):
            var pairs = Pairs(items: Items(remaining: count))
            while try nextKey(&pairs, field) != nil { try skip(field, depth: depth + 1) }
        case (CBORReader.tag, _): try skip(field, depth: depth + 1)
        // An integer, a simple value or a float: its head is all of it.
        default: break
        }
    }
}
