/// One value of DER: its tag, its content and its whole encoding, all slices of what was read.
///
/// Evidence is read byte by byte millions of times a day, so this is a cursor over the bytes rather than a tree.
///
/// - Source: ITU-T X.690 section 10 (DER).
struct DERValue {
    /// Identifier octet; tag numbers above 30, which nothing here has, are refused.
    let tag: UInt8
    let encoded: ArraySlice<UInt8>
    private let contentStart: Int
    var content: ArraySlice<UInt8> { encoded[contentStart...] }

    /// Identifier octets with class and form.
    enum Tag {
        static let boolean: UInt8 = 0x01
        static let integer: UInt8 = 0x02
        static let bitString: UInt8 = 0x03
        static let octetString: UInt8 = 0x04
        static let null: UInt8 = 0x05
        static let objectIdentifier: UInt8 = 0x06
        static let ia5String: UInt8 = 0x16
        static let utcTime: UInt8 = 0x17
        static let generalizedTime: UInt8 = 0x18
        static let sequence: UInt8 = 0x30
        static let set: UInt8 = 0x31
        /// `[number]`, constructed: an explicit tag.
        static func explicit(_ number: UInt8) -> UInt8 { 0xa0 | number }
    }

    fileprivate init(tag: UInt8, contentStart: Int, encoded: ArraySlice<UInt8>) {
        self.tag = tag
        self.contentStart = contentStart
        self.encoded = encoded
    }

    /// The one value that fills `bytes`.
    init(parsing bytes: ArraySlice<UInt8>) throws {
        var reader = DERReader(bytes)
        self = try reader.required()
        try reader.finish()
    }

    init(parsing bytes: [UInt8]) throws { try self.init(parsing: bytes[...]) }

    /// Reads the members of a constructed value; all of them must be asked for.
    func members<Result>(of tag: UInt8 = Tag.sequence, _ read: (inout DERReader) throws -> Result) throws -> Result {
        guard self.tag == tag else { throw MalformedASN1.unexpectedTag }
        var reader = DERReader(content)
        let result = try read(&reader)
        try reader.finish()
        return result
    }

    var isConstructed: Bool { tag & 0x20 != 0 }

    private func require(_ tag: UInt8) throws {
        guard self.tag == tag else { throw MalformedASN1.unexpectedTag }
    }

    var boolean: Bool {
        get throws {
            try require(Tag.boolean)
            guard content.count == 1, let byte = content.first else { throw MalformedASN1.value }
            switch byte {
            case 0: return false
            case 0xff: return true
            default: throw MalformedASN1.value
            }
        }
    }

    /// Two's complement, big-endian, with as few bytes as can be.
    var integerBytes: ArraySlice<UInt8> {
        get throws {
            try require(Tag.integer)
            guard let first = content.first else { throw MalformedASN1.value }
            if let second = content.dropFirst().first {
                guard !(first == 0 && second < 0x80), !(first == 0xff && second >= 0x80) else {
                    throw MalformedASN1.value
                }
            }
            return content
        }
    }

    /// An integer that is not negative and fits `Value`.
    func unsigned<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws -> Value {
        let bytes = try integerBytes
        guard bytes.first ?? 0x80 < 0x80, bytes.count <= 9 else { throw MalformedASN1.value }
        var value: UInt64 = 0
        for byte in bytes {
            guard value <= UInt64.max >> 8 else { throw MalformedASN1.value }
            value = value << 8 | UInt64(byte)
        }
        guard let result = Value(exactly: value) else { throw MalformedASN1.value }
        return result
    }

    var octets: ArraySlice<UInt8> {
        get throws {
            try require(Tag.octetString)
            return content
        }
    }

    /// A BIT STRING; the unused bits at its end are zero.
    var bits: (bytes: ArraySlice<UInt8>, unused: Int) {
        get throws {
            try require(Tag.bitString)
            guard let unused = content.first, unused < 8 else { throw MalformedASN1.value }
            let bytes = content.dropFirst()
            guard (bytes.last ?? 0) & ((1 << unused) - 1) == 0, unused == 0 || !bytes.isEmpty else {
                throw MalformedASN1.value
            }
            return (bytes, Int(unused))
        }
    }

    func requireNull() throws {
        try require(Tag.null)
        guard content.isEmpty else { throw MalformedASN1.value }
    }

    var objectIdentifier: OID {
        get throws {
            try require(Tag.objectIdentifier)
            guard let oid = OID(content) else { throw MalformedASN1.value }
            return oid
        }
    }
}

/// Reads DER values one after the other.
struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The tag of the next value; nil at the end.
    var nextTag: UInt8? { rest.first }

    func finish() throws {
        guard rest.isEmpty else { throw MalformedASN1.trailingBytes }
    }

    /// The next value; nil at the end.
    mutating func next() throws -> DERValue? { rest.isEmpty ? nil : try required() }

    /// The next value if it has `tag`, for optional members.
    mutating func next(ifTag tag: UInt8) throws -> DERValue? { nextTag == tag ? try required() : nil }

    mutating func required() throws -> DERValue {
        let start = rest.startIndex
        guard rest.count >= 2 else { throw MalformedASN1.truncated }
        let tag = rest[start]
        guard tag & 0x1f != 0x1f else { throw MalformedASN1.unexpectedTag }
        var contentStart = start + 2
        var length = Int(rest[start + 1])
        if length >= 0x80 {
            // Up to four bytes of length; the first is not zero, and the short form would not do.
            let count = length & 0x7f
            guard (1...4).contains(count) else { throw MalformedASN1.length }
            guard count <= rest.endIndex - contentStart else { throw MalformedASN1.truncated }
            guard rest[contentStart] != 0 else { throw MalformedASN1.length }
            length = 0
            for byte in rest[contentStart..<contentStart + count] { length = length << 8 | Int(byte) }
            guard length >= 0x80 else { throw MalformedASN1.length }
            contentStart += count
        }
        guard length <= rest.endIndex - contentStart else { throw MalformedASN1.truncated }
        let end = contentStart + length
        defer { rest = rest[end...] }
        return DERValue(tag: tag, contentStart: contentStart, encoded: rest[start..<end])
    }
}

/// Bytes that are not DER, or not of the type that stands there.
enum MalformedASN1: Error {
    case truncated
    case length
    case unexpectedTag
    case trailingBytes
    case value
}

/// Well-formed ASN.1 that names something this verifier does not know.
enum UnsupportedASN1: Error {
    case signatureAlgorithm
    case publicKey
    case version
    case algorithmMismatch
    case duplicateExtension
    case criticalExtension
    case constraints
    case length
    case time
    case oversized
}

extension Error {
    /// Which rule of ASN.1 or of this verifier was broken, without any input bytes.
    var shortReason: String {
        switch self {
        case let error as UnsupportedASN1: String(describing: error)
        case let error as MalformedASN1: String(describing: error)
        default: "invalid value"
        }
    }
}
