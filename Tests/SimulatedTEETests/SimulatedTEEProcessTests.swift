import Attester
import Encoding
import Evidence
import Foundation
import SimulatedTEE
import TestSupport
import Testing

/// The executable as `cloister up` starts it, judged by this project's verifier and by other people's.
@Suite(.serialized) struct SimulatedTEEProcessTests {
    /// `simulated-tee` running in a folder of its own.
    private final class Running {
        let folder: TemporaryFolder
        let process = Process()
        private(set) var firstLine = ""

        init(in folder: TemporaryFolder, _ options: [String] = []) async throws {
            self.folder = folder
            process.executableURL = ProjectFolders.executables.appending(path: "simulated-tee")
            process.arguments = [
                "--root", path("simulated-root.json"), "--keys", path("keys"), "--socket", path("run/simulated-tee"),
                "--collateral", path("collateral"),
            ]
            process.arguments? += options
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            // The line is written once the socket accepts.
            firstLine = await withCheckedContinuation { continuation in
                DispatchQueue(label: "simulated-tee").async {
                    let line = output.fileHandleForReading.availableData
                    continuation.resume(returning: String(decoding: line, as: UTF8.self))
                }
            }
        }

        func path(_ name: String) -> String { folder.url.appending(path: name).path }

        func stop() async -> Int32 {
            process.terminate()
            let process = process
            return await withCheckedContinuation { continuation in
                DispatchQueue(label: "simulated-tee").async {
                    process.waitUntilExit()
                    continuation.resume(returning: process.terminationStatus)
                }
            }
        }

        func root() throws -> SimulatedRoot {
            try SimulatedRoot(json: [UInt8](try Data(contentsOf: URL(filePath: path("simulated-root.json")))))
        }
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    @Test func `it makes its root once, says what it is, and ends cleanly on SIGTERM`() async throws {
        let folder = try TemporaryFolder()
        let first = try await Running(in: folder)
        #expect(first.firstLine.split(separator: "\n").count == 1)
        #expect(first.firstLine.contains("INSECURE"))
        #expect(first.firstLine.contains("simulated"))
        let root = try first.root()
        let attributes = try FileManager.default.attributesOfItem(atPath: first.path("run/simulated-tee"))
        #expect(attributes[.posixPermissions] as? Int == 0o666)
        #expect(exists(first.path("collateral/sgx/00c101570000.json")))
        #expect(exists(first.path("collateral/snp/Milan-crl.der")))
        #expect(await first.stop() == 0)
        #expect(!exists(first.path("run/simulated-tee")))

        let second = try await Running(in: folder)
        #expect(try second.root() == root)
        let source = SimulatedSource(socket: second.path("run/simulated-tee"), party: Scene.party, tee: .snp)
        let made = try await source.evidence(reportData: Scene.reportData)
        let verdict = EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(root)).verify(
            made.evidence, tee: .snp, collateral: made.collateral, at: WallClock.system.now())
        #expect(verdict.accepted, "\(verdict.detail)")
        #expect(await second.stop() == 0)
    }

    @Test(
        .enabled(if: ProjectFolders.python != nil, "the tests' Python environment is not set up"),
        arguments: [TEE.sgx, .tdx, .snp])
    func `an independent verifier accepts its evidence, given the root`(tee: TEE) async throws {
        let python = try #require(ProjectFolders.python)
        let running = try await Running(in: try TemporaryFolder())
        let source = SimulatedSource(socket: running.path("run/simulated-tee"), party: Scene.party, tee: tee)
        let made = try await source.evidence(reportData: Scene.reportData)
        #expect(await running.stop() == 0)

        try Data(made.evidence).write(to: URL(filePath: running.path("evidence")))
        try Data(try #require(made.collateral).json.canonical).write(to: URL(filePath: running.path("collateral.json")))
        try FileManager.default.copyItem(atPath: running.path("simulated-root.json"), toPath: running.path("root.json"))
        let program = tee == .snp ? IndependentVerifier.snp : IndependentVerifier.dcap
        let judged = try PythonProcess.run(
            python.path, ["-c", program, running.folder.url.path, "\(WallClock.system.now().seconds)"], [:])
        #expect(judged.status == 0, "\(judged.output)")
        let result = try JSON.parse(judged.output.trimmingCharacters(in: .whitespacesAndNewlines))
        let measured = try Scene.expected(tee, "/proc/self/exe")
        #expect(result["changed"] == "refused")
        #expect(result["reportData"] == .string(Hex.encode(Scene.reportData)))
        if tee != .snp {
            #expect(result["status"] == "UpToDate")
            #expect(result["advisories"] == [])
            #expect(result["underIntel"] == "refused")
            #expect(result["measurement"] == .string(measured))
            #expect(result["fmspc"] == .string(tee == .sgx ? "00C101570000" : "00C206F20000"))
            #expect(result["ca"] == .string(tee == .sgx ? "processor" : "platform"))
        } else {
            #expect(result["measurement"] == .string(measured))
            #expect(result["hostData"] == .string(Scene.party.hex))
            #expect(result["version"] == 3)
            #expect(result["policy"] == "0000030000000000")
            #expect(result["vcek"] == "SEV-VCEK")
        }
    }

    /// What it publishes is fetched by other people's clients, each by its own vendor's paths.
    @Test(
        .enabled(if: ProjectFolders.python != nil, "the tests' Python environment is not set up"),
        arguments: [
            (TEE.sgx, []), (.tdx, []), (.tdx, ["--tdx-quote", "5"]), (.snp, []),
            (.snp, ["--snp-product", "Milan", "--snp-report", "2"]),
            (.snp, ["--snp-product", "Milan", "--snp-report", "5"]),
        ])
    func `an independent verifier accepts it with collateral from the simulated vendors' web services`(
        tee: TEE, options: [String]
    ) async throws {
        let python = try #require(ProjectFolders.python)
        let port = try PythonProcess.run(
            python.path,
            ["-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"],
            [:]
        ).output.trimmingCharacters(in: .whitespacesAndNewlines)
        let running = try await Running(in: try TemporaryFolder(), ["--vendor-port", port] + options)
        let source = SimulatedSource(socket: running.path("run/simulated-tee"), party: Scene.party, tee: tee)
        let made = try await source.evidence(reportData: Scene.reportData)
        try Data(made.evidence).write(to: URL(filePath: running.path("evidence")))
        let program = tee == .snp ? IndependentVerifier.snpOnline : IndependentVerifier.dcapOnline
        let judged = try PythonProcess.run(
            python.path, ["-c", program, running.folder.url.path, "http://127.0.0.1:\(port)"], [:])
        #expect(await running.stop() == 0)
        #expect(judged.status == 0, "\(judged.output)")
        let result = try JSON.parse(judged.output.trimmingCharacters(in: .whitespacesAndNewlines))
        #expect(result["status"] == "UpToDate")
        #expect(result["measurement"] == .string(try Scene.expected(tee, "/proc/self/exe")))
        #expect(result["otherRoot"] == "refused")
    }
}
