public import Encoding

/// What Intel publishes and signs about a family of platforms, as text exactly as it was received.
///
/// The signatures cover the exact bytes of `tcbInfo` and `qeIdentity`; nothing here is re-serialised.
///
/// - Source: formats section 8; member names of `vectors/README.md`; Intel PCS API v3 and v4.
public struct DCAPCollateral: Hashable, Sendable {
    /// PEM: the CA that issued the PCK certificate (Processor or Platform), then the root.
    public let pckCRLIssuerChain: String
    /// Revocation lists as hexadecimal DER.
    public let rootCACRL: String
    public let pckCRL: String
    /// PEM: TCB signing certificate, then the root.
    public let tcbInfoIssuerChain: String
    public let tcbInfo: String
    /// r and s in hexadecimal.
    public let tcbInfoSignature: String
    /// PEM: TCB signing certificate, then the root.
    public let qeIdentityIssuerChain: String
    public let qeIdentity: String
    /// r and s in hexadecimal.
    public let qeIdentitySignature: String
    /// PEM: PCK certificate, its CA, the root; for quotes that do not carry their chain.
    public let pckCertificateChain: String?
    /// SHA-256 over all members with their lengths: what caches of verified collateral go by.
    public let digest: Digest
    /// Claim `x-ms-sgx-collateral` without the quote's hash.
    let hashes: [String: JSON]

    public init(
        pckCRLIssuerChain: String, rootCACRL: String, pckCRL: String, tcbInfoIssuerChain: String, tcbInfo: String,
        tcbInfoSignature: String, qeIdentityIssuerChain: String, qeIdentity: String, qeIdentitySignature: String,
        pckCertificateChain: String? = nil
    ) {
        self.pckCRLIssuerChain = pckCRLIssuerChain
        self.rootCACRL = rootCACRL
        self.pckCRL = pckCRL
        self.tcbInfoIssuerChain = tcbInfoIssuerChain
        self.tcbInfo = tcbInfo
        self.tcbInfoSignature = tcbInfoSignature
        self.qeIdentityIssuerChain = qeIdentityIssuerChain
        self.qeIdentity = qeIdentity
        self.qeIdentitySignature = qeIdentitySignature
        self.pckCertificateChain = pckCertificateChain
        // An absent chain and an empty one are different content.
        digest = ContentDigest.of(
            [
                pckCRLIssuerChain, rootCACRL, pckCRL, tcbInfoIssuerChain, tcbInfo, tcbInfoSignature,
                qeIdentityIssuerChain, qeIdentity, qeIdentitySignature,
            ] + (pckCertificateChain.map { [$0] } ?? []))
        func hash(_ text: String) -> JSON { .string(Digest(of: text).hex) }
        hashes = [
            "qeidhash": hash(qeIdentity), "qeidcertshash": hash(qeIdentityIssuerChain), "qeidcrlhash": hash(rootCACRL),
            "tcbinfohash": hash(tcbInfo), "tcbinfocertshash": hash(tcbInfoIssuerChain),
            "tcbinfocrlhash": hash(rootCACRL),
        ]
    }

    /// - Throws: `evidence-malformed` for a missing, unknown or wrongly typed member.
    public init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "DCAP collateral", refusing: .evidenceMalformed)
        self.init(
            pckCRLIssuerChain: try reader.string("pck_crl_issuer_chain"),
            rootCACRL: try reader.string("root_ca_crl"),
            pckCRL: try reader.string("pck_crl"),
            tcbInfoIssuerChain: try reader.string("tcb_info_issuer_chain"),
            tcbInfo: try reader.string("tcb_info"),
            tcbInfoSignature: try reader.string("tcb_info_signature"),
            qeIdentityIssuerChain: try reader.string("qe_identity_issuer_chain"),
            qeIdentity: try reader.string("qe_identity"),
            qeIdentitySignature: try reader.string("qe_identity_signature"),
            pckCertificateChain: reader.has("pck_certificate_chain")
                ? try reader.string("pck_certificate_chain") : nil)
        try reader.finish()
    }

    public var json: JSON {
        var members: [String: JSON] = [
            "pck_crl_issuer_chain": .string(pckCRLIssuerChain), "root_ca_crl": .string(rootCACRL),
            "pck_crl": .string(pckCRL), "tcb_info_issuer_chain": .string(tcbInfoIssuerChain),
            "tcb_info": .string(tcbInfo), "tcb_info_signature": .string(tcbInfoSignature),
            "qe_identity_issuer_chain": .string(qeIdentityIssuerChain), "qe_identity": .string(qeIdentity),
            "qe_identity_signature": .string(qeIdentitySignature),
        ]
        if let pckCertificateChain { members["pck_certificate_chain"] = .string(pckCertificateChain) }
        return .object(members)
    }

    public static func == (left: DCAPCollateral, right: DCAPCollateral) -> Bool { left.digest == right.digest }
    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
