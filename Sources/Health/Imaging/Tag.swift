/// The name of a DICOM data element: group and element number.
struct Tag: Hashable, Comparable, CustomStringConvertible {
    var group: UInt16
    var element: UInt16

    init(_ group: UInt16, _ element: UInt16) {
        self.group = group
        self.element = element
    }

    static func < (left: Tag, right: Tag) -> Bool {
        (left.group, left.element) < (right.group, right.element)
    }

    /// For example `(0028,0010)`.
    var description: String { "(\(Tag.hex(group)),\(Tag.hex(element)))" }

    private static func hex(_ value: UInt16) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}

extension Tag {
    static let metaGroupLength = Tag(0x0002, 0x0000)
    static let transferSyntax = Tag(0x0002, 0x0010)
    static let sopClass = Tag(0x0008, 0x0016)
    static let sopInstance = Tag(0x0008, 0x0018)
    static let modality = Tag(0x0008, 0x0060)
    static let sliceThickness = Tag(0x0018, 0x0050)
    static let studyInstance = Tag(0x0020, 0x000D)
    static let seriesInstance = Tag(0x0020, 0x000E)
    static let samplesPerPixel = Tag(0x0028, 0x0002)
    static let photometricInterpretation = Tag(0x0028, 0x0004)
    static let numberOfFrames = Tag(0x0028, 0x0008)
    static let rows = Tag(0x0028, 0x0010)
    static let columns = Tag(0x0028, 0x0011)
    static let pixelSpacing = Tag(0x0028, 0x0030)
    static let bitsAllocated = Tag(0x0028, 0x0100)
    static let bitsStored = Tag(0x0028, 0x0101)
    static let highBit = Tag(0x0028, 0x0102)
    static let pixelRepresentation = Tag(0x0028, 0x0103)
    static let windowCenter = Tag(0x0028, 0x1050)
    static let windowWidth = Tag(0x0028, 0x1051)
    static let rescaleIntercept = Tag(0x0028, 0x1052)
    static let rescaleSlope = Tag(0x0028, 0x1053)
    static let voiLUTFunction = Tag(0x0028, 0x1056)
    static let modalityLUTSequence = Tag(0x0028, 0x3000)
    static let sharedFunctionalGroups = Tag(0x5200, 0x9229)
    static let perFrameFunctionalGroups = Tag(0x5200, 0x9230)
    static let floatPixelData = Tag(0x7FE0, 0x0008)
    static let doublePixelData = Tag(0x7FE0, 0x0009)
    static let pixelData = Tag(0x7FE0, 0x0010)
    static let item = Tag(0xFFFE, 0xE000)
    static let itemEnd = Tag(0xFFFE, 0xE00D)
    static let sequenceEnd = Tag(0xFFFE, 0xE0DD)
}
