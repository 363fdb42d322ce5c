/// A JSON value (RFC 8259) as Cloister's formats use it: no duplicate names, integers kept exact.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    /// A number written without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Every other number.
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}

// MARK: Reading members

extension JSON {
    /// The member of an object; nil for an absent member or another kind of value.
    public subscript(name: String) -> JSON? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    public var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }
    /// An integer or a fraction as a `Double`.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
    /// The strings of an array that holds nothing else.
    public var strings: [String]? {
        guard let array else { return nil }
        let strings = array.compactMap(\.string)
        return strings.count == array.count ? strings : nil
    }
}

/// Reads the members of one object of a fixed format, and refuses what the format does not name.
///
/// Every member is asked for exactly once; `finish` refuses the rest, so that an unknown member is never ignored.
public struct ObjectReader {
    private var members: [String: JSON]
    private let code: RefusalCode
    private let what: String

    /// - Throws: `Refusal` with `code` when `json` is not an object.
    public init(_ json: JSON, _ what: String, refusing code: RefusalCode) throws(Refusal) {
        guard case .object(let members) = json else { throw Refusal(code, "\(what) is not an object") }
        self.members = members
        self.code = code
        self.what = what
    }

    /// Whether the member is there and not yet read.
    public func has(_ name: String) -> Bool { members[name] != nil }

    public mutating func optional(_ name: String) -> JSON? { members.removeValue(forKey: name) }

    public mutating func value(_ name: String) throws(Refusal) -> JSON {
        guard let value = members.removeValue(forKey: name) else { throw missing(name, "is missing") }
        return value
    }

    public mutating func string(_ name: String) throws(Refusal) -> String {
        guard let value = try value(name).string else { throw missing(name, "is not a string") }
        return value
    }

    public mutating func integer(_ name: String) throws(Refusal) -> Int64 {
        guard let value = try value(name).integer else { throw missing(name, "is not an integer") }
        return value
    }

    public mutating func bool(_ name: String) throws(Refusal) -> Bool {
        guard let value = try value(name).bool else { throw missing(name, "is not true or false") }
        return value
    }

    public mutating func array(_ name: String) throws(Refusal) -> [JSON] {
        guard let value = try value(name).array else { throw missing(name, "is not an array") }
        return value
    }

    public mutating func strings(_ name: String) throws(Refusal) -> [String] {
        guard let value = try value(name).strings else { throw missing(name, "is not an array of strings") }
        return value
    }

    /// Exact base64url.
    public mutating func bytes(_ name: String) throws(Refusal) -> [UInt8] {
        guard let bytes = Base64.decode(try string(name)) else { throw missing(name, "is not unpadded base64url") }
        return bytes
    }

    public mutating func digest(_ name: String) throws(Refusal) -> Digest {
        guard let digest = Digest(try string(name)) else { throw missing(name, "is not a digest") }
        return digest
    }

    public mutating func time(_ name: String) throws(Refusal) -> Timestamp {
        Timestamp(seconds: try integer(name))
    }

    /// Checks the member `format`, which every file and message of Cloister carries.
    public mutating func format(_ expected: String) throws(Refusal) {
        let seen = try string("format")
        guard seen == expected else { throw missing("format", "is not \(expected)") }
    }

    /// Refuses members that nobody asked for.
    public func finish() throws(Refusal) {
        if let name = members.keys.sorted().first {
            throw Refusal(code, "\(what) has an unknown member \(name.excerpt(40))")
        }
    }

    private func missing(_ name: String, _ problem: String) -> Refusal {
        Refusal(code, "\(what): member \(name) \(problem)")
    }
}
