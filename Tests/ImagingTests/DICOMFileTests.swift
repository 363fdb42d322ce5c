import Encoding
import Testing

@testable import Imaging

@Suite struct `A DICOM file` {
    /// The refusal that reading `bytes` as an image ends in; nil when it can be read.
    private func refusal(_ bytes: [UInt8]) -> Refusal? {
        do throws(Refusal) {
            _ = try DICOMFile(parsing: bytes).greyImage()
            return nil
        } catch {
            return error
        }
    }

    @Test func `is read in both native little-endian syntaxes`() throws {
        var builder = DICOMBuilder.small
        builder.set(.modality, "CS", "MR")
        builder.set(.sopInstance, "UI", "1.2.3.4")
        let explicit = try DICOMFile(parsing: builder.bytes)
        builder.isExplicit = false
        builder.transferSyntax = TransferSyntax.implicitLittleEndian.uid
        let implicit = try DICOMFile(parsing: builder.bytes)
        let image = try explicit.greyImage()
        #expect(image.stored == [0, 1, 2, 3, 4, 5])
        #expect(image.rows == 2)
        #expect(image.columns == 3)
        #expect(try implicit.greyImage() == image)
        #expect(explicit.modality == "MR")
        #expect(implicit.sopInstanceUID == "1.2.3.4")
        #expect(explicit.studyInstanceUID == nil)
    }

    @Test(
        "AC-128 what is not a DICOM file is refused",
        arguments: [
            [], Array("hello".utf8), [UInt8](repeating: 0x41, count: 5_000), Array("%PDF-1.7\n".utf8),
            [0x89, 0x50, 0x4E, 0x47] + [UInt8](repeating: 0, count: 300),
        ])
    func notDICOM(_ bytes: [UInt8]) {
        let refusal = refusal(bytes)
        #expect(refusal?.code == .imageInvalid)
        #expect(refusal?.detail.contains("not a DICOM file") == true)
    }

    @Test(
        "AC-128 a transfer syntax that cannot be read is refused by its standard name",
        arguments: [
            ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
            ("1.2.840.10008.1.2.2", "Explicit VR Big Endian"), ("1.2.840.10008.1.2.5", "RLE Lossless"),
            ("1.2.840.10008.1.2.4.50", "JPEG Baseline"), ("1.2.840.10008.1.2.4.90", "JPEG 2000"),
            ("1.2.840.10008.1.2.4.100", "MPEG2"), ("1.2.3.4.5", "not in the standard"),
        ])
    func syntax(_ uid: String, _ name: String) {
        var builder = DICOMBuilder.small
        builder.transferSyntax = uid
        let refusal = refusal(builder.bytes)
        #expect(refusal?.code == .imageInvalid)
        #expect(refusal?.detail.contains(name) == true)
    }

    @Test func `a file without meta information is refused instead of guessed at`() {
        let whole = DICOMBuilder.small.bytes
        // Twelve bytes of group length and 28 of the transfer syntax stand before the data set.
        #expect(refusal(Array(whole[..<132]) + Array(whole[160...]))?.code == .imageInvalid)
        var builder = DICOMBuilder.small
        builder.preamble = []
        #expect(refusal(builder.bytes)?.code == .imageInvalid)
        builder = .small
        builder.metaLength = 20
        #expect(refusal(builder.bytes)?.detail.contains("meta information") == true)
        #expect(refusal(Array(whole[..<132]))?.code == .imageInvalid)
    }

    @Test func `an upload that was cut off anywhere is refused`() {
        let whole = DICOMBuilder.small.bytes
        #expect(refusal(whole) == nil)
        for count in 0..<whole.count {
            #expect(refusal(Array(whole[..<count]))?.code == .imageInvalid, "cut after \(count) bytes")
        }
    }

    @Test func `no byte that is changed makes the reader trap`() {
        let whole = DICOMBuilder.small.bytes
        for index in 128..<whole.count {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFE, 0xFF] {
                var bytes = whole
                bytes[index] = value
                if let refusal = refusal(bytes) { #expect(refusal.code == .imageInvalid) }
            }
        }
    }

