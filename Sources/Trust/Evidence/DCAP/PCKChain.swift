import Crypto
import Encoding

/// A PCK certificate under its CA and a root, proven but for trust and time.
final class PCKChain: Sendable {
    let path: CertificatePath
    let platform: PCKExtension
    let key: P256.Signing.PublicKey
    /// What the check that names this chain says.
    let detail: String

    var leaf: Certificate { path.certificates[0] }
    var authority: Certificate { path.certificates[1] }
    var root: Certificate { path.certificates[2] }

    /// Reads the chain that a quote embeds.
    ///
    /// - Throws: `evidence-chain`.
    convenience init(embedded text: ArraySlice<UInt8>, known: CertificateMemory) throws(Refusal) {
        try self.init(try CertificateText.certificates(text, atMost: 3, known: known), known: known)
    }

    /// Reads the chain that came with the collateral.
    convenience init(supplied pem: String, known: CertificateMemory) throws(Refusal) {
        try self.init(try Certificate.chain(pem: pem, known: known), known: known)
    }

    /// Exactly leaf, CA and root; some quotes have the last two the other way round.
    private init(_ certificates: [Certificate], known: CertificateMemory) throws(Refusal) {
        guard certificates.count == 3 else {
            throw Refusal(.evidenceChain, "a PCK chain has 3 certificates, not \(certificates.count)")
        }
        var ordered = certificates
        if ordered[1].issuerName == ordered[1].subjectName { ordered.swapAt(1, 2) }
        guard case .p256(let key) = ordered[0].publicKey else {
            throw Refusal(.evidenceChain, "the PCK certificate's key is not P-256")
        }
        path = try CertificatePath(ordered, refusing: .evidenceChain, known: known)
        platform = try PCKExtension(ordered[0])
        self.key = key
        detail =
            "\(path.certificates[0].nameForDetail) under \(path.certificates[1].nameForDetail), FMSPC "
            + Hex.encode(platform.fmspc)
    }
}
