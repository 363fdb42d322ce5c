import Encoding
import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite struct `The samples` {
    struct Manifest: Decodable {
        struct Sample: Decodable {
            var file: String
            var rows: Int
            var columns: Int
            var pixel_sha256: String
        }
        struct Copy: Decodable {
            var file: String
            var transfer_syntax: String
        }
        var samples: [Sample]
        var same_pixels_as_brain_head_256: [Copy]
    }

    static func manifest() throws -> Manifest {
        try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: ProjectFolders.samples.appending(path: "manifest.json")))
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: ProjectFolders.samples.appending(path: name)))
    }

    private func pixelDigest(_ image: GreyImage) -> String {
        var bytes: [UInt8] = []
        for value in image.stored { bytes.appendLittleEndian(UInt16(truncatingIfNeeded: value)) }
        return Digest(of: bytes).hex
    }

    @Test func `have the pixels of the manifest`() throws {
        let manifest = try Self.manifest()
        #expect(manifest.samples.count == 3)
        for sample in manifest.samples {
            let image = try DICOMFile(parsing: Self.bytes(sample.file)).greyImage()
            #expect(image.rows == sample.rows)
            #expect(image.columns == sample.columns)
            #expect(pixelDigest(image) == sample.pixel_sha256, "\(sample.file)")
            #expect(image.pixelSpacing == PixelSpacing(row: 1, column: 1))
            #expect(image.sliceThickness == 1)
            #expect(image.window != nil)
            #expect(image.rendered().max() == 255)
        }
    }

    @Test("AC-128 in other transfer syntaxes are read with equal pixels or refused by name")
    func transferSyntaxes() throws {
        let manifest = try Self.manifest()
        let head = try DICOMFile(parsing: Self.bytes("brain-head-256.dcm")).greyImage()
        var read: [String] = []
        for copy in manifest.same_pixels_as_brain_head_256 {
            let bytes = try Self.bytes("transfer-syntaxes/\(copy.file)")
            do throws(Refusal) {
                let image = try DICOMFile(parsing: bytes).greyImage()
                #expect(image == head)
                read.append(copy.file)
            } catch {
                let name = try #require(TransferSyntax(uid: copy.transfer_syntax).name)
                #expect(error.code == .imageInvalid)
                #expect(error.detail.contains(name), "\(copy.file): \(error.detail)")
            }
        }
        #expect(read == ["implicit-le.dcm"])
    }

    @Test func `say which study they belong to`() throws {
        let file = try DICOMFile(parsing: Self.bytes("brain-head-256.dcm"))
        #expect(file.modality == "MR")
        #expect(file.sopClassUID == "1.2.840.10008.5.1.4.1.1.4")
        #expect(file.studyInstanceUID != nil)
        #expect(file.seriesInstanceUID != nil)
        #expect(file.sopInstanceUID != nil)
    }

    /// Cuts and mutates a real file in many places; it is read or refused, and never traps.
    @Test func `damaged in many ways are read or refused`() throws {
        let whole = try Self.bytes("brain-odd-size.dcm")
        var state: UInt64 = 3
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        for _ in 0..<80 {
            var bytes = whole
            for _ in 0..<3 { bytes[128 + next() % 1_400] = UInt8(next() & 0xFF) }
            do throws(Refusal) {
                let image = try DICOMFile(parsing: bytes).greyImage()
                #expect(image.stored.count == image.rows * image.columns)
            } catch {
                #expect(error.code == .imageInvalid)
            }
        }
    }
}
