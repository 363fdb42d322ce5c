import Encoding
import Evidence
import TestSupport
import Testing

@Suite("Recorded Nitro documents give their verdict", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct NitroVectorTests {
    private static let codes: [String: String] = [
        "nitro-2021-debug": "debug-enabled", "nitro-2021-expired": "evidence-chain",
        "nitro-tampered-cert": "evidence-chain", "nitro-tampered-sig": "evidence-signature",
        "nitro-2024-debug": "debug-enabled", "nitro-selfsigned": "evidence-malformed",
        "nitro-2022-debug": "debug-enabled", "nitro-2023-debug": "debug-enabled",
    ]

    @Test("Nitro case", arguments: VectorCase.all(.nitro))
    func verdict(_ vector: VectorCase) throws {
        let verdict = try vector.verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        if vector.isAccepted {
            #expect(verdict.accepted && verdict.grade == .hardware && verdict.signatureChain == .valid, explanation)
            #expect(verdict.validUntil.map { $0 > vector.time && $0 - vector.time <= 10_800 } == true, explanation)
        } else {
            #expect(verdict.code?.name == NitroVectorTests.codes[vector.id] ?? "no code expected", explanation)
        }
        if vector.isGenuineButRefused {
            #expect(verdict.signatureChain == .valid && !verdict.claims.isEmpty && verdict.isDebuggable, explanation)
        }
    }

    @Test func `all ten cases are there`() { #expect(VectorCase.all(.nitro).count == 10) }

    @Test func `the certificate of the tampered document is named, and its claims are withheld`() throws {
        let verdict = try VectorCase.named("nitro-tampered-cert").verdict()
        #expect(verdict.check("certificate-chain")?.detail.contains("not readable") == true)
        #expect(verdict.signatureChain == .notChecked && verdict.claims.isEmpty && verdict.attested == nil)
    }

    @Test func `the expired document is genuine at its own time, and a debug enclave`() throws {
        let vector = try VectorCase.named("nitro-2021-expired")
        let document = try NitroDocument(try vector.evidence()[...])
        #expect(try vector.verdict(at: document.timestamp).signatureChain == .valid)
        #expect(document.timestamp.description == "2021-09-09T10:19:20Z")
        #expect(document.nonce?.count == 16 && document.userData?.count == 64 && document.publicKey == nil)
    }

    @Test func `the nonce of 2024 has 1,024 bytes and is the binding`() throws {
        let vector = try VectorCase.named("nitro-2024-max-fields")
        let verdict = try vector.verdict()
        #expect(verdict.reportData == Array(repeating: 1, count: 1_024))
        #expect(verdict.claims["x-cloister-nitro-pcrs"]?["0"]?.string?.hasPrefix("e72a") == true)
        let asked = EvidenceVerifier(anchors: .vendors).verify(
            try vector.evidence(), tee: .nitro, collateral: nil, at: vector.time, reportData: verdict.reportData)
        #expect(asked.accepted)
    }

    @Test func `roots that were tampered with or are of somebody else do not vouch for a document`() throws {
        let vector = try VectorCase.named("nitro-2022")
        let pem = String(decoding: try Vectors.bytes("nitro/fortanix/unknown_ca.crt"), as: UTF8.self)
        let unknown = try Certificate.chain(pem: pem)[0]
        let verifier = EvidenceVerifier(anchors: TrustAnchors().trusting(unknown, as: .nitro, grade: .hardware))
        #expect(try vector.verdict(verifier).code == .untrustedRoot)
        let tampered = String(decoding: try Vectors.bytes("nitro/fortanix/tampered_root_cert.crt"), as: UTF8.self)
        if let root = try? Certificate.chain(pem: tampered)[0] { #expect(!root.isSigned(by: root)) }
    }

    @Test func `the pinned key is that of the root with the published fingerprint`() throws {
        let pem = String(decoding: try Vectors.bytes("nitro/fortanix/aws.crt"), as: UTF8.self)
        let root = try Certificate.chain(pem: pem)[0]
        #expect(Digest(of: root.der).hex == "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b")
        #expect(TrustAnchors.vendors.all.contains { $0.role == .nitro && $0.pin == root.pin })
    }

    @Test("AC-001 AC-002 a flipped bit in any byte of a document is refused")
    func bits() throws {
        let vector = try VectorCase.named("nitro-2022")
        let verifier = EvidenceVerifier(anchors: .vendors)
        let evidence = try vector.evidence()
        var accepted: [Int] = []
        for index in evidence.indices {
            var changed = evidence
            changed[index] ^= 1 << UInt8(index % 8)
            if verifier.verify(changed, tee: .nitro, collateral: nil, at: vector.time).accepted {
                accepted.append(index)
            }
        }
        #expect(accepted.isEmpty, "accepted with a bit changed in these bytes: \(accepted)")
    }
}
