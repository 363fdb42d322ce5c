import Crypto
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
    /// SHA-256 over the SHA-256 of each member: what caches of verified collateral go by.
    public let digest: Encoding.Digest
    /// Of the members that are signed or stand in claims.
    let hashes: Hashes

    struct Hashes: Sendable {
        let rootCACRL: SHA256Digest
        let tcbInfoIssuerChain: SHA256Digest
        let tcbInfo: SHA256Digest
        let qeIdentityIssuerChain: SHA256Digest
        let qeIdentity: SHA256Digest
    }

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
        func hash(_ text: String) -> SHA256Digest { SHA256.hash(data: Array(text.utf8)) }
        hashes = Hashes(
            rootCACRL: hash(rootCACRL), tcbInfoIssuerChain: hash(tcbInfoIssuerChain), tcbInfo: hash(tcbInfo),
            qeIdentityIssuerChain: hash(qeIdentityIssuerChain), qeIdentity: hash(qeIdentity))
        var all: [SHA256Digest] = [
            hash(pckCRLIssuerChain), hashes.rootCACRL, hash(pckCRL), hashes.tcbInfoIssuerChain, hashes.tcbInfo,
            hash(tcbInfoSignature), hashes.qeIdentityIssuerChain, hashes.qeIdentity, hash(qeIdentitySignature),
        ]
        // An absent chain and an empty one are different content.
        if let pckCertificateChain { all.append(hash(pckCertificateChain)) }
        digest = Digest(of: all.flatMap { Array($0) })
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
