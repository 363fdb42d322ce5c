import Crypto
import Encoding

/// The certificate of a Nitro document under the issuers that it carries, proven but for trust and time.
///
/// The first issuer in the document is its root. It is evidence like the rest: only a pinned key makes it trusted.
struct NitroChain: Sendable {
    let path: CertificatePath
    let key: P384.Signing.PublicKey
    /// What the check that names this chain says.
    let detail: String

    var leaf: Certificate { path.leaf }

    /// - Throws: `evidence-chain`.
    init(_ document: NitroDocument) throws(Refusal) {
        guard !document.authorities.isEmpty else {
            throw Refusal(.evidenceChain, "the document carries no issuers of its certificate (cabundle)")
        }
        var certificates = [try Certificate(der: document.certificate)]
        for der in document.authorities.reversed() { certificates.append(try Certificate(der: der)) }
        let foreign = certificates.first { if case .p384 = $0.publicKey { false } else { true } }
        guard foreign == nil, case .p384(let key) = certificates[0].publicKey else {
            throw Refusal(.evidenceChain, "the key of \((foreign ?? certificates[0]).nameForDetail) is not P-384")
        }
        path = try CertificatePath(certificates, refusing: .evidenceChain)
        self.key = key
        detail = "\(path.leaf.nameForDetail) under \(document.authorities.count) issuers"
    }
}
