import AppraisalPolicy
import AttestationService
import AttestationToken
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import SimulatedTEE
import TestSupport
import Testing

/// `--recording FILE`: what `cloister appraisal what-if` replays.
struct RecordingTests {
    @Test func `a recording holds what policies test, and nothing that an attester chose to bind`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "appraisals.jsonl").path
        let recording = try #require(Recording(path: path))
        let service = try Service(recording: recording)
        let canary = "canary-of-a-patient"
        #expect(await service.post(try Sample.snp(["nonce": .string(canary)])).status == 200)
        let denying = "version= 1.0;authorizationrules{=> deny();};"
        #expect(
            await service.call(.put, "/policies/SgxEnclave?api-version=2020-10-01", unsignedToken(denying)).status
                == 200)
        #expect(await service.post(sgxRoute, try Sample.sgx()).status == 400)
        // Neither a draft nor evidence that is not genuine was appraised under a policy of the service.
        #expect(await service.post(try Sample.snp(["draftPolicyForAttestation": .string(denying)])).status == 400)
        let broken = Sample.snpReport(try Sample.evidence(.snp)) { $0[0x90] ^= 1 }
        #expect(await service.post(try Sample.snp(["report": broken])).status == 400)

        let bytes = try AtomicFile.read(path, maximumBytes: 65_536)
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let records = try lines.map { line in try AppraisalRecord(json: JSON.parse(Array(line))) }
        #expect(records.map(\.type) == ["SevSnpVm", "SgxEnclave"])
        #expect(records.map(\.permitted) == [true, false])
        #expect(records.map(\.time) == [Service.now, Service.now])
        #expect(records[0].measurement == Hex.encode(Sample.measurement.launch))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.contains(canary))
        #expect(!text.contains(Hex.encode(Sample.runtimeData.reportData)))
        #expect(!text.contains(Base64.encodeURL(Sample.runtimeData.bytes)))
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    }
}
