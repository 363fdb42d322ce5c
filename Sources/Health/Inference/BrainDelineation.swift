public import Encoding

/// The brain-delineation model behind its contract: one slice in, one label a pixel out.
///
/// - Source: `Models/README.md`; threat model AC-056 and AC-127.
public struct BrainDelineation: Sendable {
    /// Names of the labels 0 to 3.
    public static let classes = ["background", "csf", "grey_matter", "white_matter"]

    /// The longest side of a padded slice.
    public static let maximumSide = 2_048

    private let session: ONNXSession

    /// - Throws: `model-invalid` unless the model has the documented input and output.
    public init(_ session: ONNXSession) throws(Refusal) {
        let image = session.inputs.first { $0.name == "image" }
        let labels = session.outputs.first { $0.name == "labels" }
        guard session.inputs.count == 1, image?.type == .float32, image?.shape.count == 4, labels?.type == .uint8,
            labels?.shape.count == 3
        else { throw Refusal(.modelInvalid, "the model's inputs and outputs are not those of brain delineation") }
        self.session = session
    }

    /// SHA-256 of the model's bytes.
    public var modelDigest: Digest { session.digest }

    /// Labels every pixel and adds up the volumes.
    ///
    /// Only `labels` is asked for: the probabilities of a slice would be sixteen times as large, and tell more about
    /// the model than the result needs (AC-129).
    ///
    /// - Throws: `input-invalid` for a slice that breaks the contract; `output-shape` when the model answers anything
    ///   but one label a pixel; `too-many`; `time-limit`.
    public func delineate(_ slice: Slice, timeLimit: Duration = .seconds(30)) async throws(Refusal) -> Delineation {
        let tensor = try Tensor(shape: [1, 1, slice.paddedRows, slice.paddedColumns], .float32(slice.values))
        let answer = try await session.run(["image": tensor], outputs: ["labels"], timeLimit: timeLimit)
        guard let labels = answer.first, answer.count == 1 else {
            throw Refusal(.outputShape, "the model did not answer with one label map")
        }
        return Delineation(labels: try crop(labels, to: slice), slice: slice)
    }

    /// Takes the padding off again; anything but one known label a pixel is refused.
    func crop(_ answer: Tensor, to slice: Slice) throws(Refusal) -> [UInt8] {
        guard answer.shape == [1, slice.paddedRows, slice.paddedColumns], case .uint8(let padded) = answer.elements,
            padded.count == slice.paddedRows * slice.paddedColumns
        else { throw Refusal(.outputShape, "the label map does not have the shape of the slice") }
        guard padded.allSatisfy({ $0 < BrainDelineation.classes.count }) else {
            throw Refusal(.outputShape, "the label map has a label that is no class")
        }
        var labels: [UInt8] = []
        labels.reserveCapacity(slice.rows * slice.columns)
        for row in 0..<slice.rows {
            let start = row * slice.paddedColumns
            labels += padded[start..<start + slice.columns]
        }
        return labels
    }
}

/// One slice as the model takes it: checked, so that it cannot be wrong.
public struct Slice: Sendable, Hashable {
    /// Of the image, before padding.
    public let rows: Int
    public let columns: Int
    /// Multiples of 16.
    public let paddedRows: Int
    public let paddedColumns: Int
    /// Row by row, padded; finite.
    public let values: [Float]
    /// Distance of neighbouring rows and of neighbouring columns, millimetres.
    public let rowSpacing: Double
    public let columnSpacing: Double
    /// Millimetres.
    public let thickness: Double

    /// - Throws: `input-invalid`; `too-large` for a side beyond `BrainDelineation.maximumSide`.
    public init(
        rows: Int, columns: Int, paddedRows: Int, paddedColumns: Int, values: [Float], rowSpacing: Double,
        columnSpacing: Double, thickness: Double
    ) throws(Refusal) {
        guard paddedRows <= BrainDelineation.maximumSide, paddedColumns <= BrainDelineation.maximumSide else {
            throw Refusal(.tooLarge, "a slice has at most \(BrainDelineation.maximumSide) rows and columns")
        }
        guard rows > 0, columns > 0, paddedRows == Slice.padded(rows), paddedColumns == Slice.padded(columns) else {
            throw Refusal(.inputInvalid, "the slice is not padded to the next multiple of 16")
        }
        guard values.count == paddedRows * paddedColumns else {
            throw Refusal(.inputInvalid, "the slice does not have one value per pixel")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw Refusal(.inputInvalid, "the slice holds a value that is not a finite number")
        }
        guard [rowSpacing, columnSpacing, thickness].allSatisfy((0.001...1_000).contains) else {
            throw Refusal(.inputInvalid, "pixel spacing and slice thickness are 0.001 to 1000 millimetres")
        }
        self.rows = rows
        self.columns = columns
        self.paddedRows = paddedRows
        self.paddedColumns = paddedColumns
        self.values = values
        self.rowSpacing = rowSpacing
        self.columnSpacing = columnSpacing
        self.thickness = thickness
    }

    private static func padded(_ count: Int) -> Int {
        // Beyond any side that passes the check before; keeps the sum from overflowing.
        guard count <= BrainDelineation.maximumSide else { return -1 }
        return (count + 15) / 16 * 16
    }
}

/// What the model found in a slice.
public struct Delineation: Sendable, Hashable {
    /// One label a pixel, row by row, without padding.
    public let labels: [UInt8]
    /// In millilitres: pixels of the label × pixel area × slice thickness, to 0.001.
    public let csf: Double
    public let grey: Double
    public let white: Double

    init(labels: [UInt8], slice: Slice) {
        self.labels = labels
        var counts = [0, 0, 0, 0]
        for label in labels { counts[Int(label) & 3] += 1 }
        let millilitresPerPixel = slice.rowSpacing * slice.columnSpacing * slice.thickness / 1_000
        func volume(_ label: Int) -> Double { (Double(counts[label]) * millilitresPerPixel * 1_000).rounded() / 1_000 }
        csf = volume(1)
        grey = volume(2)
        white = volume(3)
    }
}
