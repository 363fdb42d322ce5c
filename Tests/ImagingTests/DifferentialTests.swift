import Encoding
import Foundation
import TestSupport
import Testing

@testable import Imaging

/// The Python of the set-up, used where another implementation gives a second opinion.
enum Python {
    /// Runs a script and returns what it printed, without the last line break.
    static func run(_ script: String, _ arguments: [String] = []) throws -> String {
        let python = try #require(ProjectFolders.python)
        let process = Process()
        process.executableURL = python
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// Whether a module can be imported.
    static func has(_ module: String) -> Bool {
        guard let python = ProjectFolders.python else { return false }
        let process = Process()
        process.executableURL = python
        process.arguments = ["-c", "import \(module)"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

@Suite struct `Against pydicom` {
    struct Answer: Decodable {
        var file: String
        var rows: Int
        var columns: Int
        var signed: Bool
        var bits: Int
        /// SHA-256 of the stored values as little-endian 32-bit numbers.
        var digest: String
    }

    /// Every file of pydicom's test data: what one grey frame in a native little-endian syntax holds.
    private static let script = """
        import glob, hashlib, json, os, pydicom, numpy, warnings
        warnings.simplefilter('ignore')
        folder = os.path.join(os.path.dirname(pydicom.__file__), 'data', 'test_files')
        for path in sorted(glob.glob(folder + '/**/*', recursive=True)):
            if not os.path.isfile(path):
                continue
            answer = {'file': path, 'rows': 0, 'columns': 0, 'signed': False, 'bits': 0, 'digest': ''}
            try:
                data = pydicom.dcmread(path)
                syntax = data.file_meta.TransferSyntaxUID
                if syntax in ('1.2.840.10008.1.2', '1.2.840.10008.1.2.1') and data.get('SamplesPerPixel', 1) == 1 \\
                        and int(data.get('NumberOfFrames', 1) or 1) == 1 and 'PixelData' in data:
                    values = data.pixel_array
                    if values.ndim == 2:
                        stored = data.BitsStored
                        signed = data.PixelRepresentation == 1
                        values = values.astype(numpy.int64) & ((1 << stored) - 1)
                        if signed:
                            values = numpy.where(values >> (stored - 1) == 1, values - (1 << stored), values)
                        answer = {'file': path, 'rows': data.Rows, 'columns': data.Columns, 'signed': signed,
                                  'bits': stored, 'digest': hashlib.sha256(values.astype('<i4').tobytes()).hexdigest()}
            except Exception:
                pass
            print(json.dumps(answer))
        """

    @Test(.enabled(if: Python.has("pydicom"), "needs pydicom in the Python of the set-up"))
    func `grey native slices have the same stored values, and every other file is refused or read without a trap`()
        throws
    {
        let lines = try Python.run(Self.script).split(separator: "\n")
        var equal = 0
        var refused: [String] = []
        for line in lines {
            let answer = try JSONDecoder().decode(Answer.self, from: Data(line.utf8))
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: answer.file)))
            let name = URL(filePath: answer.file).lastPathComponent
            do throws(Refusal) {
                let image = try DICOMFile(parsing: bytes).greyImage()
                guard !answer.digest.isEmpty else { continue }
                var values: [UInt8] = []
                for value in image.stored { values.appendLittleEndian(value) }
                #expect(image.rows == answer.rows && image.columns == answer.columns, "\(name)")
                #expect(image.isSigned == answer.signed && image.bitsStored == answer.bits, "\(name)")
                #expect(Digest(of: values).hex == answer.digest, "\(name)")
                equal += 1
            } catch {
                #expect(error.code == .imageInvalid, "\(name)")
                if !answer.digest.isEmpty { refused.append(name) }
            }
        }
        #expect(lines.count > 100)
        #expect(equal >= 30, "only \(equal) files were compared")
        // More pixel data than pixels, a palette, one bit a pixel, 32 stored bits without a sign: refused on purpose.
        let expected = ["MR_small_padded.dcm", "examples_palette.dcm", "liver_1frame.dcm", "rtdose_1frame.dcm"]
        #expect(refused.sorted() == expected)
    }
}
