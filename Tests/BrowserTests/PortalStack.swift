import Encoding
import Foundation
import TestSupport
import Testing

/// One installation, started by `cloister up`, that the browsers of this suite talk to.
final class PortalStack: Sendable {
    let state: URL
    let portal: String
    let platform: String
    /// The one clerk, whose account the first test that needs it opens.
    let clerk = Clerk()
    private let folder: TemporaryFolder

    @TaskLocal static var current: PortalStack?

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private init(folder: TemporaryFolder, state: URL) throws {
        self.folder = folder
        self.state = state
        let endpoints = try JSON.parse([UInt8](try Data(contentsOf: state.appending(path: "endpoints.json"))))
        guard let portal = endpoints["portal"]?["url"]?.string, let platform = endpoints["platform"]?["url"]?.string
        else { throw Failure(description: "endpoints.json names no portal or platform") }
        self.portal = portal
        self.platform = platform
    }

    static func start() async throws -> PortalStack {
        let folder = try TemporaryFolder()
        let state = folder.url.appending(path: "s")
        let run = try await cloister(
            "up", "--state", state.path, "--detach", "--json", "--project", ProjectFolders.root.path)
        guard run.status == 0 else {
            throw Failure(description: run.errors + String(decoding: run.output, as: UTF8.self))
        }
        return try PortalStack(folder: folder, state: state)
    }

    func stop() async throws {
        _ = try await PortalStack.cloister("down", "--state", state.path)
    }

    /// The one-time secret for the hospital's first account.
    func enrolmentSecret() throws -> String {
        let file = state.appending(path: "hospital/enrolment-secret")
        return String(decoding: try Data(contentsOf: file), as: UTF8.self).trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    /// Runs the command line to its end.
    static func cloister(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(ProjectFolders.executables.appending(path: "cloister"), arguments)
    }

    /// Starts the command line and leaves it running.
    static func start(_ arguments: [String], log: URL) throws -> SpawnedProcess {
        try SpawnedProcess.start(ProjectFolders.executables.appending(path: "cloister"), arguments, log: log)
    }
}

/// The account that all tests of one installation share.
actor Clerk {
    let user = "clerk"
    let password = Base64.encodeURL(Randomness.system.bytes(18))
    var hasAccount = false

    func opened() { hasAccount = true }
}

/// Runs a suite's tests around one installation.
struct WithPortalStack: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let stack = try await PortalStack.start()
        do {
            try await PortalStack.$current.withValue(stack) { try await function() }
        } catch {
            try? await stack.stop()
            throw error
        }
        try await stack.stop()
    }
}

extension Trait where Self == WithPortalStack {
    static var withPortalStack: Self { Self() }
}
