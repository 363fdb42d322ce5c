import Encoding
import TestSupport
import Testing

@testable import Evidence

/// Recorded evidence of Azure VMs, with AMD's chains added where it carries a VCEK alone.
private struct HCLCase {
    let vector: VectorCase
    let evidence: HCLEvidence
    let collateral: EvidenceCollateral?

    init(_ vector: VectorCase) throws {
        self.vector = vector
        if let file = vector.tpmQuoteFile {
            evidence = HCLEvidence(
                report: try vector.evidence(), quote: try HCLQuote(bincode: Vectors.bytes(file)))
        } else {
            evidence = try HCLEvidence(parsing: vector.evidence()[...])
        }
        let product = vector.id.contains("genoa") ? "genoa" : "milan"
        let chain = String(
            decoding: try Vectors.bytes("snp/chains/\(product)/ask_ark_\(product).pem"), as: UTF8.self)
        if vector.id == "hcl-snp-file-pair" {
            let certificates = try Certificate.chain(
                pem: String(decoding: Vectors.bytes("hcl/snp/vcek.pem"), as: UTF8.self))
            collateral = .snp(
                SNPCollateral(vek: PEM.encode(certificates[0].der, label: "CERTIFICATE"), chain: chain))
        } else {
            collateral = evidence.collateral(chain: chain).map { .snp($0) }
        }
    }

    func verdict(_ policy: AcceptancePolicy = .default, nonce: [UInt8]?) -> Verdict {
        EvidenceVerifier(anchors: .vendors).verify(
            evidence.json.canonical, tee: .hcl, collateral: collateral, at: vector.time, policy: policy,
            reportData: nonce)
    }
}

