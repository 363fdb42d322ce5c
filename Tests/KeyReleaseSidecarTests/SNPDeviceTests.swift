import Attester
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

/// The guest's device, answering with a recorded report.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors")) struct SNPDeviceTests {
    let report: [UInt8]
    let reportData: [UInt8]

    init() throws {
        report = try Vectors.bytes("skr/collateral/snp_report.bin")
        reportData = Array(report[SNPReport.Layout.reportData..<SNPReport.Layout.reportData + 64])
    }

    func response(status: UInt32 = 0, _ report: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(status)
        return bytes + [UInt8](repeating: 0, count: 28) + report + [UInt8](repeating: 0, count: 4_000 - 32 - 1_184)
    }

    func refusal(_ response: [UInt8], asking: [UInt8]? = nil) async -> RefusalCode? {
        let source = SNPDeviceSource(driver: SNPDriver(path: "/dev/test") { (_) throws(SystemError) in response })
        do throws(Refusal) {
            _ = try await source.evidence(reportData: asking ?? reportData)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `the request is report data, VMPL 0 and zeros, and the report comes back`() async throws {
        let answer = response(report)
        let wanted = reportData + [UInt8](repeating: 0, count: 32)
        let source = SNPDeviceSource(
            driver: SNPDriver(path: "/dev/test") { (request) throws(SystemError) in
                guard request == wanted else { throw SystemError(EINVAL) }
                return answer
            })
        let evidence = try await source.evidence(reportData: reportData)
        #expect(evidence.tee == .snp)
        #expect(evidence.evidence == report)
        #expect(evidence.collateral == nil)
    }

    @Test("AC-003 answers of another status, length, form or report data are refused")
    func refused() async throws {
        #expect(await refusal(response(report)) == nil)
        #expect(await refusal(response(status: 22, report)) == .notReady)
        #expect(await refusal([]) == .evidenceMalformed)
        #expect(await refusal(Array(response(report).prefix(1_200))) == .evidenceMalformed)
        #expect(await refusal(response([UInt8](repeating: 0, count: 1_184))) == .evidenceMalformed)
        #expect(await refusal(response(report), asking: [UInt8](repeating: 9, count: 64)) == .bindingMismatch)
        #expect(await refusal(response(report), asking: [1]) == .requestMalformed)
    }

    @Test func `the older device is taken before the newer one`() throws {
        let folder = try TemporaryFolder()
        let files = AttestationFiles.rooted(at: folder.url.path)
        #expect(SNPDeviceSource.driver(files: files) == nil)
        try FileManager.default.createDirectory(at: folder.file("dev"), withIntermediateDirectories: true)
        try folder.write("dev/sev-guest", "")
        #expect(SNPDeviceSource.driver(files: files)?.path == "/dev/sev-guest")
        try folder.write("dev/sev", "")
        #expect(SNPDeviceSource.driver(files: files)?.path == "/dev/sev")
    }

    @Test func `a file that is no device says so`() async throws {
        let driver = try #require(SNPDriver.all.first { $0.path == "/dev/sev-guest" })
        guard !FileManager.default.fileExists(atPath: driver.path) else { return }
        let refusal = await #expect(throws: Refusal.self) {
            try await SNPDeviceSource(driver: driver).evidence(reportData: reportData)
        }
        #expect(refusal?.code == .notReady)
    }
}
