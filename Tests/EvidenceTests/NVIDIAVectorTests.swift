import Encoding
import Evidence
import TestSupport
import Testing

@Suite("Recorded NVIDIA reports give their verdict", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct NVIDIAVectorTests {
    @Test("NVIDIA case", arguments: VectorCase.all(.nvidia))
    func verdict(_ vector: VectorCase) throws {
        let verdict = try vector.verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        if vector.isAccepted {
            #expect(verdict.accepted && verdict.grade == .hardware && verdict.signatureChain == .valid, explanation)
            #expect(verdict.check("firmware-id")?.outcome == .passed, explanation)
            #expect(verdict.claims["x-cloister-nvidia-measurements"]?.object?.count == 64, explanation)
        } else {
            #expect(verdict.code == .evidenceSignature && verdict.signatureChain == .invalid, explanation)
            #expect(verdict.check("certificate-chain")?.outcome == .passed, explanation)
        }
    }

    @Test func `all four cases are there, and three are accepted`() {
        let cases = VectorCase.all(.nvidia)
        #expect(cases.count == 4 && cases.filter(\.isAccepted).count == 3)
    }

    @Test("a policy that asks for a revocation answer refuses, the certificate on hold among the rest")
    func hold() throws {
        var policy = AcceptancePolicy.default
        policy.nvidia.requiresRevocationAnswer = true
        let verdict = try VectorCase.named("nvidia-hopper-hold").verdict(policy: policy)
        #expect(verdict.code == .collateralInvalid && verdict.signatureChain == .valid)
    }

    @Test func `versions are written as NVIDIA writes them`() throws {
        let hopper = try VectorCase.named("nvidia-hopper").verdict()
        #expect(hopper.claims["x-cloister-nvidia-driver-version"] == "590.12")
        #expect(hopper.claims["x-cloister-nvidia-vbios-version"] == "96.00.A5.00.01")
        #expect(hopper.claims["x-cloister-nvidia-project"] == "G520")
        #expect(hopper.validUntil?.description == "9999-12-31T23:59:59Z")
        let blackwell = try VectorCase.named("nvidia-blackwell").verdict()
        #expect(blackwell.claims["x-cloister-nvidia-vbios-version"] == "97.00.88.00.0F")
    }

    @Test func `a switch's report has the same form and is verified`() throws {
        let evidence = try Vectors.bytes("nvidia/switch_evidence_ls10.json")
        let time = Timestamp(seconds: 1_767_225_600)
        let verdict = EvidenceVerifier(anchors: .vendors).verify(evidence, tee: .nvidia, collateral: nil, at: time)
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
        #expect(verdict.claims["x-cloister-nvidia-device"]?.string?.hasPrefix("LS_10") == true)
        #expect(verdict.claims["x-cloister-nvidia-vbios-version"] == "96.10.55.00.01")
        #expect(verdict.check("firmware-id")?.outcome == .notApplicable)
    }

    @Test func `the pinned key is that of NVIDIA's root`() throws {
        let pem = String(decoding: try Vectors.bytes("nvidia/nvidia_device_root.pem"), as: UTF8.self)
        let root = try Certificate.chain(pem: pem)[0]
        #expect(Digest(of: root.der).hex == "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48")
        #expect(TrustAnchors.vendors.all.contains { $0.role == .nvidia && $0.pin == root.pin })
    }

    @Test("AC-001 a report with another device's chain is refused")
    func foreignChain() throws {
        let hopper = try NVIDIAEvidence(parsing: try VectorCase.named("nvidia-hopper").evidence()[...])
        let hold = try NVIDIAEvidence(parsing: try VectorCase.named("nvidia-hopper-hold").evidence()[...])
        let mixed = NVIDIAEvidence(report: hopper.report, certificateChain: hold.certificateChain)
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            mixed.json.canonical, tee: .nvidia, collateral: nil, at: Timestamp(seconds: 1_767_225_600))
        #expect(verdict.code == .evidenceSignature)
    }
}
