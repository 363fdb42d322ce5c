import Encoding
import Evidence
import TestSupport
import Testing

@Suite("Recorded evidence gives its verdict", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct VectorTests {
    /// The exact code of each case that is refused.
    private static let codes: [String: String] = [
        "sgx-phala-expired-collateral": "collateral-invalid",
        "sgx-phala-collateral-not-yet-valid": "collateral-invalid",
        "sgx-wrong-fmspc": "collateral-invalid",
        "sgx-oasis-eppid-type3": "evidence-chain",
        "sgx-occlum-debug": "debug-enabled",
        "sgx-oe-2022": "debug-enabled",
        "sgx-oe-bad-chain": "evidence-chain",
        "sgx-fortanix-corrupted": "collateral-invalid",
        "sgx-intel-sample": "untrusted-root",
        "tdx-intel-sample": "untrusted-root",
        "tdx-phala-v4-expired": "collateral-invalid",
        "tdx-phala-v5-notsupported": "tcb-not-accepted",
        "tdx-oe-v5-servicetd-ood": "platform-policy",
        // 39 bytes of text follow the quote; without them no level matches, which has a test of its own.
        "tdx-google-spr-notsupported": "evidence-malformed",
        "tdx-oe-v4-septve": "platform-policy",
        "tdx-trustee-v4-debug": "debug-enabled",
        "tdx-google-v5-pck-not-yet-valid": "evidence-chain",
        "tdx-trustee-v5-notsupported": "tcb-not-accepted",
        "tdx-wrong-tee-collateral": "collateral-invalid",
        "snp-milan-v2-debug": "debug-enabled",
        "snp-milan-wrong-vcek": "evidence-signature",
        "snp-milan-fake-vcek-legacy": "evidence-chain",
        "snp-milan-fake-vcek-new": "evidence-chain",
        "snp-turin-wrong-vcek": "evidence-signature",
    ]

    @Test("SGX case", arguments: VectorCase.all(.sgx))
    func sgx(_ vector: VectorCase) throws { try check(vector) }

    @Test("TDX case", arguments: VectorCase.all(.tdx))
    func tdx(_ vector: VectorCase) throws { try check(vector) }

    @Test("SNP case", arguments: VectorCase.all(.snp))
    func snp(_ vector: VectorCase) throws { try check(vector) }

    private func check(_ vector: VectorCase) throws {
        let verdict = try vector.verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        if vector.isAccepted, vector.trustedRoot == nil {
            #expect(verdict.accepted && verdict.grade == .hardware && verdict.signatureChain == .valid, explanation)
            #expect(verdict.validUntil.map { $0 > vector.time } == true, explanation)
        } else {
            #expect(verdict.code?.name == VectorTests.codes[vector.id] ?? "no code expected", explanation)
        }
        if vector.isGenuineButRefused {
            #expect(verdict.signatureChain == .valid && !verdict.claims.isEmpty, explanation)
            #expect(verdict.isDebuggable == vector.isDebuggable, explanation)
        }
        if let status = vector.tcbStatus, vector.trustedRoot == nil {
            #expect(verdict.tcbStatus == status, explanation)
        }
        if let advisories = vector.advisories { #expect(Set(verdict.advisories) == Set(advisories), explanation) }
    }

    @Test func `Intel's sample is valid under its own root and only there`() throws {
        let vector = try VectorCase.named("sgx-intel-sample")
        let pem = String(decoding: try Vectors.bytes(try #require(vector.trustedRoot)), as: UTF8.self)
        let root = try Certificate.chain(pem: pem)[0]
        let verifier = EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(root, as: .dcap, grade: .simulated))
        let verdict = try vector.verdict(verifier)
        #expect(verdict.accepted && verdict.tcbStatus == "UpToDate", Comment(rawValue: verdict.json.text))
        #expect(verdict.grade == .simulated)
        #expect(try vector.verdict().signatureChain == .invalid)
    }

    @Test func `the corrupted quote is also refused for its signature`() throws {
        let verdict = try VectorCase.named("sgx-fortanix-corrupted").verdict()
        #expect(verdict.failures.contains("evidence-signature"))
        #expect(verdict.check("certificate-chain")?.outcome == .passed)
        #expect(verdict.claims.isEmpty && verdict.reportData.isEmpty)
    }

    @Test(
        "chip id and TCB of a foreign VCEK are named too", arguments: ["snp-milan-wrong-vcek", "snp-turin-wrong-vcek"])
    func foreign(_ id: String) throws {
        let verdict = try VectorCase.named(id).verdict()
        #expect(verdict.check("chip-id")?.outcome == .failed)
        #expect(verdict.failures.contains("tcb-inconsistent"))
    }

    @Test func `a policy against provisional firmware refuses current above committed`() throws {
        let vector = try VectorCase.named("snp-milan-v2-azure")
        var policy = AcceptancePolicy.default
        policy.snp.refusesProvisionalFirmware = true
        let verdict = try vector.verdict(policy: policy)
        #expect(verdict.code == .platformPolicy && verdict.signatureChain == .valid && !verdict.isPolicyMet)
        #expect(try vector.verdict().accepted)
    }

    @Test func `the claims of a report are those of the compatible API`() throws {
        let verdict = try VectorCase.named("snp-turin-v5").verdict()
        #expect(verdict.claims["x-ms-sevsnpvm-chip-family"] == "Turin")
        #expect(verdict.claims["x-ms-sevsnpvm-chipid"]?.string?.count == 16)
        #expect(verdict.claims["x-ms-sevsnpvm-snpfw-svn"] == 2)
        #expect(verdict.claims["x-ms-sevsnpvm-bootloader-svn"] == 1)
        #expect(verdict.claims["x-ms-sevsnpvm-microcode-svn"] == 71)
        #expect(verdict.claims["x-ms-sevsnpvm-is-debuggable"] == false)
        #expect(verdict.claims.count == 25)
    }

    @Test func `the claims of a quote are those of the compatible API`() throws {
        let vector = try VectorCase.named("sgx-phala-cfg-swh")
        let verdict = try vector.verdict()
        #expect(
            Set(verdict.claims.keys) == [
                "x-ms-sgx-is-debuggable", "x-ms-sgx-mrenclave", "x-ms-sgx-mrsigner", "x-ms-sgx-product-id",
                "x-ms-sgx-svn", "x-ms-sgx-report-data", "x-ms-sgx-collateral", "maa-attestationcollateral",
            ])
        let hashes = try #require(verdict.claims["x-ms-sgx-collateral"])
        #expect(hashes["quotehash"]?.string == Digest(of: try vector.evidence()).hex)
        #expect(hashes.object?.count == 7)
        #expect(verdict.hostData.isEmpty && verdict.reportData.count == 64)
    }

    @Test func `the verdict ends with the first of what it rests on`() throws {
        let verdict = try VectorCase.named("sgx-phala-cfg-swh").verdict()
        #expect(verdict.validUntil?.description == "2025-07-19T10:01:18Z")
        #expect(verdict.check("qe-identity-document")?.detail.contains("17") == true)
    }
}

@Suite("AMD's revocation lists", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct RecordedRevocationListTests {
    private func verdict(
        _ id: String, list: String, at time: String, policy: AcceptancePolicy = .default
    ) throws -> Verdict {
        let vector = try VectorCase.named(id)
        guard case .snp(let collateral) = try vector.collateral() else { throw Refusal(.evidenceMalformed, id) }
        let complete = SNPCollateral(vek: collateral.vek, chain: collateral.chain, crl: try Vectors.bytes(list))
        return EvidenceVerifier(anchors: .vendors).verify(
            try vector.evidence(), tee: .snp, collateral: .snp(complete),
            at: try #require(Timestamp(rfc3339: time)), policy: policy)
    }

    @Test func `a fresh list is checked, and bounds the verdict`() throws {
        let verdict = try verdict("snp-milan-v3", list: "snp/chains/milan/crl-2025-05.der", at: "2025-06-01T00:00:00Z")
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
        #expect(verdict.check("revocation")?.outcome == .passed)
        #expect(verdict.validUntil?.description.hasPrefix("2026-05-12") == true)
    }

    @Test func `the Genoa list, with its one entry, does not revoke today's ASK`() throws {
        let verdict = try verdict("snp-genoa-v3", list: "snp/chains/genoa/crl-2024-10.der", at: "2025-08-19T22:15:42Z")
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
    }

    @Test(
        "AC-012 an expired, future or foreign list is refused",
        arguments: [
            ("snp/chains/milan/crl-2025-05.der", "2026-06-01T00:00:00Z"),
            ("snp/chains/milan/crl-2025-05.der", "2025-04-01T00:00:00Z"),
            ("snp/chains/genoa/crl-2024-10.der", "2025-06-01T00:00:00Z"),
        ])
    func stale(_ list: String, _ time: String) throws {
        let verdict = try verdict("snp-milan-v3", list: list, at: time)
        #expect(verdict.code == .collateralInvalid, Comment(rawValue: verdict.json.text))
    }

    @Test func `an absent list is noted, and refused where the policy asks for one`() throws {
        let vector = try VectorCase.named("snp-milan-v3")
        #expect(try vector.verdict().check("revocation-lists")?.outcome == .notApplicable)
        var policy = AcceptancePolicy.default
        policy.requireRevocationLists = true
        #expect(try vector.verdict(policy: policy).code == .collateralInvalid)
    }
}
