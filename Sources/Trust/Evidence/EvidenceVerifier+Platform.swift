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

    /// Whose endorsement key this is, as a certificate chain under a trusted root says it: the product, and whether it is
    /// a VLEK.
    ///
    /// - Throws: `evidence-chain`, `untrusted-root` or `simulated-root`.
    public func endorser(of collateral: SNPCollateral) throws(Refusal) -> (product: SNPProduct, isVLEK: Bool) {
        let endorsement: SNPEndorsement
        if let known = snpEndorsements.value(collateral.digest) {
            endorsement = known
        } else {
            endorsement = try SNPEndorsement(collateral)
            if endorsement.isComplete, isTrusted(endorsement.path, .ark(endorsement.platform.product)) {
                snpEndorsements.insert(endorsement, collateral.digest)
            }
        }
        try requireTrusted(endorsement.path, .ark(endorsement.platform.product))
        return (endorsement.platform.product, endorsement.platform.kind == .vlek)
    }

    private func requireTrusted(_ path: CertificatePath, _ role: TrustAnchors.Role) throws(Refusal) {
        var appraisal = Appraisal(tee: .sgx, .default)
        _ = appraisal.checkAnchor("trusted-root", path, roles: [role], anchors)
        if let failure = appraisal.firstFailure, let code = failure.code { throw Refusal(code, failure.detail) }
    }
}