@Suite(
    "Recorded evidence of Azure VMs gives its verdict", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct HCLVectorTests {
    static let snpCases = VectorCase.all(.hcl).filter { $0.id.contains("snp") }

    @Test("HCL over SNP", arguments: HCLVectorTests.snpCases)
    func snp(_ vector: VectorCase) throws {
        let recorded = try HCLCase(vector)
        var policy = AcceptancePolicy.default
        policy.snp.idKeyDigests = HCLRequirements.microsoftIDKeyDigests
        policy.hcl.configuration = ["secure-boot": true, "tpm-enabled": true]
        let verdict = recorded.verdict(policy, nonce: vector.nonce)
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.accepted == vector.isAccepted && verdict.accepted, explanation)
        #expect(verdict.grade == .hardware && verdict.signatureChain == .valid, explanation)
        guard case .hcl(let report, let state) = verdict.attested else {
            Issue.record(explanation)
            return
        }
        #expect(state.pcrs.count == 24 && verdict.reportData == vector.nonce)
        #expect(verdict.claims["x-ms-runtime"]?["vm-configuration"]?["secure-boot"] == true)
        #expect(verdict.claims["x-ms-sevsnpvm-vmpl"] == 0 && report.runtimeData.userData?.count == 64)
        // Hardware first, in one record.
        let names = verdict.checks.map(\.name)
        #expect(names.firstIndex(of: "report-signature") ?? 99 < names.firstIndex(of: "tpm-quote-signature") ?? 0)
        if let version = vector.hclHeaderVersion { #expect(report.headerVersion == version) }
    }

    @Test(
        "the recorded bytes themselves are read, whatever their version",
        arguments: HCLVectorTests.snpCases.filter { $0.tpmQuoteFile == nil })
    func recordedBytes(_ vector: VectorCase) throws {
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            try vector.evidence(), tee: .hcl, collateral: try HCLCase(vector).collateral, at: vector.time,
            reportData: vector.nonce)
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
        #expect(verdict.check("paravisor")?.detail.contains("anybody's") == true)
    }

    @Test("hcl-snp-v1 without ASK and ARK says that they have to come as collateral")
    func withoutCollateral() throws {
        let vector = try VectorCase.named("hcl-snp-v1")
        let verifier = EvidenceVerifier(anchors: .vendors)
        let verdict = verifier.verify(
            try vector.evidence(), tee: .hcl, collateral: nil, at: vector.time, reportData: vector.nonce)
        #expect(verdict.code == .evidenceChain && verdict.detail.contains("with ASK or ASVK and ARK"))
        #expect(
            verdict.check("tpm-quote-signature")?.outcome == .passed && verdict.check("pcr-digest")?.outcome == .passed)
        #expect(verdict.signatureChain != .valid && verdict.claims.isEmpty)
    }

    @Test("hcl-kinvolk-mismatch is refused for the quote's signature")
    func mismatch() throws {
        let vector = try VectorCase.named("hcl-kinvolk-mismatch")
        let verdict = try HCLCase(vector).verdict(nonce: vector.nonce)
        #expect(!vector.isAccepted && !verdict.accepted && verdict.signatureChain == .invalid)
        #expect(verdict.check("tpm-quote-signature")?.code == .evidenceSignature, Comment(rawValue: verdict.json.text))
        #expect(verdict.check("tpm-key")?.outcome == .passed)
    }

    @Test("another nonce is refused, and no nonce is said to allow replay")
    func nonce() throws {
        let recorded = try HCLCase(VectorCase.named("hcl-snp-v2"))
        let nonce = try #require(recorded.vector.nonce as [UInt8]?)
        #expect(recorded.verdict(nonce: nonce + [0]).code == .bindingMismatch)
        #expect(recorded.verdict(nonce: []).code == .bindingMismatch)
        let open = recorded.verdict(nonce: nil)
        #expect(open.accepted && open.check("nonce")?.detail.contains("shown before") == true)
        var policy = AcceptancePolicy.default
        policy.hcl.userData = nonce
        #expect(recorded.verdict(policy, nonce: nil).accepted)
        policy.hcl.userData = nonce.reversed()
        #expect(recorded.verdict(policy, nonce: nil).code == .bindingMismatch)
    }

    @Test func `certificates of Azure's attestation keys lead to the pinned root, padded or not`() throws {
        func pem(_ name: String) throws -> [[UInt8]] {
            try #require(
                PEM.decode(String(decoding: Vectors.bytes("hcl/azure-ak/" + name), as: UTF8.self), label: "CERTIFICATE")
            )
        }
        let leaves = try pem("azure_ak_certificates.txt")
        let root = try pem("azure_tpm_root_2023.pem")[0]
        let issuer = try pem("azure_tpm_intermediate_03.pem")[0]
        #expect(leaves.map(\.count) == [1_009, 4_096])
        for leaf in leaves {
            let chain = try AttestationKeyChain([leaf[...], issuer[...], root[...]])
            #expect(TrustAnchors.vendors.anchor(chain.path.root, .azureVTPM)?.grade == .hardware)
            #expect(throws: Refusal.self) {
                try AttestationKeyChain([leaf[...], pem("azure_tpm_intermediate_01.pem")[0][...], root[...]])
            }
            #expect(throws: Refusal.self) { try AttestationKeyChain([leaf[...]]) }
        }
        #expect(try Certificate(der: pem("azure_tpm_intermediate_01.pem")[0]).isSigned(by: Certificate(der: root)))
    }

    @Test("AC-018 no cut of recorded reports and quotes traps or is read as whole")
    func truncation() throws {
        for name in ["snp/hcl-report.bin", "kinvolk/hcl-report-snp.bin", "kinvolk/hcl-report-tdx.bin"] {
            let bytes = try Vectors.bytes("hcl/" + name)
            #expect(throws: Never.self) { try HCLReport(bytes[...]) }
            let end = try #require(bytes.lastIndex { $0 != 0 })
            for count in 0...end { #expect(throws: Refusal.self) { try HCLReport(bytes.prefix(count)) } }
        }
        let quote = try Vectors.bytes("hcl/snp/quote.bin")
        #expect(try HCLQuote(bincode: quote).pcrs.count == 24)
        for count in 0..<quote.count {
            #expect(throws: Refusal.self) { try HCLQuote(bincode: Array(quote.prefix(count))) }
        }
        #expect(throws: Refusal.self) { try HCLQuote(bincode: quote + [0]) }
        for start in [0, 8 + 256, 8 + 256 + 8 + 122] {
            var absurd = quote
            absurd.replaceSubrange(start..<start + 8, with: Array(repeating: 0xff, count: 8))
            #expect(throws: Refusal.self) { try HCLQuote(bincode: absurd) }
        }
    }
}
