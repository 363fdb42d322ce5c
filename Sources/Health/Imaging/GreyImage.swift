/// Distance of neighbouring pixel centres, in millimetres.
public struct PixelSpacing: Sendable, Hashable {
    /// Between neighbouring rows (down a column).
    public var row: Double
    /// Between neighbouring columns (along a row).
    public var column: Double

    public init(row: Double, column: Double) {
        self.row = row
        self.column = column
    }
}

/// One grey image: stored values and what turns them into measurements. Holds nothing else of its file, so that what is
/// made from it names nobody.
public struct GreyImage: Sendable, Hashable {
    public let rows: Int
    public let columns: Int
    /// Row by row; masked or sign-extended to the stored bits, not inverted.
    public let stored: [Int32]
    public let bitsStored: Int
    public let isSigned: Bool
    /// MONOCHROME1: low means white.
    public let isInverted: Bool
    public let slope: Double
    public let intercept: Double
    /// Nil when the file does not say.
    public let pixelSpacing: PixelSpacing?
    /// In millimetres; nil when the file does not say.
    public let sliceThickness: Double?
    /// The file's first display window, over rescaled values.
    public let window: DisplayWindow?

    /// The stored value as if the image were MONOCHROME2.
    func monochrome2(_ value: Int32) -> Int32 {
        guard isInverted else { return value }
        // The mirror image within the stored range: 2^bits - 1 - v, or -1 - v for two's complement.
        return isSigned ? -1 - value : Int32((Int64(1) << Int64(bitsStored)) - 1 - Int64(value))
    }
}

/// The largest and smallest values are checked to be finite as `Float` where a `GreyImage` is made.
extension GreyImage {
    /// Exactly what the brain model takes: rescaled values before any window, zeros added at the right and bottom up to
    /// the next multiple of 16.
    ///
    /// - Source: the model's card, section Contract.
    public func modelInput() -> ModelInput {
        let paddedRows = ModelInput.padded(rows)
        let paddedColumns = ModelInput.padded(columns)
        var values = [Float](repeating: 0, count: paddedRows * paddedColumns)
        for row in 0..<rows {
            for column in 0..<columns {
                let value = Double(monochrome2(stored[row * columns + column])) * slope + intercept
                values[row * paddedColumns + column] = Float(value)
            }
        }
        return ModelInput(
            rows: rows, columns: columns, paddedRows: paddedRows, paddedColumns: paddedColumns, values: values)
    }
}

/// A padded image as the brain model takes it.
public struct ModelInput: Sendable, Hashable {
    /// Of the image, before padding.
    public let rows: Int
    public let columns: Int
    /// Multiples of 16.
    public let paddedRows: Int
    public let paddedColumns: Int
    /// `paddedRows` × `paddedColumns` values, row by row.
    public let values: [Float]

    static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}
