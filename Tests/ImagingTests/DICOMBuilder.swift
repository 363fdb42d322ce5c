import Encoding

@testable import Imaging

/// Swift Testing has a `Tag` too.
typealias Tag = Imaging.Tag

/// Writes DICOM files, right ones and ones that are wrong in one way.
struct DICOMBuilder {
    var isExplicit = true
    var transferSyntax = TransferSyntax.explicitLittleEndian.uid
    var preamble = [UInt8](repeating: 0, count: 128)
    var magic = Array("DICM".utf8)
    /// Overrides the true length of the meta information.
    var metaLength: UInt32?
    var elements: [(tag: Tag, representation: String, value: [UInt8])] = []
    /// Appended as it is after the elements.
    var tail: [UInt8] = []

    /// A 2 × 3 image of 12 bits in 16 whose pixels are 0 to 5.
    static var small: DICOMBuilder {
        var builder = DICOMBuilder()
        builder.set(.samplesPerPixel, us: 1)
        builder.set(.photometricInterpretation, "CS", "MONOCHROME2")
        builder.set(.rows, us: 2)
        builder.set(.columns, us: 3)
        builder.set(.bitsAllocated, us: 16)
        builder.set(.bitsStored, us: 12)
        builder.set(.highBit, us: 11)
        builder.set(.pixelRepresentation, us: 0)
        builder.set(.pixelData, "OW", [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0])
        return builder
    }

    mutating func set(_ tag: Tag, _ representation: String, _ value: [UInt8]) {
        remove(tag)
        elements.append((tag, representation, value))
        elements.sort { $0.tag < $1.tag }
    }

    mutating func set(_ tag: Tag, us value: UInt16) {
        set(tag, "US", [UInt8(value & 0xFF), UInt8(value >> 8)])
    }

    mutating func set(_ tag: Tag, _ representation: String, _ text: String) {
        set(tag, representation, Array(text.utf8) + (text.utf8.count.isMultiple(of: 2) ? [] : [0x20]))
    }

    mutating func remove(_ tag: Tag) { elements.removeAll { $0.tag == tag } }

    var bytes: [UInt8] {
        var uid = Array(transferSyntax.utf8)
        if !uid.count.isMultiple(of: 2) { uid.append(0) }
        let syntax = DICOMBuilder.element(.transferSyntax, "UI", uid, explicit: true)
        var length: [UInt8] = []
        length.appendLittleEndian(metaLength ?? UInt32(syntax.count))
        let meta = DICOMBuilder.element(.metaGroupLength, "UL", length, explicit: true) + syntax
        let body = elements.flatMap { DICOMBuilder.element($0.tag, $0.representation, $0.value, explicit: isExplicit) }
        return preamble + magic + meta + body + tail
    }

    /// - Parameter length: overrides the true length.
    static func element(
        _ tag: Tag, _ representation: String, _ value: [UInt8], explicit: Bool, length: UInt32? = nil
    ) -> [UInt8] {
        var bytes = name(tag)
        let length = length ?? UInt32(value.count)
        if explicit {
            bytes += representation.utf8
            if ["OB", "OW", "SQ", "UN", "UT"].contains(representation) {
                bytes += [0, 0]
                bytes.appendLittleEndian(length)
            } else {
                bytes.appendLittleEndian(UInt16(truncatingIfNeeded: length))
            }
        } else {
            bytes.appendLittleEndian(length)
        }
        return bytes + value
    }

    static func name(_ tag: Tag) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(tag.group)
        bytes.appendLittleEndian(tag.element)
        return bytes
    }

    /// An item or a delimiter: tag, length, content.
    static func item(_ tag: Tag, _ content: [UInt8] = [], length: UInt32? = nil) -> [UInt8] {
        var bytes = name(tag)
        bytes.appendLittleEndian(length ?? UInt32(content.count))
        return bytes + content
    }
}
