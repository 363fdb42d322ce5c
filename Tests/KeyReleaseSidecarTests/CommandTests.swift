import Foundation
import TestSupport
import Testing

/// The executable, with its documented command line.
struct CommandTests {
    let executable = ProjectFolders.executables.appending(path: "key-release-sidecar")

    @Test("AC-004 without a device and without -simulator it ends at once and says why")
    func noDevice() async throws {
        guard !FileManager.default.fileExists(atPath: "/dev/sev-guest") else { return }
        let run = try await ProgramRun.run(executable, ["-port", "0", "-loglevel=error", "-server_type", "http"])
        #expect(run.status == 1)
        #expect(run.errors.contains("-simulator"))
    }

    @Test func `wrong options and configurations end it`() async throws {
        for arguments in [
            ["-port", "70000"], ["-base64", "%"], ["--base64", "e30x"], ["-release_roots", "/nonexistent"],
        ] {
            let run = try await ProgramRun.run(executable, arguments)
            #expect(run.status == 1, "\(arguments)")
            #expect(run.errors.contains("insecure-configuration"), "\(arguments) \(run.errors)")
        }
        #expect(try await ProgramRun.run(executable, ["-loglevel", "loud"]).status == 64)
        #expect(try await ProgramRun.run(executable, ["-unknown"]).status == 64)
    }
}
