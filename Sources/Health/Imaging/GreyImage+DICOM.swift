public import Encoding

extension DICOMFile {
    /// The one grey image in the file.
    ///
    /// - Throws: `image-invalid` when there is none, when there is more than one frame or sample, when the header
    ///   does not fit the pixel data, or when a value cannot be a measurement.
    /// - Source: DICOM PS3.3 C.7.6.3, C.11.1; PS3.5 section 8.
    public func greyImage() throws(Refusal) -> GreyImage {
        guard let pixels = bytes(.pixelData) else {
            throw Refusal(.imageInvalid, "the file holds no image: it has no pixel data (7FE0,0010)")
        }
        let format = try pixelFormat()
        let (rows, columns) = try size()
        let expected = rows * columns * format.bitsAllocated / 8
        // An odd number of bytes is padded to an even one.
        guard pixels.count == expected || (!expected.isMultiple(of: 2) && pixels.count == expected + 1) else {
            throw Refusal(
                .imageInvalid,
                "\(rows) rows of \(columns) pixels need \(expected) bytes, the pixel data have \(pixels.count)")
        }
        let (slope, intercept) = try rescale(format)
        return GreyImage(
            rows: rows, columns: columns, stored: format.values(pixels.prefix(expected)), bitsStored: format.bitsStored,
            isSigned: format.isSigned, isInverted: try isInverted(), slope: slope, intercept: intercept,
            pixelSpacing: try pixelSpacing(), sliceThickness: try positive(.sliceThickness, "slice thickness"),
            window: try window())
    }

    private func size() throws(Refusal) -> (rows: Int, columns: Int) {
        guard let rows = try unsignedShort(.rows), let columns = try unsignedShort(.columns), rows > 0, columns > 0
        else {
            throw Refusal(.imageInvalid, "the image has no rows or no columns")
        }
        if let frames = text(.numberOfFrames) {
            guard let count = Int(frames), count == 1 else {
                throw Refusal(.imageInvalid, "the file has not exactly one frame; send one slice")
            }
        }
        return (rows, columns)
    }

    private func isInverted() throws(Refusal) -> Bool {
        guard try unsignedShort(.samplesPerPixel) ?? 1 == 1 else {
            throw Refusal(.imageInvalid, "the image has colours; a grey image is needed")
        }
        switch text(.photometricInterpretation) {
        case "MONOCHROME1": return true
        case "MONOCHROME2": return false
        case nil: throw Refusal(.imageInvalid, "the image does not say how its values are shown (0028,0004)")
        default:
            throw Refusal(.imageInvalid, "the image is neither MONOCHROME1 nor MONOCHROME2; a grey image is needed")
        }
    }

    private func pixelFormat() throws(Refusal) -> PixelFormat {
        guard let allocated = try unsignedShort(.bitsAllocated) else {
            throw Refusal(.imageInvalid, "the image does not say its bits allocated (0028,0100)")
        }
        let stored = try unsignedShort(.bitsStored) ?? allocated
        let highBit = try unsignedShort(.highBit) ?? stored - 1
        guard [8, 16, 32].contains(allocated) else {
            throw Refusal(.imageInvalid, "bits allocated is \(allocated); 8, 16 and 32 can be read")
        }
        // The largest stored value must fit 32 bits with a sign.
        guard (1...min(allocated, 31)).contains(stored), highBit == stored - 1 else {
            throw Refusal(.imageInvalid, "bits stored, bits allocated and high bit do not fit each other")
        }
        let representation = try unsignedShort(.pixelRepresentation) ?? 0
        guard representation <= 1 else {
            throw Refusal(.imageInvalid, "the pixel representation is neither unsigned nor two's complement")
        }
        return PixelFormat(bitsAllocated: allocated, bitsStored: stored, isSigned: representation == 1)
    }

    /// Slope and intercept, checked so that every possible value is finite as `Float`.
    private func rescale(_ format: PixelFormat) throws(Refusal) -> (slope: Double, intercept: Double) {
        guard !has(.modalityLUTSequence) else {
            throw Refusal(.imageInvalid, "the image has a modality look-up table, which cannot be read")
        }
        let isEnhanced = has(.sharedFunctionalGroups) || has(.perFrameFunctionalGroups)
        guard !isEnhanced else {
            throw Refusal(.imageInvalid, "enhanced multi-frame objects cannot be read; send one classic slice")
        }
        let slope = try single(.rescaleSlope) ?? 1
        let intercept = try single(.rescaleIntercept) ?? 0
        let largest = Double(Int64(1) << Int64(format.bitsStored)) * slope.magnitude + intercept.magnitude
        guard slope != 0, largest.isFinite, Float(largest).isFinite else {
            throw Refusal(.imageInvalid, "rescale slope and intercept make values that are no numbers")
        }
        return (slope, intercept)
    }

    private func pixelSpacing() throws(Refusal) -> PixelSpacing? {
        guard let values = try decimals(.pixelSpacing) else { return nil }
        guard values.count == 2, values.allSatisfy(DICOMFile.millimetres.contains) else {
            throw Refusal(.imageInvalid, "the pixel spacing is not two lengths in millimetres")
        }
        return PixelSpacing(row: values[0], column: values[1])
    }

    /// What a distance inside a head can be.
    private static let millimetres = 0.001...1_000.0

    private func positive(_ tag: Tag, _ name: String) throws(Refusal) -> Double? {
        guard let value = try single(tag) else { return nil }
        guard DICOMFile.millimetres.contains(value) else {
            throw Refusal(.imageInvalid, "the \(name) is not a length in millimetres")
        }
        return value
    }

    private func single(_ tag: Tag) throws(Refusal) -> Double? {
        guard let values = try decimals(tag) else { return nil }
        guard values.count == 1, let value = values.first else {
            throw Refusal(.imageInvalid, "element \(tag) has more than one value")
        }
        return value
    }

    private func window() throws(Refusal) -> DisplayWindow? {
        guard let centre = try decimals(.windowCenter)?.first, let width = try decimals(.windowWidth)?.first else {
            return nil
        }
        let function: DisplayWindow.Function
        switch text(.voiLUTFunction) {
        case nil, "LINEAR": function = .linear
        case "LINEAR_EXACT": function = .linearExact
        case "SIGMOID": function = .sigmoid
        default: return nil
        }
        // A window that the standard does not allow is only a display hint: the image is shown over its whole range.
        return DisplayWindow(centre: centre, width: width, function: function)
    }
}

/// How stored values lie in the pixel data.
struct PixelFormat {
    var bitsAllocated: Int
    var bitsStored: Int
    var isSigned: Bool

    /// The stored values; bits above the stored ones may hold anything and are dropped.
    func values(_ bytes: ArraySlice<UInt8>) -> [Int32] {
        let step = bitsAllocated / 8
        let unused = UInt32(32 - bitsStored)
        var values: [Int32] = []
        values.reserveCapacity(bytes.count / step)
        for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: step) {
            var word: UInt32 = 0
            for byte in bytes[start..<start + step].reversed() { word = word << 8 | UInt32(byte) }
            word <<= unused
            values.append(isSigned ? Int32(bitPattern: word) >> Int32(unused) : Int32(bitPattern: word >> unused))
        }
        return values
    }
}
