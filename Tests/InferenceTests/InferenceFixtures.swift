import Encoding
import Foundation
import Imaging
import TestSupport

@testable import Inference

/// What the tests of this target share.
enum Fixtures {
    static let hasLibrary = ProjectFolders.onnxRuntime != nil
    static let needsLibrary: Comment = "needs the ONNX Runtime library of the set-up"
    typealias Comment = String

    static let names = ["brain-stripped-256", "brain-head-256", "brain-odd-size"]

    static func runtime() throws -> ONNXRuntime {
        try ONNXRuntime.load(library: ProjectFolders.onnxRuntime?.path ?? "")
    }

    static func model(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: ProjectFolders.models.appending(path: name)))
    }

    static func session(_ model: [UInt8], _ options: ONNXSession.Options = .init()) throws -> ONNXSession {
        try ONNXSession(model: model, expected: Digest(of: model), runtime: runtime(), options: options)
    }

    static func brain(_ name: String = "brain-delineation.onnx") throws -> BrainDelineation {
        try BrainDelineation(session(model(name)))
    }

    static func slice(_ name: String) throws -> Slice {
        let bytes = [UInt8](try Data(contentsOf: ProjectFolders.samples.appending(path: "\(name).dcm")))
        let image = try DICOMFile(parsing: bytes).greyImage()
        let input = image.modelInput()
        return try Slice(
            rows: input.rows, columns: input.columns, paddedRows: input.paddedRows, paddedColumns: input.paddedColumns,
            values: input.values, rowSpacing: image.pixelSpacing?.row ?? 0,
            columnSpacing: image.pixelSpacing?.column ?? 0,
            thickness: image.sliceThickness ?? 0)
    }

    /// A slice of one value whose padding is right.
    static func slice(rows: Int, columns: Int, value: Float = 1) throws(Refusal) -> Slice {
        let padded = ((rows + 15) / 16 * 16, (columns + 15) / 16 * 16)
        return try Slice(
            rows: rows, columns: columns, paddedRows: padded.0, paddedColumns: padded.1,
            values: [Float](repeating: value, count: padded.0 * padded.1), rowSpacing: 1, columnSpacing: 1, thickness: 1
        )
    }

    /// The bytes of a NumPy array of unsigned bytes.
    static func labels(_ name: String) throws -> [UInt8] {
        let bytes = [UInt8](try Data(contentsOf: ProjectFolders.samples.appending(path: "\(name).expected-labels.npy")))
        let header = Int(bytes[8]) | Int(bytes[9]) << 8
        return Array(bytes[(10 + header)...])
    }
}
