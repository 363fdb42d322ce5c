import ArgumentParser
import Encoding
import FoundationEssentials

/// `--json`.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON document instead of text.")
    var json = false

    var terminal: Terminal { Terminal(json: json) }
}

/// `--state`.
struct StateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder with everything of one installation; it may be deleted as a whole.", valueName: "DIR"))
    var state: String?

    /// The chosen folder, else `CLOISTER_STATE`, else one under the user's state folder.
    func folder() throws(CommandFailure) -> StateFolder {
        let environment = ProcessInfo.processInfo.environment
        if let state = state ?? environment["CLOISTER_STATE"] { return StateFolder(path: Files.absolute(state)) }
        if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") {
            return StateFolder(path: base + "/cloister")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw .usage("there is no home folder to keep the state in", advice: "name one with --state DIR")
        }
        return StateFolder(path: home + "/.local/state/cloister")
    }
}

/// Where the programs and the files beside them are.
struct ResourceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder with the services' executables.", valueName: "DIR"))
    var executables: String?

    @Option(help: ArgumentHelp("The pinned ONNX Runtime library.", valueName: "FILE"))
    var onnxruntime: String?

    @Option(help: ArgumentHelp("The folder with Portal, Models and Samples.", valueName: "DIR"))
    var project: String?

    func resources() throws(CommandFailure) -> Resources {
        try Resources(executables: executables, onnxRuntime: onnxruntime, project: project)
    }
}
