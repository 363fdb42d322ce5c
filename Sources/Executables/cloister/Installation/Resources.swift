import Encoding
import FoundationEssentials

/// The programs, and the files that come with the project.
struct Resources: Sendable {
    let executables: String
    /// Nil when it was not found; only `diagnostics` needs it.
    let onnxRuntime: String?
    /// The folder with `Portal`, `Models` and `Samples`.
    let project: String

    private static let runtimeName = "libonnxruntime.so.1.31.1"

    init(executables: String?, onnxRuntime: String?, project: String?) throws(CommandFailure) {
        let environment = ProcessInfo.processInfo.environment
        let own = Resources.ownFolder
        self.executables = executables.map(Files.absolute) ?? own
        let candidates = [project, environment["CLOISTER_PROJECT"]].compactMap { $0 }.map(Files.absolute)
        let searched =
            candidates.isEmpty
            ? Resources.ancestors(of: FileManager.default.currentDirectoryPath)
                + Resources.ancestors(of: self.executables)
                + [Files.folder(of: self.executables) + "/share/cloister"]
            : candidates
        guard let found = searched.first(where: { Files.exists($0 + "/Portal") && Files.exists($0 + "/Models") }) else {
            throw .usage(
                "the folder with Portal, Models and Samples was not found",
                advice: "run this in the project's folder, or name it with --project DIR")
        }
        self.project = found
        let libraries = [onnxRuntime, environment["CLOISTER_ONNXRUNTIME"]].compactMap { $0 }.map(Files.absolute)
        if let named = libraries.first {
            guard Files.exists(named) else { throw .usage("there is no ONNX Runtime library at \(named)") }
            self.onnxRuntime = named
        } else {
            self.onnxRuntime = ([found] + searched).map { $0 + "/.tools/onnxruntime/" + Resources.runtimeName }
                .first(where: Files.exists)
        }
    }

    func executable(_ name: String) throws(CommandFailure) -> String {
        let path = executables + "/" + name
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw .usage(
                "\(name) is not in \(executables)",
                advice: "build it with `swift build`, or name its folder with --executables")
        }
        return path
    }

    var portal: String { project + "/Portal" }
    var model: String { project + "/Models/brain-delineation.onnx" }
    var sampleImage: String { project + "/Samples/brain-head-256.dcm" }

    func requireRuntime() throws(CommandFailure) -> String {
        guard let onnxRuntime else {
            throw .usage(
                "the ONNX Runtime library \(Resources.runtimeName) was not found",
                advice: "fetch it with `make setup`, or name it with --onnxruntime FILE")
        }
        return onnxRuntime
    }

    /// The folder of the running program.
    static var ownFolder: String {
        let link =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return Files.folder(of: Files.absolute(link))
    }

    private static func ancestors(of folder: String) -> [String] {
        var folders: [String] = []
        var current = folder
        while current != "/", folders.count < 16 {
            folders.append(current)
            current = Files.folder(of: current)
        }
        return folders
    }
}