    @Test func `random bytes after the preamble do not make the reader trap`() {
        var state: UInt64 = 7
        for _ in 0..<2_000 {
            var bytes = Array(DICOMBuilder.small.bytes.prefix(160))
            for _ in 0..<64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(UInt8(truncatingIfNeeded: state >> 56))
            }
            #expect(refusal(bytes)?.code == .imageInvalid)
        }
    }

    @Test func `a length that claims more than is there is refused`() {
        var builder = DICOMBuilder.small
        builder.remove(.pixelData)
        builder.tail = DICOMBuilder.element(.pixelData, "OW", [0, 0], explicit: true, length: 0x7FFF_FFFF)
        #expect(refusal(builder.bytes)?.detail.contains("truncated") == true)
    }

    @Test func `elements out of order or twice are refused`() {
        var builder = DICOMBuilder.small
        builder.tail = DICOMBuilder.element(.rows, "US", [9, 0], explicit: true)
        #expect(refusal(builder.bytes)?.detail.contains("must rise") == true)
        builder = .small
        builder.elements.insert(builder.elements[2], at: 2)
        #expect(refusal(builder.bytes)?.detail.contains("must rise") == true)
    }

    @Test func `an unknown value representation is refused`() {
        var builder = DICOMBuilder.small
        builder.set(Tag(0x0010, 0x0010), "ZZ", "x")
        #expect(refusal(builder.bytes)?.detail.contains("value representation") == true)
    }

    @Test func `trailing padding is allowed`() {
        var builder = DICOMBuilder.small
        builder.tail = DICOMBuilder.element(Tag(0xFFFC, 0xFFFC), "OB", [0, 0, 0, 0], explicit: true)
        #expect(refusal(builder.bytes) == nil)
    }

    @Test func `a file beyond the size limit is refused before it is read`() {
        #expect(refusal([UInt8](repeating: 0, count: DICOMFile.maximumBytes + 1))?.code == .tooLarge)
    }

    // MARK: Sequences

    private static let sequence = Tag(0x0008, 0x1140)

    private func nested(_ depth: Int, undefined: Bool) -> [UInt8] {
        var content: [UInt8] = []
        for _ in 0..<depth {
            if undefined {
                content =
                    DICOMBuilder.element(Self.sequence, "SQ", [], explicit: true, length: .max)
                    + DICOMBuilder.item(.item, content, length: .max) + DICOMBuilder.item(.itemEnd)
                    + DICOMBuilder.item(.sequenceEnd)
            } else {
                content = DICOMBuilder.element(
                    Self.sequence, "SQ", DICOMBuilder.item(.item, content), explicit: true)
            }
        }
        return content
    }

    @Test(arguments: [true, false]) func `sequences are skipped up to a depth`(_ undefined: Bool) {
        let start =
            DICOMBuilder.small.bytes.count
            - DICOMBuilder.small.elements.reduce(0) { sum, element in
                sum + DICOMBuilder.element(element.tag, element.representation, element.value, explicit: true).count
            }
        let whole = DICOMBuilder.small.bytes
        func file(_ sequence: [UInt8]) -> [UInt8] { Array(whole[..<start]) + sequence + Array(whole[start...]) }
        #expect(refusal(file(nested(1, undefined: undefined))) == nil)
        #expect(refusal(file(nested(16, undefined: undefined))) == nil)
        #expect(refusal(file(nested(17, undefined: undefined)))?.detail.contains("nested deeper") == true)
    }

    @Test("AC-128 very deep sequences are refused without exhausting the stack") func deep() {
        var builder = DICOMBuilder.small
        builder.elements = []
        for _ in 0..<20_000 {
            builder.tail += DICOMBuilder.element(Self.sequence, "SQ", [], explicit: true, length: .max)
            builder.tail += DICOMBuilder.item(.item, length: .max)
        }
        #expect(refusal(builder.bytes)?.detail.contains("nested deeper") == true)
    }

    @Test func `sequences whose lengths lie are refused`() {
        var builder = DICOMBuilder.small
        builder.elements = []
        let wrong: [[UInt8]] = [
            // An item longer than its sequence.
            DICOMBuilder.element(
                Self.sequence, "SQ", DICOMBuilder.item(.item, [0, 0], length: 200), explicit: true),
            // No end.
            DICOMBuilder.element(Self.sequence, "SQ", [], explicit: true, length: .max),
            // Something that is not an item.
            DICOMBuilder.element(Self.sequence, "SQ", DICOMBuilder.item(.itemEnd), explicit: true),
            // An undefined length on text.
            DICOMBuilder.element(Tag(0x0010, 0x4000), "UT", [], explicit: true, length: .max),
            // A delimiter on its own.
            DICOMBuilder.item(.sequenceEnd),
            // A delimiter with a length.
            DICOMBuilder.element(Self.sequence, "SQ", [], explicit: true, length: .max)
                + DICOMBuilder.item(.sequenceEnd, length: 8),
        ]
        for bytes in wrong {
            builder.tail = bytes
            #expect(refusal(builder.bytes)?.code == .imageInvalid)
        }
    }

    @Test func `an unknown value of undefined length is walked as implicit items`() throws {
        let inner = DICOMBuilder.element(Tag(0x0008, 0x0100), "SH", Array("AB".utf8), explicit: false)
        let start = DICOMBuilder.element(Tag(0x0009, 0x1001), "UN", [], explicit: true, length: .max)
        var builder = DICOMBuilder()
        builder.tail = start + DICOMBuilder.item(.item, inner) + DICOMBuilder.item(.sequenceEnd)
        builder.tail += DICOMBuilder.small.elements.flatMap {
            DICOMBuilder.element($0.tag, $0.representation, $0.value, explicit: true)
        }
        #expect(try DICOMFile(parsing: builder.bytes).greyImage().rows == 2)
    }
}
