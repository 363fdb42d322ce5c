import AttestationToken
import Encoding
import Evidence
import FoundationEssentials
import HTTPTypes
import ServiceKit

#if canImport(Glibc)
    import Glibc
#endif

/// Shows what happens to a unit whose executable was changed by one byte: it runs, it is even attested, and it gets no
/// key.
struct TamperDemonstration {
    let installation: Installation
    let reporter: StepReporter
    let terminal: Terminal

    /// The last byte of the ELF identification: padding that nothing reads, so that the program still runs.
    private static let changedByte = 15
    private static let patience = Duration.seconds(120)
    private static let name = "tampered-platform"

    /// Runs the steps; throws when the changed unit was not refused.
    func run() async throws {
        let state = installation.state
        let folder = state["demo/tampered"]
        try Files.makeFolder(folder + "/state")
        let (executable, port) = try await prepare(folder)
        let audit = state.party(.hospital, "state/key-service/audit.jsonl")
        let before = AuditLines(audit).count
        // Everything as the genuine unit has it, its manifest included; only port, ready file and state are its own.
        let process = try ChildProcess.start(
            executable,
            [
                "--config", Service.platform.configuration(in: state) ?? "", "--set", "listen.port=\(port)", "--set",
                "ready=\(state["run/\(TamperDemonstration.name).ready"])", "--set", "state=\(folder)/state",
            ], log: folder + "/medical-platform.log")
        let record = try ProcessRecord.write(process, TamperDemonstration.name, inputs: "-", in: state)
        let client = try Client(authorities: state.certificateAuthority)
        do {
            try await watch(client, "https://localhost:\(port)", audit: audit, linesBefore: before, record)
            await end(record, client, folder)
        } catch {
            await end(record, client, folder)
            throw error
        }
    }

    private func end(_ record: ProcessRecord, _ client: Client, _ folder: String) async {
        await record.stop()
        ProcessRecord.forget(TamperDemonstration.name, in: installation.state)
        await client.shutdown()
        Files.remove(folder)
    }

    /// Copies the genuine program, changes one byte, and finds a port for it.
    private func prepare(_ folder: String) async throws -> (executable: String, port: Int) {
        let genuine = try installation.resources.executable(Service.platform.executable)
        let copy = folder + "/" + Service.platform.executable
        try await reporter.step("change one byte") {
            Files.remove(copy)
            try FileManager.default.copyItem(atPath: genuine, toPath: copy)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: copy)
            try TamperDemonstration.flip(copy)
            let digests = [Hex.encode(try FileDigest(of: genuine).sha256), Hex.encode(try FileDigest(of: copy).sha256)]
            return (
                (),
                "byte \(TamperDemonstration.changedByte) of a copy of medical-platform; SHA-256 \(digests[0].prefix(12))… became \(digests[1].prefix(12))…"
            )
        }
        let port = try Ports.free(1)[0]
        return (copy, port)
    }

    private static func flip(_ path: String) throws(CommandFailure) {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure("the copy cannot be opened") }
        defer { close(descriptor) }
        var byte: UInt8 = 0
        guard unsafe pread(descriptor, &byte, 1, off_t(changedByte)) == 1 else {
            throw CommandFailure("the copy cannot be read")
        }
        byte ^= 0x01
        guard unsafe pwrite(descriptor, &byte, 1, off_t(changedByte)) == 1 else {
            throw CommandFailure("the copy cannot be changed")
        }
    }

    // MARK: What happens

    private func watch(
        _ client: Client, _ url: String, audit: String, linesBefore: Int, _ record: ProcessRecord
    ) async throws {
        try await reporter.step(
            "start the changed unit", proven: "it runs beside the genuine one, with the genuine manifest"
        ) {
            try await wait(record) {
                (try? await client.send(.get, url + "/health/live", timeout: .seconds(2)))?.status == 200
            }
        }
        let trust = try ClerkTrust(
            folder: installation.state["portal"], simulatedRoot: installation.state.simulatedRoot,
            at: WallClock.system.now())
        try await reporter.step("a clerk meets it") {
            var refusal: Refusal?
            try await wait(record) {
                do throws(Refusal) {
                    _ = try await PlatformProof.obtain(url, role: "medical-platform", trusting: trust, client: client)
                    refusal = nil
                    return true
                } catch {
                    refusal = error
                    // It has no evidence yet while its first identity is being made.
                    return error.code != .notReady && error.code != .unavailable
                }
            }
            guard let refusal, refusal.code == .measurementUnknown else {
                throw CommandFailure(
                    "the changed unit was not refused as it must be: \(refusal?.name ?? "it was accepted")")
            }
            return ((), "its evidence is genuine and says what runs: refused, \(refusal.name); nothing was sent")
        }
        try await reporter.step("it asks for the hospital's record key") {
            var line: JSON?
            try await wait(record) {
                // Readiness asks for the key.
                _ = try? await client.send(.get, url + "/health/ready", timeout: .seconds(5))
                line = AuditLines(audit).refusedRelease(after: linesBefore)
                return line != nil
            }
            let code = line?["code"]?.string ?? "?"
            guard code.hasPrefix("claim-mismatch") else {
                throw CommandFailure("the key service refused, but with \(code)")
            }
            let id = line?["id"]?.string ?? "?"
            return ((), "the key service refuses: \(code); audit event \(id.prefix(8))…")
        }
        try await reporter.step("it never serves", proven: "not ready; no session, no record, no plaintext") {
            let answer = try await client.send(.get, url + "/health/ready", timeout: .seconds(5))
            guard answer.status != 200 else { throw CommandFailure("the changed unit says that it is ready") }
        }
        try await reporter.step("the genuine unit goes on", proven: "ready, with its key") {
            guard await installation.runner.isReady(.platform) else {
                throw CommandFailure("the genuine unit is not ready")
            }
        }
    }

    private func wait(_ record: ProcessRecord, until holds: () async -> Bool) async throws {
        let end = ContinuousClock.now + TamperDemonstration.patience
        while !(await holds()) {
            guard !Interruption.hasArrived else { throw CommandFailure("interrupted") }
            guard record.isRunning else {
                let lines = LogTail.lines(of: installation.state["demo/tampered/medical-platform.log"])
                throw CommandFailure("the changed unit ended. Its log ends with: \(lines.joined(separator: " / "))")
            }
            guard ContinuousClock.now < end else { throw CommandFailure("the changed unit did not get so far in time") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// Lines of a key service's audit log.
struct AuditLines {
    private let lines: [JSON]

    init(_ path: String) {
        let text = (try? Files.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        lines = text.split(separator: "\n").compactMap { try? JSON.parse(String($0)) }
    }

    var count: Int { lines.count }

    /// The newest refused request about a key after the first `count` lines.
    func refusedRelease(after count: Int) -> JSON? {
        lines.dropFirst(count).last { $0["outcome"]?.string == "refused" && $0["key"] != nil }
    }
}
