import Crypto
import Encoding
import TestSupport
import Testing

@testable import Evidence

@Suite("TPM evidence with one thing wrong")
struct TPMFaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let code: RefusalCode
        let check: String
        let change: @Sendable (inout TPMFixture) throws -> Void

        init(
            _ name: String, _ code: RefusalCode, _ check: String,
            _ change: @escaping @Sendable (inout TPMFixture) throws -> Void
        ) {
            self.name = name
            self.code = code
            self.check = check
            self.change = change
        }

        var testDescription: String { name }
    }

    @Test func `the fixture is accepted with each kind of key, under Google's role and Microsoft's`() throws {
        for key: TPMTestKey in [try .newRSA(), try .newPSS(), .p256(.init()), .p384(.init())] {
            for role in [TrustAnchors.Role.googleVTPM, .azureVTPM] {
                let verdict = try TPMFixture(key: key).verdict(trusting: role)
                #expect(verdict.accepted && verdict.grade == .hardware, Comment(rawValue: verdict.json.text))
                #expect(verdict.checks.allSatisfy { $0.outcome != .failed && !$0.detail.isEmpty })
                #expect(verdict.claims["x-cloister-tpm-pcrs"]?["sha256"]?.object?.count == 24)
                #expect(verdict.validUntil == Timestamp(seconds: 2_000_000_000))
            }
        }
    }

    @Test("refused with its code", arguments: TPMFaultTests.faults)
    func refused(_ fault: Fault) throws {
        var fixture = try TPMFixture()
        try fault.change(&fixture)
        let verdict = try fixture.verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.code == fault.code, explanation)
        #expect(verdict.check(fault.check)?.code == fault.code, explanation)
    }

    static let faults: [Fault] = [
        Fault("AC-018 empty map", .evidenceMalformed, "format") { $0.quote.map = [] },
        Fault("AC-018 not made by a TPM", .evidenceMalformed, "format") { $0.quote.magic = 0 },
        Fault("AC-018 a certification instead of a quote", .evidenceMalformed, "format") { $0.quote.type = 0x8017 },
        Fault("AC-018 an unknown field", .evidenceMalformed, "format") { $0.tail = TestTPM.field(10, [1]) },
        Fault("AC-018 a field of another type", .evidenceMalformed, "format") {
            $0.tail = TestTPM.field(5, integer: 1)
        },
        Fault("AC-018 a second key", .evidenceMalformed, "format") {
            $0.tail = TestTPM.field(1, try $0.key.publicArea())
        },
        Fault("AC-018 an absurd length", .evidenceMalformed, "format") {
            $0.tail = TestTPM.varint(5 << 3 | 2) + Array(repeating: 0xff, count: 9) + [0x01]
        },
        Fault("AC-018 a number longer than its value", .evidenceMalformed, "format") { $0.tail = [0x2a, 0x80, 0x00] },
        Fault("AC-018 another wire type", .evidenceMalformed, "format") { $0.tail = [0x2d, 0, 0, 0, 0] },
        Fault("AC-018 nine quotes", .evidenceMalformed, "format") { fixture in
            let quote =
                TestTPM.field(1, fixture.message()) + TestTPM.field(2, try fixture.key.signature(over: []))
                + TestTPM.field(3, TestTPM.field(1, integer: 11))
            fixture.tail = Array(repeating: TestTPM.field(2, quote), count: 8).flatMap { $0 }
        },
        Fault("a value of another length than its bank", .evidenceMalformed, "format") {
            $0.supplied = $0.registers
            $0.supplied?[PCR(.sha256, 3)] = [1, 2, 3]
        },
        Fault("a register beyond all", .evidenceMalformed, "format") {
            $0.supplied = $0.registers
            $0.supplied?[PCR(.sha256, 32)] = Array(repeating: 0, count: 32)
        },
        Fault("a quote by another scheme than the key's", .evidenceMalformed, "format") {
            $0.signsWith = try .newPSS()
        },
        Fault("a key that is not restricted", .evidenceChain, "tpm-key") { $0.attributes = 0x0004_0072 },
        Fault("no certificate", .evidenceChain, "ak-certificate-chain") { $0.hasCertificates = false },
        Fault("AC-001 certificate of another key", .evidenceChain, "ak-certificate-chain") {
            $0.leaf.key = try TPMTestKey.otherRSA().certificateKey
        },
        Fault("certificate for another purpose", .evidenceChain, "ak-certificate-chain") {
            $0.leaf.extensions[1].value = TestDER.sequence(TestDER.oid("1.3.6.1.5.5.7.3.1"))
        },
        Fault("certificate of a key that may not sign", .evidenceChain, "ak-certificate-chain") {
            $0.leaf.keyUsage = 0x20
        },
        Fault("certificate with an unknown critical extension", .evidenceChain, "ak-certificate-chain") {
            $0.leaf.extensions.append(("1.2.3.4", true, [5, 0]))
        },
        Fault("certificate by another issuer", .evidenceChain, "ak-certificate-chain") {
            $0.issuer.key = .newP384()
        },
        Fault("issuer that is no CA", .evidenceChain, "ak-certificate-chain") { $0.issuer.isAuthority = false },
        Fault("certificate expired", .evidenceChain, "ak-certificate-validity") {
            $0.leaf.notAfter = TPMFixture.time - 1
        },
        Fault("issuer not yet valid", .evidenceChain, "ak-certificate-validity") {
            $0.issuer.notBefore = TPMFixture.time + 1
        },
        Fault("AC-001 quote signed by another key", .evidenceSignature, "tpm-quote-signature") {
            $0.signsWith = try .otherRSA()
        },
        Fault("AC-002 wrong nonce", .bindingMismatch, "nonce") { $0.quote.nonce[0] ^= 1 },
        Fault("AC-002 nonce with a byte more", .bindingMismatch, "nonce") { $0.quote.nonce.append(0) },
        Fault("AC-002 register value changed", .bindingMismatch, "pcr-digest") {
            $0.supplied = $0.registers
            $0.supplied?[PCR(.sha256, 11)]?[0] ^= 1
        },
        Fault("AC-002 a quoted register is not supplied", .bindingMismatch, "pcr-digest") {
            $0.supplied = $0.registers
            $0.supplied?[PCR(.sha256, 11)] = nil
        },
        Fault("AC-002 other registers quoted than the digest is over", .bindingMismatch, "pcr-digest") {
            $0.quote.digest = TPMHash.sha256.digest(
                (0..<24).flatMap { [registers = $0.registers] in registers[PCR(.sha256, $0)] ?? [] })
            $0.quote.map = [0xff, 0xff, 0x7f]
        },
        Fault("AC-002 values of another bank than is quoted", .bindingMismatch, "pcr-digest") {
            $0.supplied = TestEventLog().registers(.sha256)
            $0.quote.bank = .sha1
            $0.supplied = TestEventLog().registers(.sha1).mapValues { _ in Array(repeating: 7, count: 20) }
        },
        Fault("AC-002 event log with one event changed", .bindingMismatch, "event-log") {
            $0.supplied = $0.registers
            $0.quote.digest = TPMHash.sha256.digest(
                (0..<24).flatMap { [registers = $0.registers] in registers[PCR(.sha256, $0)] ?? [] })
            $0.log?.events[0].data[0] ^= 1
        },
        Fault("AC-002 event log with an event left away", .bindingMismatch, "event-log") {
            $0.supplied = $0.registers
            $0.quote.digest = TPMHash.sha256.digest(
                (0..<24).flatMap { [registers = $0.registers] in registers[PCR(.sha256, $0)] ?? [] })
            $0.log?.events.removeFirst()
        },
        Fault("AC-002 event log with another startup locality", .bindingMismatch, "event-log") {
            $0.supplied = $0.registers
            $0.quote.digest = TPMHash.sha256.digest(
                (0..<24).flatMap { [registers = $0.registers] in registers[PCR(.sha256, $0)] ?? [] })
            $0.log?.locality = 0
        },
        Fault("event log of registers that are not quoted", .bindingMismatch, "event-log") {
            $0.quote.map = [0, 0xff]
        },
        Fault("AC-018 event log that is not one", .evidenceMalformed, "event-log") { $0.log?.events[0].pcr = 99 },
    ]

    @Test func `a root that nobody named is refused as what it is`() throws {
        #expect(try TPMFixture().verdict(trusting: .nitro).code == .untrustedRoot)
        var simulated = try TPMFixture()
        simulated.root.subject = SimulatedRoot.commonNamePrefix + " vTPM"
        #expect(try simulated.verdict(trusting: .nitro).code == .simulatedRoot)
    }

    @Test func `a certificate padded as in the TPM's memory is cut by its own length`() throws {
        var fixture = try TPMFixture()
        fixture.paddedLeafBytes = 3_000
        #expect(try fixture.verdict().accepted)
        let padded = try fixture.leaf.der(issuer: "x", signedBy: fixture.issuerKey) + [0, 0, 1]
        #expect(throws: Refusal.self) { try AttestationKeyChain.certificate(stored: padded[...]) }
        for start: [UInt8] in [
            [], [0x31, 0], [0x30], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], [0x30, 0x82, 0xff, 0xff],
        ] {
            #expect(throws: Refusal.self) { try AttestationKeyChain.certificate(stored: start[...]) }
        }
    }

    @Test func `a remembered chain of certificates ends when it ends, and is another key's no more than before`() throws
    {
        var fixture = try TPMFixture()
        let root = try Certificate(der: fixture.root.selfSigned())
        let verifier = EvidenceVerifier(anchors: TrustAnchors().trusting(root, as: .googleVTPM, grade: .hardware))
        func verdict(_ evidence: [UInt8], at time: Timestamp) -> Verdict {
            verifier.verify(evidence, tee: .tpm, collateral: nil, at: time)
        }
        let evidence = try fixture.evidence()
        #expect(verdict(evidence, at: TPMFixture.time).accepted)
        #expect(verdict(evidence, at: Timestamp(seconds: 2_000_000_001)).code == .evidenceChain)
        let log = try #require(evidence.firstRange(of: fixture.log?.bytes ?? []))
        let chain = evidence[log.upperBound...]
        fixture.key = try .otherRSA()
        fixture.hasCertificates = false
        let swapped = verdict(try fixture.evidence() + chain, at: TPMFixture.time)
        #expect(swapped.code == .evidenceChain && swapped.detail.contains("another key"))
    }

    // MARK: Policy

    @Test func `a named key needs no certificate unless the policy asks for one`() throws {
        var fixture = try TPMFixture()
        fixture.hasCertificates = false
        var policy = AcceptancePolicy.default
        policy.tpm.attestationKeys = [fixture.key.pin]
        let verdict = try fixture.verdict(policy: policy)
        #expect(verdict.accepted && verdict.grade == .simulated, Comment(rawValue: verdict.json.text))
        policy.tpm.requiresCertificate = true
        #expect(try fixture.verdict(policy: policy).code == .evidenceChain)
        policy.tpm.requiresCertificate = false
        policy.tpm.attestationKeys = [try TPMTestKey.otherRSA().pin]
        #expect(try fixture.verdict(policy: policy).code == .evidenceChain)
    }

    @Test func `registers are required by bank, index and value, and must be quoted`() throws {
        let fixture = try TPMFixture()
        var policy = AcceptancePolicy.default
        let good = try #require(fixture.registers[PCR(.sha256, 7)])
        policy.tpm.pcrs.values = [PCR(.sha256, 7): [good, Array(repeating: 1, count: 32)]]
        #expect(try fixture.verdict(policy: policy).accepted)
        policy.tpm.pcrs.values = [PCR(.sha256, 7): [Array(repeating: 1, count: 32)]]
        #expect(try fixture.verdict(policy: policy).check("pcr-values")?.code == .platformPolicy)
        policy.tpm.pcrs.values = [PCR(.sha384, 7): [good]]
        #expect(try fixture.verdict(policy: policy).code == .platformPolicy)
        // A value that was supplied but not quoted is nobody's.
        var partial = fixture
        partial.quote.map = [0x7f, 0xff, 0xff]
        policy.tpm.pcrs.values = [PCR(.sha256, 7): [good]]
        let verdict = try partial.verdict(policy: policy)
        #expect(verdict.code == .platformPolicy && !verdict.isPolicyMet, Comment(rawValue: verdict.json.text))
        #expect(verdict.claims["x-cloister-tpm-pcrs"]?["sha256"]?["7"] == nil)
        #expect(verdict.check("pcr-digest")?.detail.contains("1 supplied values that are not quoted") == true)
    }

    @Test func `an event log is required with all registers of the firmware`() throws {
        var policy = AcceptancePolicy.default
        policy.tpm.pcrs.requiresEventLog = true
        var fixture = try TPMFixture()
        #expect(try fixture.verdict(policy: policy).accepted)
        fixture.log?.events.removeAll { $0.pcr == 5 }
        let partial = try fixture.verdict(policy: policy)
        #expect(partial.code == .platformPolicy && partial.check("event-log")?.outcome == .failed)
        fixture.log = nil
        #expect(try fixture.verdict(policy: policy).code == .platformPolicy)
        #expect(try fixture.verdict().accepted)
    }

    @Test func `only events of quoted registers come out`() throws {
        var fixture = try TPMFixture()
        fixture.quote.map = [0x03, 0, 0]
        guard case .tpm(let state) = try fixture.verdict().attested else {
            Issue.record("not accepted")
            return
        }
        #expect(state.events.map(\.pcr) == [0, 0, 1])
        #expect(state.events.allSatisfy { Array($0.digests.keys) == [.sha256] })
    }

    // MARK: Bytes

    @Test func `AC-018 no cut of evidence without optional parts is accepted, and none traps`() throws {
        var fixture = try TPMFixture()
        (fixture.log, fixture.hasCertificates) = (nil, false)
        let evidence = try fixture.evidence()
        let verifier = EvidenceVerifier(anchors: .vendors)
        for count in 0..<evidence.count {
            let verdict = verifier.verify(
                Array(evidence.prefix(count)), tee: .tpm, collateral: nil, at: TPMFixture.time)
            #expect(verdict.code == .evidenceMalformed, "\(count) bytes")
        }
    }

    @Test func `AC-001 every bit matters but those that describe the key and are not signed`() throws {
        var fixture = try TPMFixture(key: .p256(.init()))
        (fixture.log, fixture.hasCertificates) = (nil, false)
        var policy = AcceptancePolicy.default
        policy.tpm.attestationKeys = [fixture.key.pin]
        let verifier = EvidenceVerifier(anchors: .vendors)
        var evidence = try fixture.evidence()
        let nonce = fixture.quote.nonce
        func isAccepted() -> Bool {
            verifier.verify(
                evidence, tee: .tpm, collateral: nil, at: TPMFixture.time, policy: policy, reportData: nonce
            ).accepted
        }
        #expect(isAccepted())
        // Name algorithm and attributes, behind the field's head and the key's type.
        let description = 4..<10
        for bit in 0..<evidence.count * 8 {
            evidence[bit / 8] ^= 1 << UInt8(bit % 8)
            if !description.contains(bit / 8) { #expect(!isAccepted(), "bit \(bit)") }
            evidence[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }

    @Test func `AC-018 noise is refused and does not trap`() {
        var generator = SystemRandomNumberGenerator()
        let verifier = EvidenceVerifier(anchors: .vendors)
        for count in [0, 1, 2, 40, 600] {
            for _ in 0..<50 {
                var noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                if count > 2 { noise.replaceSubrange(0..<3, with: [0x0a, 0x98, 0x02]) }
                #expect(!verifier.verify(noise, tee: .tpm, collateral: nil, at: TPMFixture.time).accepted)
            }
        }
    }
}
