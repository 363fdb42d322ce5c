import Encoding
import Foundation
import ServiceKit
import TestSupport
import Testing

@testable import cloister

/// All services of one installation as real processes, with one clerk's account.
final class RunningStack: Sendable {
    let state: StateFolder
    let client: Client
    let user = "clerk"
    let password = Base64.encodeURL(Randomness.system.bytes(18))
    private let folder: TemporaryFolder

    @TaskLocal static var current: RunningStack?

    private init(folder: TemporaryFolder) throws {
        self.folder = folder
        state = StateFolder(path: folder.url.path + "/s")
        client = try Client(authorities: state.certificateAuthority)
    }

    /// Starts everything and opens the clerk's account.
    static func start() async throws -> RunningStack {
        let folder = try TemporaryFolder()
        let run = try await CommandLineRun.cloister("up", "--state", folder.url.path + "/s", "--detach", "--json")
        guard run.status == 0 else { throw StackFailure(run.errors + String(decoding: run.output, as: UTF8.self)) }
        let stack = try RunningStack(folder: folder)
        let clerk = try stack.newClerk()
        try await clerk.attest()
        let secret = try Files.line(stack.state.enrolmentSecret)
        _ = try await clerk.call(
            "POST", "/accounts",
            ["enrolment": .string(secret), "user": .string(stack.user), "password": .string(stack.password)])
        return stack
    }

    func stop() async throws {
        await client.shutdown()
        _ = try await CommandLineRun.cloister("down", "--state", state.path)
    }

    /// Starts what does not run.
    func restart() async throws {
        let run = try await CommandLineRun.cloister("up", "--state", state.path, "--detach", "--json")
        guard run.status == 0 else { throw StackFailure(run.errors) }
    }

    /// What the hospital's portal pins.
    func trust() throws -> ClerkTrust {
        try ClerkTrust(folder: state["portal"], simulatedRoot: state.simulatedRoot, at: WallClock.system.now())
    }

    func newClerk() throws -> ClerkClient { ClerkClient(client: client, trust: try trust()) }

    /// A clerk who verified the platform and is signed in.
    func signedIn() async throws -> ClerkClient {
        let clerk = try newClerk()
        try await clerk.attest()
        try await clerk.signIn(user: user, password: password)
        return clerk
    }

    /// The process of a service.
    func processID(_ service: Service) throws -> Int32 {
        let text = try Files.line(state["run/\(service.rawValue).pid"])
        guard let number = text.split(separator: " ").first.flatMap({ Int32($0) }) else {
            throw StackFailure("no pid of \(service.rawValue): \(text)")
        }
        return number
    }

    func url(_ name: String) throws -> String {
        let endpoints = try Files.json(state["endpoints.json"])
        guard let url = endpoints[name]?["url"]?.string else { throw StackFailure("no \(name) in endpoints.json") }
        return url
    }
}

struct StackFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Runs a suite's tests around one running installation.
struct WithRunningStack: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let stack = try await RunningStack.start()
        do {
            try await RunningStack.$current.withValue(stack) { try await function() }
        } catch {
            try? await stack.stop()
            throw error
        }
        try await stack.stop()
    }
}

extension Trait where Self == WithRunningStack {
    static var withRunningStack: Self { Self() }
}

extension ClerkClient {
    /// Patient, study and upload of a file, up to but without its completion.
    func upload(_ file: [UInt8], family: String = "Testfall", parts: Range<Int>? = nil) async throws -> String {
        let patient = try await call(
            "POST", "/patients", ["family": .string(family), "given": "Ada", "birthDate": "1970-01-01"])
        let study = try await call("POST", "/studies", ["patient": patient["id"] ?? .null])
        let upload = try #require(study["upload"]?.string)
        let count = (file.count + (1 << 20) - 1) >> 20
        for index in parts ?? 0..<count {
            try await put(
                "/uploads/\(upload)/parts/\(index)",
                octets: Array(file[index << 20..<min((index + 1) << 20, file.count)]))
        }
        return upload
    }

    func complete(_ upload: String, _ file: [UInt8]) async throws -> String {
        let done = try await call(
            "POST", "/uploads/\(upload)/complete",
            ["length": .integer(Int64(file.count)), "sha256": .string(Digest(of: file).hex)])
        return try #require(done["job"]?.string)
    }

    /// Asks until the job has ended.
    func end(of job: String) async throws -> JSON {
        let limit = ContinuousClock.now + .seconds(180)
        while ContinuousClock.now < limit {
            if let state = try? await call("GET", "/jobs/\(job)"), let name = state["state"]?.string,
                name == "done" || name == "failed"
            {
                return state
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw StackFailure("the job did not end")
    }
}
