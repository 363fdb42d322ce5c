public import Foundation

/// Where tests find things that are not part of a target's own folder.
public enum ProjectFolders {
    /// The root of this checkout.
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The demonstration models that the project ships.
    public static let models = root.appending(path: "Models")

    /// The sample images that the project ships.
    public static let samples = root.appending(path: "Samples")

    /// Pinned tools that the set-up fetched: the ONNX Runtime library and the Python environment of the tests.
    public static let tools = root.appending(path: ".tools")

    /// Python with the packages of `Scripts/test-requirements.txt`; nil when the set-up has not made it.
    public static var python: URL? {
        let python = tools.appending(path: "venv/bin/python3")
        return FileManager.default.isExecutableFile(atPath: python.path) ? python : nil
    }

    /// The pinned ONNX Runtime library; nil when the set-up has not fetched it.
    public static var onnxRuntime: URL? {
        let library = tools.appending(path: "onnxruntime/libonnxruntime.so.1.31.1")
        return FileManager.default.fileExists(atPath: library.path) ? library : nil
    }

    /// The folder with this build's executables, beside the test bundle.
    public static var executables: URL {
        // The bundle is `<products>/NAME.xctest`; both runners are started with its path as an argument.
        for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
            return URL(filePath: argument).deletingLastPathComponent()
        }
        return Bundle.main.bundleURL
    }
}

/// Recorded evidence and expected verdicts that lie beside the project and are never copied into it.
public enum Vectors {
    /// The folder, from `CLOISTER_VECTORS` or `../shared/vectors` beside the checkout.
    public static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["CLOISTER_VECTORS"] { return URL(filePath: path) }
        return ProjectFolders.root.deletingLastPathComponent().appending(path: "shared/vectors")
    }()

    /// Whether the folder is there; tests that need it are skipped, visibly, where it is not.
    public static var available: Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: "expected.json").path)
    }

    /// The bytes of one file, by its path inside the folder.
    public static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: path)))
    }
}

/// A folder for one test, removed when the value goes away.
public final class TemporaryFolder: Sendable {
    public let url: URL

    public init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "cloister-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}
