import Encoding
import Evidence
import TestSupport
import Testing

/// AC-001 and AC-002 without exception: every single bit of recorded evidence matters.
@Suite("Every single-bit change of evidence is refused", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct SingleBitTests {
    @Test("AC-001 AC-002 every bit of an SGX quote, its certificate chain included")
    func sgx() async throws { try await flipAll(try VectorCase.named("sgx-phala-cfg-swh")) }

    @Test("AC-001 AC-002 every bit of a TDX quote of version 5")
    func tdx() async throws { try await flipAll(try VectorCase.named("tdx-google-v5-uptodate")) }

    @Test("AC-001 AC-002 every bit of an SNP report")
    func snp() async throws { try await flipAll(try VectorCase.named("snp-milan-v3")) }

    private func flipAll(_ vector: VectorCase) async throws {
        let verifier = EvidenceVerifier(anchors: .vendors)
        let collateral = try vector.collateral()
        let evidence = try vector.evidence()
        #expect(verifier.verify(evidence, tee: vector.tee, collateral: collateral, at: vector.time).accepted)
        let lanes = 4
        let accepted = await withTaskGroup(of: [Int].self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    var changed = evidence
                    var accepted: [Int] = []
                    for bit in stride(from: lane, to: evidence.count * 8, by: lanes) {
                        changed[bit / 8] ^= 1 << UInt8(bit % 8)
                        let verdict = verifier.verify(
                            changed, tee: vector.tee, collateral: collateral, at: vector.time)
                        if verdict.accepted { accepted.append(bit) }
                        changed[bit / 8] ^= 1 << UInt8(bit % 8)
                    }
                    return accepted
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(accepted.isEmpty, "accepted with these bits changed: \(accepted.sorted())")
        #expect(verifier.verify(evidence, tee: vector.tee, collateral: collateral, at: vector.time).accepted)
    }

    @Test("AC-001 a changed bit of the signed body is a wrong signature", arguments: [64, 112, 176, 304, 368, 431])
    func body(_ offset: Int) throws {
        let vector = try VectorCase.named("sgx-phala-cfg-swh")
        var evidence = try vector.evidence()
        evidence[offset] ^= 0x10
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            evidence, tee: .sgx, collateral: try vector.collateral(), at: vector.time)
        #expect(verdict.code == .evidenceSignature && verdict.signatureChain == .invalid && verdict.claims.isEmpty)
    }
}

@Suite("Cut and padded evidence", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct LengthTests {
    @Test(
        "no cut of evidence is accepted, and none traps",
        arguments: ["sgx-phala-cfg-swh", "tdx-google-v5-uptodate", "snp-milan-v3"])
    func truncation(_ id: String) throws {
        let vector = try VectorCase.named(id)
        let verifier = EvidenceVerifier(anchors: .vendors)
        let collateral = try vector.collateral()
        let evidence = try vector.evidence()
        var generator = SystemRandomNumberGenerator()
        let random = (0..<200).map { _ in Int.random(in: 0..<evidence.count, using: &generator) }
        for count in Array(0..<64) + [435, 436, 705, 706, 1_035, evidence.count - 1] + random
        where count < evidence.count {
            let verdict = verifier.verify(
                Array(evidence.prefix(count)), tee: vector.tee, collateral: collateral, at: vector.time)
            #expect(verdict.code == .evidenceMalformed, "accepted or misnamed at \(count) bytes")
        }
    }

    @Test("noise of any length is refused and does not trap", arguments: [TEE.sgx, .tdx, .snp])
    func noise(_ tee: TEE) throws {
        var generator = SystemRandomNumberGenerator()
        let verifier = EvidenceVerifier(anchors: .vendors)
        for count in [0, 1, 47, 48, 432, 436, 1_184, 4_600] {
            for _ in 0..<20 {
                var noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                // Half of them begin like the real thing.
                if count > 16, Bool.random(using: &generator) {
                    let start: [UInt8] = tee == .tdx ? [5, 0, 2, 0, 0x81, 0, 0, 0] : [3, 0, 2, 0, 0, 0, 0, 0]
                    noise.replaceSubrange(0..<8, with: start)
                }
                #expect(!verifier.verify(noise, tee: tee, collateral: nil, at: Timestamp(seconds: 0)).accepted)
            }
        }
    }

    @Test("AC-018 zero bytes after a quote are accepted and said, others are refused")
    func trailing() throws {
        let vector = try VectorCase.named("sgx-phala-cfg-swh")
        let verifier = EvidenceVerifier(anchors: .vendors)
        let evidence = try vector.evidence()
        func verdict(_ tail: [UInt8]) throws -> Verdict {
            verifier.verify(evidence + tail, tee: .sgx, collateral: try vector.collateral(), at: vector.time)
        }
        let padded = try verdict(Array(repeating: 0, count: 70))
        #expect(padded.accepted && padded.check("format")?.detail.contains("70 zero bytes") == true)
        #expect(try verdict([0, 0, 1]).code == .evidenceMalformed)
        #expect(try verdict(Array(repeating: 0, count: 65_536)).code == .evidenceMalformed)
    }

    @Test(
        "AC-018 parser vectors without endorsements",
        arguments: [
            ("snp/lit/guest_report_bad_sig.bin", true), ("snp/lit/guest_report_corrupt.bin", true),
            ("snp/lit/guest_report.bin", false),
        ])
    func parserVectors(_ path: String, _ isMalformed: Bool) throws {
        let bytes = try Vectors.bytes(path)
        #expect((try? SNPReport(bytes[...])) == nil ? isMalformed : !isMalformed)
    }

    @Test("AC-018 evidence of one TEE given as another is malformed")
    func otherTEE() throws {
        let sgx = try VectorCase.named("sgx-phala-cfg-swh")
        let snp = try VectorCase.named("snp-milan-v3")
        let verifier = EvidenceVerifier(anchors: .vendors)
        for tee in [TEE.snp, .tdx, .hcl, .tpm, .nitro, .nvidia] {
            let verdict = verifier.verify(try sgx.evidence(), tee: tee, collateral: nil, at: sgx.time)
            #expect(verdict.code == .evidenceMalformed && verdict.signatureChain == .notChecked)
        }
        #expect(
            try verifier.verify(snp.evidence(), tee: .sgx, collateral: nil, at: snp.time).code == .evidenceMalformed)
        let tdx = try Vectors.bytes("tdx/phala-b0c06f-v4/quote.bin")
        #expect(verifier.verify(tdx, tee: .sgx, collateral: nil, at: sgx.time).code == .evidenceMalformed)
    }
}
