import Attester
import Encoding
import Evidence
import Foundation
import SimulatedTEE
import Synchronization
import TestSupport
import Testing

/// Gramine's files in memory: the quote is over what was written last.
private func gramine(type: String = "dcap\n", stale: Bool = false) throws -> AttestationFiles {
    let factory = try Scene.factory()
    let written = WrittenReportData()
    return AttestationFiles(
        read: { (path) throws(SystemError) in
            switch path {
            case "/dev/attestation/attestation_type": return Array(type.utf8)
            case "/dev/attestation/quote":
                let reportData = stale ? [UInt8](repeating: 7, count: 64) : written.bytes
                let made = try? factory.sgx(
                    measurement: Scene.program, party: Scene.party, reportData: reportData, at: Scene.time)
                guard let made else { throw SystemError(EIO) }
                return made.evidence
            default: throw SystemError(ENOENT)
            }
        },
        write: { (path, bytes) throws(SystemError) in
            guard path == "/dev/attestation/user_report_data" else { throw SystemError(ENOENT) }
            written.bytes = bytes
        },
        makeFolder: { (_) throws(SystemError) in throw SystemError(EPERM) },
        removeFolder: { (_) throws(SystemError) in throw SystemError(EPERM) },
        exists: { $0.hasPrefix("/dev/attestation") })
}

private final class WrittenReportData: Sendable {
    private let held = Mutex<[UInt8]>([])

    var bytes: [UInt8] {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }
}

@Suite struct GramineSourceTests {
    @Test func `a quote over the report data is what the verifier accepts`() async throws {
        let made = try await GramineSource(files: try gramine()).evidence(reportData: Scene.reportData)
        let factory = try Scene.factory()
        let verdict = try Scene.trusting(factory.root).verify(
            made.evidence, tee: .sgx, collateral: .dcap(try factory.collateral(at: Scene.time).sgx), at: Scene.time,
            reportData: Scene.reportData)
        #expect(verdict.accepted, "\(verdict.detail)")
    }

    @Test func `a quote over other report data is refused`() async throws {
        let source = GramineSource(files: try gramine(stale: true))
        let refusal = await #expect(throws: Refusal.self) { try await source.evidence(reportData: Scene.reportData) }
        #expect(refusal?.code == .bindingMismatch)
    }

    @Test func `requests of several tasks at once get a quote over their own report data each`() async throws {
        let source = GramineSource(files: try gramine())
        try await withThrowingTaskGroup { group in
            for value in UInt8(0)..<16 {
                group.addTask {
                    let wanted = [UInt8](repeating: value, count: 64)
                    let made = try await source.evidence(reportData: wanted)
                    #expect(Array(try SGXQuote(made.evidence[...]).report.reportData) == wanted)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `an enclave without remote attestation is refused`() async throws {
        let source = GramineSource(files: try gramine(type: "none\n"))
        let refusal = await #expect(throws: Refusal.self) { try await source.evidence(reportData: Scene.reportData) }
        #expect(refusal?.code == .notReady)
    }
}

@Suite struct EnvironmentTests {
    private func snpKernel() -> FakeConfigFS { FakeConfigFS { [UInt8](repeating: 0, count: 0x50) + $0 } }

    private func detect(_ files: AttestationFiles, socket: String? = nil, _ tee: TEE) -> (any EvidenceSource)? {
        Environment.detect(files: files, simulatedSocket: socket, party: Scene.party, tee: tee)
    }

    @Test func `the machine's own interface is found, and only for its kind of evidence`() throws {
        #expect(detect(snpKernel().files, .snp) is ConfigFSSource)
        #expect(detect(snpKernel().files, .tdx) == nil)
        #expect(detect(snpKernel().files, .sgx) == nil)
        #expect(detect(try gramine(), .sgx) is GramineSource)
        #expect(detect(try gramine(type: "none\n"), .sgx) == nil)
    }

    @Test func `nothing falls back to a simulation that was not configured`() throws {
        let folder = try TemporaryFolder()
        for tee in TEE.allCases {
            #expect(
                Environment.detect(root: folder.url.path, simulatedSocket: nil, party: Scene.party, tee: tee) == nil)
            #expect(detect(.rooted(at: folder.url.path), socket: "/socket", tee) is SimulatedSource)
        }
    }

    @Test func `the survey says of each way whether it works and why not`() throws {
        let folder = try TemporaryFolder()
        let none = Environment.survey(files: .rooted(at: folder.url.path), simulatedSocket: nil)
        #expect(none.map(\.name) == ["configfs-tsm", "snp-device", "gramine", "simulated"])
        #expect(none.allSatisfy { !$0.available && !$0.reason.isEmpty })

        try FileManager.default.createDirectory(
            at: folder.url.appending(path: "dev/attestation"), withIntermediateDirectories: true)
        try Data("dcap\n".utf8).write(to: folder.url.appending(path: "dev/attestation/attestation_type"))
        try Data().write(to: folder.url.appending(path: "dev/sev-guest"))
        let some = Environment.survey(files: .rooted(at: folder.url.path), simulatedSocket: "/nonexistent")
        #expect(some.map(\.available) == [false, true, true, false])
        #expect(some[1].reason.contains("/dev/sev-guest"))
        #expect(Environment.survey(files: snpKernel().files, simulatedSocket: nil)[0].available)
    }

    @Test func `a simulator that answers is available`() async throws {
        try await RunningSimulator.run { simulator in
            let findings = Environment.survey(
                files: .rooted(at: "/nonexistent"), simulatedSocket: simulator.socket)
            #expect(findings.map(\.available) == [false, false, false, true])
        }
    }
}
