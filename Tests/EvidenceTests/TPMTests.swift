import Crypto
import Encoding
import Evidence
import TestSupport
import Testing

@Suite("Recorded TPM evidence gives its verdict", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct TPMVectorTests {
    private func policy(naming vector: VectorCase) throws -> AcceptancePolicy {
        var policy = AcceptancePolicy.default
        policy.tpm.attestationKeys = [try TPMEvidence(vector.evidence()[...]).attestationKey.key.pin]
        policy.tpm.pcrs.requiresEventLog = true
        return policy
    }

    @Test("TPM case", arguments: VectorCase.all(.tpm))
    func tpm(_ vector: VectorCase) throws {
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            try vector.evidence(), tee: .tpm, collateral: nil, at: vector.time, policy: try policy(naming: vector),
            reportData: vector.nonce)
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.accepted == vector.isAccepted && verdict.signatureChain == .valid, explanation)
        #expect(verdict.grade == .simulated, "nothing proves what holds a key that the caller named")
        guard case .tpm(let state) = verdict.attested else {
            Issue.record(explanation)
            return
        }
        #expect(state.quotes.count == 3 && state.pcrs.count == 72 && verdict.reportData == vector.nonce)
        #expect(Set(state.pcrs.keys.map(\.bank)) == [.sha1, .sha256, .sha384])
        #expect(state.events.count == 44 && state.events.allSatisfy { $0.digests.count == 3 })
        #expect(verdict.check("event-log")?.detail == "44 events give 30 quoted registers")
    }

    @Test("a key that nobody vouches for is refused", arguments: VectorCase.all(.tpm))
    func unnamed(_ vector: VectorCase) throws {
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            try vector.evidence(), tee: .tpm, collateral: nil, at: vector.time, reportData: vector.nonce)
        #expect(verdict.code == .evidenceChain && verdict.claims.isEmpty && verdict.attested == nil)
        #expect(verdict.check("tpm-quote-signature")?.outcome == .passed)
    }

    @Test func `another nonce is refused, and no nonce is said to allow replay`() throws {
        let vector = try VectorCase.named("tpm-gce-cos-85-nonce9009")
        let policy = try policy(naming: vector)
        func verdict(_ nonce: [UInt8]?) throws -> Verdict {
            EvidenceVerifier(anchors: .vendors).verify(
                try vector.evidence(), tee: .tpm, collateral: nil, at: vector.time, policy: policy, reportData: nonce)
        }
        for nonce: [UInt8] in [[], [0x90], [0x90, 0x09, 0x00], [0x09, 0x90]] {
            #expect(try verdict(nonce).code == .bindingMismatch)
        }
        let open = try verdict(nil)
        #expect(open.accepted && open.check("nonce")?.outcome == .notApplicable)
        #expect(open.check("nonce")?.detail.contains("shown before") == true)
    }

    @Test func `the pinned Google root is the one that Google publishes`() throws {
        let root = try Certificate(der: Vectors.bytes("tpm/gcp_ek_ak_ca_root.crt"))
        let issuer = try Certificate(der: Vectors.bytes("tpm/gcp_ek_ak_ca_intermediate_v3.crt"))
        #expect(
            TrustAnchors.vendors.all.contains { $0.role == .googleVTPM && $0.pin == root.pin && $0.grade == .hardware })
        #expect(issuer.isSigned(by: root) && root.isSigned(by: root))
    }
}

