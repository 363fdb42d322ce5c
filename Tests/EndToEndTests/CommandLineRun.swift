import Encoding
import Foundation
import TestSupport

/// One run of the built command line.
enum CommandLineRun {
    /// Runs `cloister` and waits for its end.
    static func cloister(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(ProjectFolders.executables.appending(path: "cloister"), arguments)
    }
}

extension ProgramRun {
    /// The standard output as JSON.
    var json: JSON? { try? JSON.parse(output) }
}
