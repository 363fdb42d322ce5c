import Encoding

/// Walks the elements of a data set in one of the two little-endian syntaxes.
///
/// Sequences are walked so that their lengths are checked, but not kept: nothing that Cloister reads stands in one.
/// The work is bounded by the number of bytes (every element takes at least eight) and the depth by `maximumDepth`.
struct DataSetReader {
    /// Sequences inside sequences beyond this are refused.
    static let maximumDepth = 16

    private static let undefinedLength: UInt32 = 0xFFFF_FFFF
    private static let longForms: Set<String> = [
        "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV",
    ]
    private static let shortForms: Set<String> = [
        "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM",
        "UI",
        "UL", "US",
    ]

    private var reader: ByteReader
    private let isExplicit: Bool

    init(_ bytes: ArraySlice<UInt8>, isExplicit: Bool) {
        reader = ByteReader(bytes, refusing: .imageInvalid)
        self.isExplicit = isExplicit
    }

    /// Reads every element of the top level; tags must rise, so that no element can be there twice.
    mutating func elements(upTo group: UInt16 = .max) throws(Refusal) -> [Tag: ArraySlice<UInt8>] {
        var elements: [Tag: ArraySlice<UInt8>] = [:]
        var former: Tag?
        while !reader.isAtEnd {
            var ahead = reader
            let next = try DataSetReader.tag(&ahead)
            if next.group > group { break }
            if let former, next <= former {
                throw Refusal(.imageInvalid, "element \(next) stands after \(former): tags must rise")
            }
            former = next
            elements[next] = try element(&reader, explicit: isExplicit, depth: 0)
        }
        return elements
    }

    /// What is left after the elements that were read.
    var rest: ArraySlice<UInt8> {
        var copy = reader
        return copy.rest()
    }

    private static func tag(_ reader: inout ByteReader) throws(Refusal) -> Tag {
        Tag(
            try reader.littleEndian(UInt16.self, "a tag's group"),
            try reader.littleEndian(UInt16.self, "a tag's element"))
    }

    /// Reads one element and returns its value, empty for a sequence.
    private func element(
        _ reader: inout ByteReader, explicit: Bool, depth: Int
    ) throws(Refusal) -> ArraySlice<UInt8> {
        let tag = try DataSetReader.tag(&reader)
        guard tag.group != 0xFFFE else {
            throw Refusal(.imageInvalid, "a delimiter stands where an element should be")
        }
        var representation = "UN"
        var length: UInt32
        if explicit {
            let letters = try reader.take(2, "a value representation")
            representation = String(decoding: letters, as: UTF8.self)
            if DataSetReader.longForms.contains(representation) {
                _ = try reader.take(2, "reserved bytes")
                length = try reader.littleEndian(UInt32.self, "a length")
            } else if DataSetReader.shortForms.contains(representation) {
                length = UInt32(try reader.littleEndian(UInt16.self, "a length"))
            } else {
                throw Refusal(.imageInvalid, "element \(tag) has an unknown value representation")
            }
        } else {
            length = try reader.littleEndian(UInt32.self, "a length")
        }
        guard length == DataSetReader.undefinedLength else {
            guard Int(length) <= reader.remaining else {
                throw Refusal(
                    .imageInvalid,
                    "truncated: element \(tag) claims \(length) bytes, \(reader.remaining) are left")
            }
            let value = try reader.take(Int(length), "a value")
            guard representation == "SQ" else { return value }
            var inner = ByteReader(value, refusing: .imageInvalid)
            while !inner.isAtEnd { try item(&inner, explicit: explicit, depth: depth + 1) }
            return []
        }
        if tag == .pixelData {
            throw Refusal(.imageInvalid, "the pixel data are encapsulated, which this transfer syntax does not allow")
        }
        guard representation == "SQ" || representation == "UN" else {
            throw Refusal(.imageInvalid, "element \(tag) has an undefined length, which only sequences may have")
        }
        // PS3.5 section 6.2.2: an unknown value of undefined length is a sequence in Implicit VR Little Endian.
        let explicitItems = explicit && representation == "SQ"
        while try !takeDelimiter(.sequenceEnd, &reader) {
            try item(&reader, explicit: explicitItems, depth: depth + 1)
        }
        return []
    }

    private func item(_ reader: inout ByteReader, explicit: Bool, depth: Int) throws(Refusal) {
        guard depth <= DataSetReader.maximumDepth else {
            throw Refusal(.imageInvalid, "sequences are nested deeper than \(DataSetReader.maximumDepth)")
        }
        guard try DataSetReader.tag(&reader) == .item else {
            throw Refusal(.imageInvalid, "a sequence holds something that is not an item")
        }
        let length = try reader.littleEndian(UInt32.self, "an item's length")
        if length == DataSetReader.undefinedLength {
            while try !takeDelimiter(.itemEnd, &reader) {
                _ = try element(&reader, explicit: explicit, depth: depth)
            }
        } else {
            guard Int(length) <= reader.remaining else {
                throw Refusal(.imageInvalid, "truncated: an item claims \(length) bytes, \(reader.remaining) are left")
            }
            var inner = ByteReader(try reader.take(Int(length), "an item"), refusing: .imageInvalid)
            while !inner.isAtEnd { _ = try element(&inner, explicit: explicit, depth: depth) }
        }
    }

    /// Consumes a delimiter if it is next.
    private func takeDelimiter(_ delimiter: Tag, _ reader: inout ByteReader) throws(Refusal) -> Bool {
        var ahead = reader
        guard try DataSetReader.tag(&ahead) == delimiter else { return false }
        let length = try ahead.littleEndian(UInt32.self, "a delimiter's length")
        guard length == 0 else { throw Refusal(.imageInvalid, "a delimiter has a length") }
        reader = ahead
        return true
    }
}