@Suite("Event logs")
struct TCGEventLogTests {
    @Test(
        "a recorded log of an SNP machine is read and replayed",
        .enabled(if: Vectors.available, "needs the folder of vectors"))
    func recorded() throws {
        let log = try TCGEventLog(Vectors.bytes("tpm/ubuntu-2404-amd-sevsnp.eventlog.bin")[...])
        #expect(log.events.count == 116 && log.banks == [.sha1, .sha256, .sha384] && log.startupLocality == nil)
        // Computed with another implementation.
        let values = log.replayed()
        #expect(values.count == 33)
        #expect(
            values[PCR(.sha256, 0)].map { Hex.encode($0) }
                == "50597a27846e91d025eef597abbc89f72bff9af849094db97b0684d8bc4c515e")
        #expect(
            values[PCR(.sha384, 14)].map { Hex.encode($0) }
                == "937437d07298010015f4598395c9f8dc202ef36e0be3897bba89874bf612b5da092beadfe37f79714a60193819e384ad")
        #expect(values[PCR(.sha1, 7)].map { Hex.encode($0) } == "7067b17aa6b3de0d22d17a59dce1e17e649cb56a")
        let separator = try #require(log.events.first { $0.type == 4 })
        #expect(separator.pcr == 7 && separator.isDataMeasured(.sha384) && !separator.isDataMeasured(.sha512))
    }

    @Test("the older form, with SHA-1 alone, is read and replayed")
    func legacy() throws {
        let digest = Array(Insecure.SHA1.hash(data: [1]))
        let bytes =
            TestEventLog.legacyEvent(4, 3, Array(repeating: 0, count: 20), Array("Spec ID Event00\0".utf8))
            + TestEventLog.legacyEvent(4, 13, digest, [1])
        let log = try TCGEventLog(bytes[...])
        #expect(log.banks == [.sha1] && log.events.count == 2)
        #expect(
            log.replayed() == [PCR(.sha1, 4): Array(Insecure.SHA1.hash(data: Array(repeating: 0, count: 20) + digest))])
    }

    @Test func `the locality from which the TPM was started is the beginning of register 0`() throws {
        for locality: UInt8? in [nil, 0, 3, 4] {
            var log = TestEventLog()
            log.locality = locality
            #expect(
                try TCGEventLog(log.bytes[...]).replayed().filter { $0.key.bank == .sha256 }
                    == log.registers(.sha256).filter { $0.key.index < 8 })
        }
    }

    @Test("AC-018 no cut of a log traps or is read as more than it is")
    func truncation() throws {
        let bytes = TestEventLog().bytes
        let whole = try TCGEventLog(bytes[...])
        for count in 0..<bytes.count {
            guard let log = try? TCGEventLog(bytes.prefix(count)) else { continue }
            #expect(log.events.count < whole.events.count)
        }
    }

    private func log(_ algorithms: [(id: UInt16, bytes: UInt16)], _ events: [UInt8] = []) -> [UInt8] {
        TestEventLog.legacyEvent(0, 3, Array(repeating: 0, count: 20), TestEventLog.specification(algorithms)) + events
    }

    @Test func `AC-018 absurd lengths, numbers and orders are malformed`() throws {
        let sha256 = (id: UInt16(0x0b), bytes: UInt16(32))
        let event = TestEventLog.event(.init(pcr: 1, type: 4, data: [0]), [.sha256])
        #expect(try TCGEventLog(log([sha256], event)[...]).events.count == 1)
        let locality = TestEventLog.event(
            .init(pcr: 0, type: 3, data: Array("StartupLocality\0".utf8) + [3]), [.sha256])
        let extending = TestEventLog.event(.init(pcr: 0, type: 4, data: [0]), [.sha256])
        var highRegister = event
        highRegister[0] = 32
        var longData = event
        longData.replaceSubrange(event.count - 5..<event.count - 1, with: [0xff, 0xff, 0xff, 0xff])
        var manyDigests = event
        manyDigests.replaceSubrange(8..<12, with: [0xff, 0xff, 0xff, 0xff])
        let wrong: [[UInt8]] = [
            [], log([]), log([(0x0b, 31)]), log([sha256, sha256]), log([(0x12, 65)]),
            log((1...9).map { (id: 0x100 + $0, bytes: 1) }), log([sha256], highRegister), log([sha256], longData),
            log([sha256], manyDigests), log([sha256, (0x04, 20)], event),
            log([sha256, (0x04, 20)], TestEventLog.event(.init(pcr: 1, type: 4, data: [0]), [.sha256, .sha256])),
            log([sha256], extending + locality), log([sha256], locality + locality),
            log([sha256], TestEventLog.event(.init(pcr: 0, type: 3, data: Array("StartupLocality\0".utf8)), [.sha256])),
            Array(repeating: 0, count: TCGEventLog.maximumBytes + 1),
        ]
        for (number, bytes) in wrong.enumerated() {
            #expect(throws: Refusal.self, "case \(number)") { try TCGEventLog(bytes[...]) }
        }
        // An algorithm without a name here is skipped by its announced length.
        let skipped: [UInt8] = [1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x12, 0, 7, 8, 9, 0, 0, 0, 0]
        #expect(try TCGEventLog(log([(0x12, 3)], skipped)[...]).replayed().isEmpty)
    }
}

