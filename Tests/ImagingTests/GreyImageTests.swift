import Encoding
import Testing

@testable import Imaging

@Suite struct `A grey image` {
    private func image(_ change: (inout DICOMBuilder) -> Void) throws(Refusal) -> GreyImage {
        var builder = DICOMBuilder.small
        change(&builder)
        return try DICOMFile(parsing: builder.bytes).greyImage()
    }

    private func refusal(_ change: (inout DICOMBuilder) -> Void) -> Refusal? {
        do throws(Refusal) {
            _ = try image(change)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "AC-128 headers that do not fit the pixel data are refused",
        arguments: [
            ("more rows than pixels", Tag.rows, [UInt8]([3, 0])), ("fewer rows than pixels", .rows, [1, 0]),
            ("no rows", .rows, [0, 0]), ("huge rows and columns", .columns, [0xFF, 0xFF]),
            ("rows of four bytes", .rows, [2, 0, 0, 0]), ("one bit a pixel", .bitsAllocated, [1, 0]),
            ("12 bits allocated", .bitsAllocated, [12, 0]), ("64 bits allocated", .bitsAllocated, [64, 0]),
            ("more bits stored than allocated", .bitsStored, [17, 0]), ("no bits stored", .bitsStored, [0, 0]),
            ("a high bit of its own", .highBit, [15, 0]), ("an unknown representation", .pixelRepresentation, [2, 0]),
            ("three samples a pixel", .samplesPerPixel, [3, 0]),
        ])
    func headerLies(_ what: String, _ tag: Tag, _ value: [UInt8]) {
        #expect(refusal { $0.set(tag, "US", value) }?.code == .imageInvalid, "\(what)")
    }

    @Test("AC-128 a frame count that is not one is refused", arguments: ["2", "0", "-1", "999999999999999999999", "x"])
    func frames(_ count: String) {
        #expect(refusal { $0.set(.numberOfFrames, "IS", count) }?.detail.contains("one frame") == true)
        #expect(refusal { $0.set(.numberOfFrames, "IS", "1") } == nil)
    }

    @Test func `a file without pixel data is no image`() {
        #expect(refusal { $0.remove(.pixelData) }?.detail.contains("no image") == true)
        #expect(refusal { $0.remove(.rows) }?.code == .imageInvalid)
        #expect(refusal { $0.remove(.bitsAllocated) }?.code == .imageInvalid)
        #expect(refusal { $0.remove(.photometricInterpretation) }?.code == .imageInvalid)
    }

    @Test func `colours and look-up tables are refused`() {
        #expect(refusal { $0.set(.photometricInterpretation, "CS", "PALETTE COLOR") }?.code == .imageInvalid)
        #expect(refusal { $0.set(.photometricInterpretation, "CS", "RGB") }?.code == .imageInvalid)
        #expect(refusal { $0.set(.modalityLUTSequence, "SQ", [UInt8]()) }?.detail.contains("look-up table") == true)
        #expect(refusal { $0.set(.sharedFunctionalGroups, "SQ", [UInt8]()) }?.detail.contains("enhanced") == true)
    }

    @Test func `encapsulated pixel data in a native syntax are refused`() {
        let refusal = refusal { builder in
            builder.remove(.pixelData)
            builder.tail =
                DICOMBuilder.element(.pixelData, "OB", [], explicit: true, length: .max)
                + DICOMBuilder.item(.item) + DICOMBuilder.item(.sequenceEnd)
        }
        #expect(refusal?.detail.contains("encapsulated") == true)
    }

    @Test func `an odd number of bytes has one byte of padding`() throws {
        func odd(_ bytes: [UInt8]) throws(Refusal) -> GreyImage {
            try image { builder in
                builder.set(.bitsAllocated, us: 8)
                builder.set(.bitsStored, us: 8)
                builder.set(.highBit, us: 7)
                builder.set(.rows, us: 1)
                builder.set(.pixelData, "OB", bytes)
            }
        }
        #expect(try odd([1, 2, 3, 0]).stored == [1, 2, 3])
        #expect(try odd([1, 2, 3]).stored == [1, 2, 3])
        #expect(throws: Refusal.self) { try odd([1, 2, 3, 0, 0]) }
        #expect(throws: Refusal.self) { try odd([1, 2]) }
    }

    @Test func `bits above the stored ones are dropped and signs extended`() throws {
        let bytes: [UInt8] = [0xFF, 0xFF, 0x00, 0xF0, 0xFF, 0x07, 0x00, 0x08, 0x01, 0xF8, 0x00, 0x00]
        #expect(try image { $0.set(.pixelData, "OW", bytes) }.stored == [4_095, 0, 2_047, 2_048, 2_049, 0])
        let signed = try image { builder in
            builder.set(.pixelData, "OW", bytes)
            builder.set(.pixelRepresentation, us: 1)
        }
        #expect(signed.stored == [-1, 0, 2_047, -2_048, -2_047, 0])
    }

    @Test func `32-bit values are read`() throws {
        let wide = try image { builder in
            builder.set(.bitsAllocated, us: 32)
            builder.set(.bitsStored, us: 31)
            builder.set(.highBit, us: 30)
            builder.set(.rows, us: 1)
            builder.set(.pixelData, "OW", [0xFF, 0xFF, 0xFF, 0x7F, 1, 0, 0, 0, 0, 0, 1, 0])
        }
        #expect(wide.stored == [Int32.max, 1, 65_536])
        #expect(wide.modelInput().values[0] == Float(Int32.max))
    }

    @Test func `the model's input is rescaled, inverted where needed, and padded with zeros`() throws {
        let plain = try image { builder in
            builder.set(.rescaleSlope, "DS", "2.5")
            builder.set(.rescaleIntercept, "DS", "-1")
        }.modelInput()
        #expect(plain.paddedRows == 16)
        #expect(plain.paddedColumns == 16)
        #expect(plain.values.count == 256)
        #expect(plain.values[0..<4] == [-1, 1.5, 4, 0])
        #expect(plain.values[16..<20] == [6.5, 9, 11.5, 0])
        #expect(plain.values[32...].allSatisfy { $0 == 0 })
        let inverted = try image { $0.set(.photometricInterpretation, "CS", "MONOCHROME1") }.modelInput()
        #expect(inverted.values[0..<3] == [4_095, 4_094, 4_093])
        let signed = try image { builder in
            builder.set(.photometricInterpretation, "CS", "MONOCHROME1")
            builder.set(.pixelRepresentation, us: 1)
        }.modelInput()
        #expect(signed.values[0..<3] == [-1, -2, -3])
    }

    @Test(arguments: [(1, 16), (16, 16), (17, 32), (233, 240), (197, 208)])
    func `sides are padded to the next multiple of 16`(_ side: Int, _ padded: Int) {
        #expect(ModelInput.padded(side) == padded)
    }

    @Test(
        "AC-127 rescale values that make no numbers are refused",
        arguments: [
            "0", "1e300", "inf", "nan", "0x10", "1 2", "", "1\\2", "-",
        ])
    func rescale(_ slope: String) {
        let refusal = refusal { $0.set(.rescaleSlope, "DS", slope) }
        if slope.isEmpty { #expect(refusal == nil) } else { #expect(refusal?.code == .imageInvalid) }
        #expect(self.refusal { $0.set(.rescaleIntercept, "DS", "9e99") }?.code == .imageInvalid)
    }

    @Test func `spacing and thickness are read in millimetres`() throws {
        let image = try image { builder in
            builder.set(.pixelSpacing, "DS", "0.5\\0.75")
            builder.set(.sliceThickness, "DS", "1.2")
        }
        #expect(image.pixelSpacing == PixelSpacing(row: 0.5, column: 0.75))
        #expect(image.sliceThickness == 1.2)
        for wrong in ["1", "1\\2\\3", "0\\1", "-1\\1", "1\\1e9"] {
            #expect(refusal { $0.set(.pixelSpacing, "DS", wrong) }?.code == .imageInvalid)
        }
        #expect(refusal { $0.set(.sliceThickness, "DS", "0") }?.code == .imageInvalid)
        #expect(refusal { $0.set(.sliceThickness, "DS", String(repeating: "1\\", count: 600) + "1") } != nil)
    }

    // MARK: Display

    @Test func `the display window follows the standard`() throws {
        let linear = try #require(DisplayWindow(centre: 2_048, width: 4_096))
        #expect(linear.level(0) == 0)
        #expect(linear.level(4_095) == 1)
        #expect(abs(linear.level(2_047.5) - 0.5) < 1e-12)
        let step = try #require(DisplayWindow(centre: 10, width: 1))
        #expect(step.level(9.5) == 0)
        #expect(step.level(9.6) == 1)
        let exact = try #require(DisplayWindow(centre: 10, width: 4, function: .linearExact))
        #expect(exact.level(8) == 0)
        #expect(exact.level(11) == 0.75)
        #expect(exact.level(12) == 1)
        let sigmoid = try #require(DisplayWindow(centre: 10, width: 4, function: .sigmoid))
        #expect(sigmoid.level(10) == 0.5)
        #expect(DisplayWindow(centre: 0, width: 0.5) == nil)
        #expect(DisplayWindow(centre: 0, width: 0, function: .linearExact) == nil)
        #expect(DisplayWindow(centre: .infinity, width: 1) == nil)
    }

    @Test func `an image without a window is shown over its whole range`() throws {
        #expect(try image { _ in }.rendered() == [0, 51, 102, 153, 204, 255])
        let inverted = try image { $0.set(.photometricInterpretation, "CS", "MONOCHROME1") }
        #expect(inverted.rendered() == [255, 204, 153, 102, 51, 0])
        #expect(
            try image { $0.set(.pixelData, "OW", [UInt8](repeating: 7, count: 12)) }.rendered() == [
                128, 128, 128, 128, 128, 128,
            ])
    }

    @Test func `the file's first window is used`() throws {
        let windowed = try image { builder in
            builder.set(.windowCenter, "DS", "2.5\\100")
            builder.set(.windowWidth, "DS", "2\\50")
        }
        #expect(windowed.rendered() == [0, 0, 128, 255, 255, 255])
    }

    @Test func `no refusal repeats what the file says`() {
        let canary = "CANARY^ZEBRA"
        for tag in [Tag.photometricInterpretation, .rescaleSlope, .pixelSpacing, .numberOfFrames, .sliceThickness] {
            let refusal = refusal { $0.set(tag, "DS", canary) }
            #expect(refusal?.code == .imageInvalid)
            #expect(refusal?.detail.contains("CANARY") == false)
        }
        var builder = DICOMBuilder.small
        builder.transferSyntax = canary
        let refusal = #expect(throws: Refusal.self) { try DICOMFile(parsing: builder.bytes) }
        #expect(refusal?.detail.contains("CANARY") == false)
    }
}
