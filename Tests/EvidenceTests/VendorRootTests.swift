import Encoding
import TestSupport
import Testing

@testable import Evidence

@Suite("The vendors' published roots", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct VendorRootTests {
    /// Each has one root of a vendor's; the first is Intel's in its older encoding.
    private static let files = [
        "nitro/fortanix/unknown_ca.crt", "snp/chains/genoa/ask_ark_genoa.pem",
        "snp/chains/turin/ask_ark_turin_vcek.pem", "hcl/snp/vcek.pem", "nitro/fortanix/aws.crt",
        "nvidia/hopperCertChain.txt", "hcl/azure-ak/azure_tpm_root_2023.pem", "tpm/gcp_ek_ak_ca_root.crt",
    ]

    /// The CA of PCK certificates, and Intel's root in its newer encoding.
    private func intel() throws -> [Certificate] {
        let file = try Vectors.bytes("sgx/phala-00a067/collateral.json")
        return try Certificate.chain(pem: try DCAPCollateral(json: try JSON.parse(file)).pckCRLIssuerChain)
    }

    @Test func `each that is known byte for byte has a trusted key and signs itself`() throws {
        var roots = [try #require(try intel().last)]
        for file in Self.files {
            let bytes = try Vectors.bytes(file)
            let chain =
                bytes.first == DERValue.Tag.sequence
                ? [try Certificate(der: bytes)] : try Certificate.chain(pem: String(decoding: bytes, as: UTF8.self))
            roots += chain.filter { $0.issuerName == $0.subjectName }
        }
        #expect(Set(roots.map { Digest(of: $0.der) }) == TrustAnchors.publishedCertificates)
        let pins = Set(TrustAnchors.vendors.all.map(\.pin))
        for root in roots {
            #expect(pins.contains(root.pin), "\(root.nameForDetail)")
            #expect(root.isSigned(by: root), "\(root.nameForDetail)")
        }
    }

    @Test("a root with a vendor's key and other bytes must be signed", arguments: ["validity", "signature"])
    func changed(part: String) throws {
        let chain = try intel()
        _ = try CertificatePath(issuers: chain, refusing: .collateralInvalid)
        var root = try #require(chain.last).der
        let ends = Array("491231235959Z".utf8)
        let place = try #require(root.indices.first { root[$0...].starts(with: ends) })
        // The last second, or a bit of s.
        let index = part == "signature" ? root.count - 1 : place + ends.count - 2
        root[index] ^= 1
        let changed = [chain[0], try Certificate(der: root)]
        #expect(changed[1].pin == chain[1].pin)
        let refusal = #expect(throws: Refusal.self) {
            try CertificatePath(issuers: changed, refusing: .collateralInvalid)
        }
        #expect(refusal?.detail.contains("signature") == true)
    }
}
