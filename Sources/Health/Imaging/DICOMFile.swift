public import Encoding

/// A DICOM Part 10 file in a native little-endian transfer syntax, read with every length checked.
///
/// Refused on purpose: files without preamble or meta information (their syntax would be a guess), and every
/// compressed, deflated or big-endian syntax, by its standard name. No refusal repeats a value from the file.
///
/// - Source: DICOM PS3.10 section 7, PS3.5 sections 6 and 7; threat model AC-128.
public struct DICOMFile: Sendable {
    /// Files beyond this are refused before they are read: 64 MiB.
    public static let maximumBytes = 64 * 1_048_576

    public let transferSyntax: TransferSyntax
    private let elements: [Tag: ArraySlice<UInt8>]

    /// - Throws: `image-invalid`; `too-large`.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= DICOMFile.maximumBytes else {
            throw Refusal(.tooLarge, "an image file has at most \(DICOMFile.maximumBytes) bytes")
        }
        guard bytes.count >= 132, bytes[128..<132].elementsEqual("DICM".utf8) else {
            throw Refusal(.imageInvalid, "this is not a DICOM file (no preamble followed by DICM)")
        }
        // The meta group is explicit little endian, whatever the data set uses.
        var metaReader = DataSetReader(bytes[132...], isExplicit: true)
        let meta = try metaReader.elements(upTo: 0x0002)
        guard meta.keys.allSatisfy({ $0.group == 0x0002 }) else {
            throw Refusal(.imageInvalid, "the file meta information has an element of another group")
        }
        guard let uid = DICOMFile.text(meta[.transferSyntax]) else {
            throw Refusal(.imageInvalid, "the file has no meta information that names a transfer syntax")
        }
        if let length = meta[.metaGroupLength] {
            var reader = ByteReader(length, refusing: .imageInvalid)
            let claimed = try reader.littleEndian(UInt32.self, "the meta information's length")
            // The length counts what follows its own element, which takes 12 bytes.
            guard Int(claimed) == metaReader.rest.startIndex - 132 - 12 else {
                throw Refusal(.imageInvalid, "the meta information's length is not the one it claims")
            }
        }
        let syntax = TransferSyntax(uid: uid)
        guard syntax == .explicitLittleEndian || syntax == .implicitLittleEndian else {
            throw Refusal(
                .imageInvalid,
                "transfer syntax \(syntax) cannot be read; send Explicit or Implicit VR Little Endian")
        }
        var reader = DataSetReader(metaReader.rest, isExplicit: syntax == .explicitLittleEndian)
        transferSyntax = syntax
        elements = try reader.elements()
    }

    /// The UID of a kind of object, for example MR Image Storage.
    public var sopClassUID: String? { uid(.sopClass) }
    public var sopInstanceUID: String? { uid(.sopInstance) }
    public var studyInstanceUID: String? { uid(.studyInstance) }
    public var seriesInstanceUID: String? { uid(.seriesInstance) }

    /// For example `MR`; nil when it is not a code string.
    public var modality: String? {
        guard let text = text(.modality), (1...16).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x5F })
        else { return nil }
        return text
    }

    // MARK: Values

    func has(_ tag: Tag) -> Bool { elements[tag] != nil }

    func bytes(_ tag: Tag) -> ArraySlice<UInt8>? { elements[tag] }

    func text(_ tag: Tag) -> String? { DICOMFile.text(elements[tag]) }

    private func uid(_ tag: Tag) -> String? {
        guard let text = text(tag), (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E })
        else { return nil }
        return text
    }

    /// An unsigned short with exactly one value; nil when the element is absent or empty.
    func unsignedShort(_ tag: Tag) throws(Refusal) -> Int? {
        guard let bytes = elements[tag], !bytes.isEmpty else { return nil }
        guard bytes.count == 2 else { throw Refusal(.imageInvalid, "element \(tag) is not one 16-bit number") }
        return Int(bytes[bytes.startIndex]) | Int(bytes[bytes.startIndex + 1]) << 8
    }

    /// The decimal strings of an element; nil when it is absent or empty.
    func decimals(_ tag: Tag) throws(Refusal) -> [Double]? {
        guard let bytes = elements[tag], bytes.contains(where: { $0 != 0x20 && $0 != 0 }) else { return nil }
        // A decimal string has at most 16 characters (PS3.5 section 6.2); a few windows are usual, thousands are not.
        guard bytes.count <= 1_024 else { throw Refusal(.imageInvalid, "element \(tag) has too many values") }
        var values: [Double] = []
        for part in bytes.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false) {
            guard let text = DICOMFile.text(part), text.utf8.allSatisfy(DICOMFile.isDecimal), let value = Double(text),
                value.isFinite
            else { throw Refusal(.imageInvalid, "element \(tag) is not a decimal number") }
            values.append(value)
        }
        return values
    }

    /// `Double` alone would also take `inf`, `nan` and hexadecimal.
    private static func isDecimal(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    /// Printable ASCII without the padding on either side; nil for an absent or empty value or other characters.
    private static func text(_ bytes: ArraySlice<UInt8>?) -> String? {
        guard var bytes else { return nil }
        while let last = bytes.last, last == 0x20 || last == 0 { bytes.removeLast() }
        while bytes.first == 0x20 { bytes.removeFirst() }
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
