public import Encoding

// What must be known before a vendor is asked: whoever sends made-up evidence must not choose what is asked for.
extension EvidenceVerifier {
    /// Which collateral a quote needs, as a certificate chain under a trusted root says it.
    ///
    /// - Throws: `evidence-chain` when the quote embeds no chain or a broken one; `untrusted-root` or `simulated-root`.
    public func platformIdentity(of quote: DCAPQuote) throws(Refusal) -> DCAPPlatformIdentity {
        let chain = try pckChain(quote.signatureData, supplied: nil)
        try requireTrusted(chain.path, .dcap)
        return DCAPPlatformIdentity(tee: quote.tee, chain: chain)
    }

    /// Whose endorsement key a guest's certificates are about, as they say it under a trusted root.
    ///
    /// - Parameter pem: the VCEK or VLEK, its issuer and the root, in any order, as different guests send them.
    /// - Throws: `evidence-chain`, `untrusted-root` or `simulated-root`.
    public func endorser(of pem: String) throws(Refusal) -> SNPEndorser {
        let digest = Digest(of: pem)
        if let known = snpEndorsers.value(digest) { return known }
        let collateral = try SNPCollateral(unordered: pem)
        let endorsement = try SNPEndorsement(collateral)
        try requireTrusted(endorsement.path, .ark(endorsement.platform.product))
        let endorser = SNPEndorser(
            product: endorsement.platform.product, isVLEK: endorsement.platform.kind == .vlek, collateral: collateral)
        snpEndorsers.insert(endorser, digest)
        return endorser
    }

    private func requireTrusted(_ path: CertificatePath, _ role: TrustAnchors.Role) throws(Refusal) {
        var appraisal = Appraisal(tee: .sgx, .default)
        _ = appraisal.checkAnchor("trusted-root", path, roles: [role], anchors)
        if let failure = appraisal.firstFailure, let code = failure.code { throw Refusal(code, failure.detail) }
    }
}

/// An AMD endorsement key under a trusted root, and its chain in the order of SNP collateral.
public struct SNPEndorser: Sendable {
    public let product: SNPProduct
    public let isVLEK: Bool
    private let collateral: SNPCollateral

    init(product: SNPProduct, isVLEK: Bool, collateral: SNPCollateral) {
        self.product = product
        self.isVLEK = isVLEK
        self.collateral = collateral
    }

    /// With the root's revocation list, DER.
    public func collateral(list: [UInt8]?) -> SNPCollateral {
        SNPCollateral(vek: collateral.vek, chain: collateral.chain, crl: list)
    }
}

extension SNPCollateral {
    fileprivate init(unordered pem: String) throws(Refusal) {
        let certificates = try Certificate.chain(pem: pem)
        guard certificates.count == 3, let root = certificates.first(where: { $0.issuerName == $0.subjectName }),
            let issuer = certificates.first(where: { $0 != root && $0.issuerName == root.subjectName }),
            let leaf = certificates.first(where: { $0 != root && $0 != issuer && $0.issuerName == issuer.subjectName })
        else { throw Refusal(.evidenceChain, "the certificates are not the endorsement key, its issuer and the root") }
        func text(_ certificate: Certificate) -> String { PEM.encode(certificate.der, label: "CERTIFICATE") }
        self.init(vek: text(leaf), chain: text(issuer) + text(root))
    }
}
