import Encoding
import Evidence
import TestSupport
import Testing

/// What the table of cases does not say of recorded TDX evidence.
@Suite("Recorded TDX evidence", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct TDXVectorTests {
    private func verdict(
        _ quote: String, _ collateral: String, at time: String, policy: AcceptancePolicy = .default
    ) throws -> Verdict {
        let json = try JSON.parse(try Vectors.bytes(collateral))
        return EvidenceVerifier(anchors: .vendors).verify(
            try Vectors.bytes(quote), tee: .tdx, collateral: .dcap(try DCAPCollateral(json: json)),
            at: try #require(Timestamp(rfc3339: time)), policy: policy)
    }

    // Its quoting enclave is of another signer than its QE identity says, which Intel's library looks at only later.
    @Test func `Intel's sample under its own root has good signatures, and neither its enclave nor its module`() throws
    {
        let vector = try VectorCase.named("tdx-intel-sample")
        let pem = String(decoding: try Vectors.bytes(try #require(vector.trustedRoot)), as: UTF8.self)
        let root = try Certificate.chain(pem: pem)[0]
        let verifier = EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(root, as: .dcap, grade: .simulated))
        let verdict = try vector.verdict(verifier)
        #expect(verdict.signatureChain == .valid && verdict.tcb == nil, Comment(rawValue: verdict.json.text))
        #expect(verdict.failures == ["qe-identity", "tcb-inconsistent", "platform-policy"])
        #expect(verdict.check("tdx-module")?.code == .tcbInconsistent)
    }

    @Test func `a quote with text after it reaches no level once the text is gone`() throws {
        let verdict = try verdict(
            "tdx/oasis/quote_v4_tdx_ecdsa_p256_out_of_date.bin", "tdx/google/collateral-50806f-2023-06.json",
            at: "2023-06-18T09:42:58Z")
        #expect(verdict.code == .tcbNotAccepted && verdict.tcbStatus == "NotSupported")
        #expect(verdict.signatureChain == .valid && verdict.tcb?.shortcomings.isEmpty == false)
    }

    @Test func `zero bytes after a quote are said`() throws {
        let verdict = try VectorCase.named("tdx-google-cos113-padded").verdict()
        #expect(verdict.check("format")?.detail == "TDX quote of version 4, 4935 bytes, then 3065 zero bytes")
    }

    @Test func `a domain with a service TD is accepted where the policy lists it`() throws {
        let vector = try VectorCase.named("tdx-oe-v5-servicetd-ood")
        var policy = AcceptancePolicy.default
        policy.tdx.mrServiceTDs = nil
        #expect(try vector.verdict(policy: policy).accepted)
        let quote = try TDXQuote(try vector.evidence()[...])
        policy.tdx.mrServiceTDs = [Array(try #require(quote.report.mrServiceTD))]
        #expect(try vector.verdict(policy: policy).accepted)
    }

    @Test func `what an outdated platform lacks is named with who updates it`() throws {
        let tcb = try #require(try VectorCase.named("tdx-google-cos113-eval21").verdict().tcb)
        #expect(tcb.status == .outOfDate && tcb.platform.status == .outOfDate && tcb.module?.status == .outOfDate)
        #expect(tcb.quotingEnclave?.status == .upToDate && tcb.evaluationDataNumber == 21)
        #expect(tcb.platform.date?.description == "2024-03-13T00:00:00Z")
        let lacks = tcb.shortcomings.map(\.description)
        #expect(lacks.contains("SGX component 1: 7 < 9 (BIOS: Early Microcode Update)"))
        #expect(lacks.contains("TDX component 3: 7 < 9 (OS/VMM: TDX Late Microcode Update)"))
        #expect(lacks.contains("TDX module ISVSVN: 4 < 13 (OS/VMM: TDX Module)"))
        #expect(!lacks.contains { $0.hasPrefix("TDX component 1:") || $0.hasPrefix("TDX component 2:") })
    }

    @Test func `the claims of a quote are those of the compatible API`() throws {
        let json = try JSON.parse(try Vectors.bytes("maa-requests/tdx-quote-v4.json"))
        let quote = try #require(json["request"]?["quote"]?.string.flatMap { Base64.decode($0, .lenient) })
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            quote, tee: .tdx, collateral: nil, at: try #require(Timestamp(rfc3339: "2025-06-01T00:00:00Z")))
        #expect(verdict.signatureChain == .valid, Comment(rawValue: verdict.json.text))
        let expected = try #require(json["expected"]?.object)
        for (name, value) in expected { #expect(verdict.claims[name] == value, "\(name)") }
        #expect(verdict.claims.count == 31 && verdict.claims["attester_tcb_status"] == nil)
        #expect(verdict.claims["dbgstat"] == "disabled" && verdict.claims["tdx_xfam_cet_u"] == true)
        let judged = try VectorCase.named("tdx-oe-v5-relaunch").verdict()
        #expect(judged.claims["attester_tcb_status"] == "TDRelaunchAdvised" && judged.claims.count == 32)
    }

    @Test(
        "which collateral a quote needs is read from its certificate",
        arguments: [
            ("tdx/phala-b0c06f-v4/quote.bin", TEE.tdx, "b0c06f000000", "platform"),
            ("tdx/google/quote_v5_sample.dat", .tdx, "90c06f000000", "platform"),
            ("sgx/phala-00a067/quote.bin", .sgx, "00a067110000", "processor"),
        ])
    func identity(_ path: String, _ tee: TEE, _ fmspc: String, _ ca: String) throws {
        let identity = try DCAPPlatformIdentity(of: try DCAPQuote(try Vectors.bytes(path)[...]))
        #expect(identity.tee == tee && Hex.encode(identity.fmspc) == fmspc && identity.ca == ca)
    }
}
