import Encoding

/// One header field of an inner message.
public struct BinaryField: Hashable, Sendable {
    /// Lower-case token (RFC 9110 section 5.1).
    public var name: String
    /// Visible ASCII, spaces and tabs; neither begins nor ends with a blank.
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [BinaryField] {
    /// The value of the field `name`, which occurs at most once.
    public subscript(name: String) -> String? { first { $0.name == name }?.value }
}

/// The field section that requests and responses share, and its limits.
enum FieldSection {
    static let maximumFields = 64
    static let maximumNameBytes = 128
    /// Room for a token of 64 KiB, a hop of 8 KiB and the rest.
    static let maximumBytes = 128 << 10

    static func encode(_ fields: [BinaryField], to bytes: inout [UInt8]) throws(Refusal) {
        try check(fields)
        var section: [UInt8] = []
        for field in fields {
            section.appendVariableLength(field.name.utf8.count)
            section.append(contentsOf: field.name.utf8)
            section.appendVariableLength(field.value.utf8.count)
            section.append(contentsOf: field.value.utf8)
        }
        guard section.count <= maximumBytes else {
            throw Refusal(.recordAuthentication, "the header section is longer than \(maximumBytes) bytes")
        }
        bytes.appendVariableLength(section.count)
        bytes.append(contentsOf: section)
    }

    static func parse(_ reader: inout ByteReader) throws(Refusal) -> [BinaryField] {
        let bytes = try reader.lengthPrefixed("header section")
        guard bytes.count <= maximumBytes else {
            throw Refusal(.recordAuthentication, "the header section is longer than \(maximumBytes) bytes")
        }
        var section = ByteReader(bytes, refusing: .recordAuthentication)
        var fields: [BinaryField] = []
        while !section.isAtEnd {
            guard fields.count < maximumFields else {
                throw Refusal(.recordAuthentication, "more than \(maximumFields) header fields")
            }
            let name = try ascii(try section.lengthPrefixed("field name"), "field name")
            let value = try ascii(try section.lengthPrefixed("field value"), "field value")
            fields.append(BinaryField(name, value))
        }
        try check(fields)
        return fields
    }

    /// ASCII as a string; everything that is refused in a value anyway is refused before a string exists.
    static func ascii(_ bytes: ArraySlice<UInt8>, _ what: StaticString) throws(Refusal) -> String {
        guard bytes.allSatisfy({ (0x20...0x7e).contains($0) || $0 == 0x09 }) else {
            throw Refusal(.recordAuthentication, "\(what) holds bytes other than printable ASCII")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func check(_ fields: [BinaryField]) throws(Refusal) {
        guard fields.count <= maximumFields else {
            throw Refusal(.recordAuthentication, "more than \(maximumFields) header fields")
        }
        var names: Set<String> = []
        for field in fields {
            guard (1...maximumNameBytes).contains(field.name.utf8.count),
                field.name.utf8.allSatisfy({ isToken($0) && !(0x41...0x5a).contains($0) })
            else { throw Refusal(.recordAuthentication, "a field name is not a lower-case token") }
            guard field.value.utf8.allSatisfy({ (0x20...0x7e).contains($0) || $0 == 0x09 }),
                field.value.utf8.first.map(isBlank) != true, field.value.utf8.last.map(isBlank) != true
            else { throw Refusal(.recordAuthentication, "the value of the field \(field.name) is not allowed") }
            guard names.insert(field.name).inserted else {
                throw Refusal(.recordAuthentication, "the field \(field.name) is repeated")
            }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// A character of an RFC 9110 token.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
        default: false
        }
    }
}