@Suite("Parts of a TPM's evidence")
struct TPMPartTests {
    @Test func `a selection's map begins with the least significant bit of its first byte`() throws {
        var quote = TestQuote()
        quote.map = [0b1000_0001, 0b0000_0010, 0]
        let parsed = try TPMQuote(quote.bytes([:], signedOver: .sha256)[...])
        #expect(parsed.selections.first?.indices == [0, 7, 9] && parsed.selections.first?.bank == .sha256)
        #expect(parsed.clock.milliseconds == 1_234_567 && parsed.clock.resetCount == 3 && parsed.clock.isSafe)
        #expect(parsed.firmwareVersion == 0x2020_0312_0012_0003 && parsed.extraData.elementsEqual(quote.nonce))
    }

    @Test func `AC-018 a quote that is not one is malformed`() throws {
        let good = TestQuote()
        #expect(throws: Never.self) { try TPMQuote(good.bytes([:], signedOver: .sha256)[...]) }
        var magic = good
        magic.magic ^= 1
        var type = good
        type.type = 0x8017
        var long = good
        long.nonce = Array(repeating: 1, count: 65)
        var emptyMap = good
        emptyMap.map = []
        var longMap = good
        longMap.map = [1, 0, 0, 0, 0]
        var clock = good
        clock.safe = 2
        for wrong in [magic, type, long, emptyMap, longMap, clock] {
            #expect(throws: Refusal.self) { try TPMQuote(wrong.bytes([:], signedOver: .sha256)[...]) }
        }
        let bytes = good.bytes([:], signedOver: .sha256)
        for count in 0..<bytes.count { #expect(throws: Refusal.self) { try TPMQuote(bytes.prefix(count)) } }
        #expect(throws: Refusal.self) { try TPMQuote((bytes + [0])[...]) }
    }

    @Test func `a public area is read with and without its length in front`() throws {
        for key: TPMTestKey in [try .newRSA(), try .newPSS(), .p256(.init()), .p384(.init())] {
            let area = try key.publicArea()
            let parsed = try TPMPublicArea(area[...])
            #expect(parsed.key.pin == key.pin && parsed.isAttestationKey && parsed.scheme == key.scheme)
            #expect(try TPMPublicArea(sized: TestTPM.sized(area)[...]).key.pin == key.pin)
            for count in 0..<area.count { #expect(throws: Refusal.self) { try TPMPublicArea(area.prefix(count)) } }
            #expect(throws: Refusal.self) { try TPMPublicArea((area + [0])[...]) }
            #expect(throws: Refusal.self) { try TPMPublicArea(sized: (TestTPM.sized(area) + [0])[...]) }
        }
    }

    @Test(
        "a key that could sign anything is no attestation key",
        arguments: [
            0x0004_0072, 0x0001_0072, 0x0007_0072, 0x0005_0070, 0x0005_0062, 0x0005_0052,
        ] as [UInt32])
    func attributes(_ bits: UInt32) throws {
        #expect(try !TPMPublicArea(TPMTestKey.p256(.init()).publicArea(attributes: bits)[...]).isAttestationKey)
    }
}
