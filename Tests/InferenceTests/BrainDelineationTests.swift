import Encoding
import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.enabled(if: Fixtures.hasLibrary, "needs the ONNX Runtime library of the set-up"))
struct `The brain model` {
    @Test(arguments: Fixtures.names) func `labels a sample as expected`(_ name: String) async throws {
        let slice = try Fixtures.slice(name)
        let expected = try Fixtures.labels(name)
        let delineation = try await Fixtures.brain().delineate(slice)
        #expect(delineation.labels.count == slice.rows * slice.columns)
        let equal = zip(delineation.labels, expected).count { $0 == $1 }
        #expect(Double(equal) >= 0.999 * Double(expected.count), "\(expected.count - equal) labels differ")
        // Spacing and thickness of the samples are 1 mm, so a pixel is a microlitre.
        for (label, volume) in [(1, delineation.csf), (2, delineation.grey), (3, delineation.white)] {
            let counted = Double(delineation.labels.count { $0 == label }) / 1_000
            #expect(abs(volume - counted) < 0.001)
        }
    }

    @Test(arguments: Fixtures.names) func `of 8-bit integers labels a sample nearly as expected`(_ name: String)
        async throws
    {
        let expected = try Fixtures.labels(name)
        let delineation = try await Fixtures.brain("brain-delineation-int8.onnx").delineate(Fixtures.slice(name))
        let equal = zip(delineation.labels, expected).count { $0 == $1 }
        // The card: at most 0.13 % differ from the float model; without VNNI a little more may.
        #expect(Double(equal) >= 0.997 * Double(expected.count), "\(expected.count - equal) labels differ")
    }

    @Test func `gives the same labels whatever the threads and the neighbours`() async throws {
        let model = try Fixtures.model("brain-delineation.onnx")
        let brain = try BrainDelineation(Fixtures.session(model, .init(intraOpThreads: 2, lanes: 2)))
        let slice = try Fixtures.slice("brain-odd-size")
        let expected = try await Fixtures.brain().delineate(slice).labels
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<4 { group.addTask { try await brain.delineate(slice).labels } }
            for try await labels in group { #expect(labels == expected) }
        }
    }

    @Test("AC-127 slices that break the contract are refused before the model sees them") func hostileSlices() {
        func refusal(
            rows: Int = 16, columns: Int = 16, paddedRows: Int = 16, paddedColumns: Int = 16, count: Int = 256,
            value: Float = 1, spacing: Double = 1, thickness: Double = 1
        ) -> RefusalCode? {
            do throws(Refusal) {
                _ = try Slice(
                    rows: rows, columns: columns, paddedRows: paddedRows, paddedColumns: paddedColumns,
                    values: [Float](repeating: value, count: count), rowSpacing: spacing, columnSpacing: spacing,
                    thickness: thickness)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(refusal() == nil)
        for value in [Float.nan, .infinity, -.infinity] { #expect(refusal(value: value) == .inputInvalid) }
        #expect(refusal(rows: 17) == .inputInvalid)
        #expect(refusal(rows: 0) == .inputInvalid)
        #expect(refusal(rows: -5) == .inputInvalid)
        #expect(refusal(rows: .max) == .inputInvalid)
        #expect(refusal(paddedRows: 32, count: 512) == .inputInvalid)
        #expect(refusal(paddedRows: 4_096, count: 0) == .tooLarge)
        #expect(refusal(paddedColumns: .max, count: 0) == .tooLarge)
        #expect(refusal(count: 255) == .inputInvalid)
        #expect(refusal(count: 0) == .inputInvalid)
        for length in [0, -1, .nan, .infinity, 1e9] {
            #expect(refusal(spacing: length) == .inputInvalid)
            #expect(refusal(thickness: length) == .inputInvalid)
        }
    }

    @Test("AC-056 an answer that is not one label a pixel is refused") func answers() async throws {
        let brain = try Fixtures.brain()
        let slice = try Fixtures.slice(rows: 20, columns: 10)
        let right = [UInt8](repeating: 3, count: 32 * 16)
        #expect(try brain.crop(Tensor(shape: [1, 32, 16], .uint8(right)), to: slice).count == 200)
        let wrong: [Tensor] = [
            try Tensor(shape: [1, 16, 32], .uint8(right)), try Tensor(shape: [32, 16], .uint8(right)),
            try Tensor(shape: [2, 32, 16], .uint8(right + right)),
            try Tensor(shape: [1, 32, 16], .float32([Float](repeating: 0, count: 512))),
            try Tensor(shape: [1, 32, 16], .uint8([UInt8](repeating: 4, count: 512))),
        ]
        for answer in wrong {
            let refusal = #expect(throws: Refusal.self) { try brain.crop(answer, to: slice) }
            #expect(refusal?.code == .outputShape)
        }
        // And through a model that answers one pixel whatever comes in.
        let other = try BrainDelineation(Fixtures.session(ONNXBuilder.onePixel))
        let refusal = await #expect(throws: Refusal.self) { try await other.delineate(slice) }
        #expect(refusal?.code == .outputShape)
    }

    @Test func `is not a model with other inputs and outputs`() throws {
        let refusal = #expect(throws: Refusal.self) { try BrainDelineation(Fixtures.session(ONNXBuilder.identity)) }
        #expect(refusal?.code == .modelInvalid)
    }

    @Test func `takes the largest slice that is allowed`() async throws {
        let slice = try Fixtures.slice(rows: 1, columns: 2_048)
        #expect(try await Fixtures.brain().delineate(slice).labels.count == 2_048)
    }

    @Test(.enabled(if: PythonRuntime.isAvailable, "needs onnxruntime in the Python of the set-up"))
    func `gives the labels that Python's onnxruntime gives`() async throws {
        let folder = try TemporaryFolder()
        for name in Fixtures.names {
            let slice = try Fixtures.slice(name)
            let file = folder.url.appending(path: "\(name).raw")
            try slice.values.withUnsafeBytes { Data($0) }.write(to: file)
            for model in ["brain-delineation.onnx", "brain-delineation-int8.onnx"] {
                let digest = try PythonRuntime.labels(
                    model: ProjectFolders.models.appending(path: model), input: file, slice)
                let labels = try await Fixtures.brain(model).delineate(slice).labels
                #expect(Digest(of: labels).hex == digest, "\(name), \(model)")
            }
        }
    }
}

/// The reference runtime in the Python of the set-up.
enum PythonRuntime {
    static let isAvailable =
        (try? run(["-c", "import onnxruntime; assert onnxruntime.__version__ == '1.31.1'"])) != nil

    /// SHA-256 of the cropped labels.
    static func labels(model: URL, input: URL, _ slice: Slice) throws -> String {
        let script = """
            import hashlib, sys, numpy, onnxruntime
            rows, columns, height, width = map(int, sys.argv[3:])
            image = numpy.fromfile(sys.argv[2], '<f4').reshape(1, 1, height, width)
            session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
            labels = session.run(['labels'], {'image': image})[0][0, :rows, :columns]
            print(hashlib.sha256(labels.tobytes()).hexdigest())
            """
        return try run(
            ["-c", script, model.path, input.path]
                + [slice.rows, slice.columns, slice.paddedRows, slice.paddedColumns].map(String.init))
    }

    private static func run(_ arguments: [String]) throws -> String {
        struct Failure: Error {}
        guard let python = ProjectFolders.python else { throw Failure() }
        let process = Process()
        process.executableURL = python
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure() }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
