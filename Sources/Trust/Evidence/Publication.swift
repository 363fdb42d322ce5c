import Crypto
package import Encoding

/// One thing that a vendor publishes, proven by itself: its form, its signature up to a trusted root, and that it is
/// about what was asked for.
///
/// Time is compared apart. Whether a signer was revoked is for the verifier to say, with the lists of the moment for
/// which it judges evidence. Everything that is wrong is `collateral-invalid`.
package struct Publication: Sendable {
    /// The root under which it is published.
    package let grade: Grade
    private let validity: Validity

    /// First second at which it holds: its issue date, or later the beginning of a certificate above it.
    package var notBefore: Timestamp { validity.notBefore }
    /// Until when it holds: its next update, or earlier the end of a certificate above it.
    package var notAfter: Timestamp { validity.notAfter }

    package func isCurrent(at time: Timestamp) -> Bool { validity.contains(time) }

    package func requireCurrent(at time: Timestamp) throws(Refusal) {
        guard isCurrent(at: time) else { throw Refusal(.collateralInvalid, validity.problem(at: time)) }
    }

    private init(
        under root: Certificate, as role: TrustAnchors.Role, _ anchors: TrustAnchors, _ validity: Validity
    ) throws(Refusal) {
        guard let anchor = anchors.anchor(root, role) else {
            throw Refusal(.collateralInvalid, "\(root.nameForDetail) is not a root that is trusted for it")
        }
        grade = anchor.grade
        self.validity = validity
    }
}

// MARK: Intel's

extension Publication {
    /// - Parameters:
    ///   - text: the bytes that `signature` (r and s in hexadecimal) covers.
    ///   - issuers: PEM of the TCB signing certificate and the root.
    /// - Source: Intel PCS API v4, TCB info of version 3.
    package static func tcbInfo(
        _ text: String, signature: String, issuers: String, tee: TEE, fmspc: [UInt8], anchors: TrustAnchors
    ) throws(Refusal) -> Publication {
        let signed = try SignedHeader("TCB info", text, signature: signature, issuers: issuers)
        try signed.require(id: tee == .tdx ? "TDX" : "SGX", version: 3)
        guard try signed.reader.hex("fmspc", count: 6) == fmspc else {
            throw signed.reader.wrong("is not for FMSPC \(Hex.encode(fmspc))")
        }
        return try Publication(under: signed.path.root, as: .dcap, anchors, signed.validity)
    }

    /// - Source: Intel PCS API v4, enclave identity of version 2.
    package static func qeIdentity(
        _ text: String, signature: String, issuers: String, tee: TEE, anchors: TrustAnchors
    ) throws(Refusal) -> Publication {
        let signed = try SignedHeader("QE identity", text, signature: signature, issuers: issuers)
        try signed.require(id: tee == .tdx ? "TD_QE" : "QE", version: 2)
        return try Publication(under: signed.path.root, as: .dcap, anchors, signed.validity)
    }

    /// - Parameters:
    ///   - issuers: PEM of the CA that issues PCK certificates, and the root.
    ///   - ca: `processor` or `platform`.
    package static func pckRevocationList(
        _ der: [UInt8], issuers: String, ca: String, anchors: TrustAnchors
    ) throws(Refusal) -> Publication {
        let path = try issuerPath(issuers, "the PCK revocation list")
        guard path.leaf.subjectCommonName.lowercased().contains("pck \(ca) ca") else {
            throw Refusal(.collateralInvalid, "\(path.leaf.nameForDetail) is not the PCK \(ca) CA")
        }
        let list = try DCAPCollateralProof.list(Hex.encode(der), issuer: path.leaf, "PCK revocation list")
        return try Publication(
            under: path.root, as: .dcap, anchors,
            path.validity.intersection(
                Validity("the PCK revocation list", from: list.thisUpdate, before: list.nextUpdate)))
    }

    /// - Parameter issuers: PEM of any chain that ends in the root.
    package static func rootRevocationList(
        _ der: [UInt8], issuers: String, anchors: TrustAnchors
    ) throws(Refusal) -> Publication {
        guard let root = try Certificate.chain(pem: issuers, refusing: .collateralInvalid).last, root.isSigned(by: root)
        else { throw Refusal(.collateralInvalid, "the chain of the root revocation list does not end in a root") }
        let list = try DCAPCollateralProof.list(Hex.encode(der), issuer: root, "root revocation list")
        return try Publication(
            under: root, as: .dcap, anchors,
            Validity(root).intersection(
                Validity("the root revocation list", from: list.thisUpdate, before: list.nextUpdate)))
    }

    /// What Intel's two signed documents have in common.
    private struct SignedHeader {
        let reader: CollateralReader
        let path: CertificatePath
        let validity: Validity

        init(_ what: String, _ text: String, signature: String, issuers: String) throws(Refusal) {
            path = try DCAPCollateralProof.signerPath(issuers, what)
            try DCAPCollateralProof.checkSignature(
                signature, of: SHA256.hash(data: Array(text.utf8)), by: path.leaf, what)
            reader = try CollateralReader(text, what)
            validity = path.validity.intersection(
                Validity("the \(what)", from: try reader.time("issueDate"), before: try reader.time("nextUpdate")))
        }

        func require(id: String, version: Int64) throws(Refusal) {
            let seen = try reader.string("id")
            guard seen == id else { throw reader.wrong("is for \(seen.prefix(10)), not \(id)") }
            guard try reader.integer("version") == version else { throw reader.wrong("has not version \(version)") }
            _ = try reader.levels()
        }
    }
}

// MARK: AMD's

extension Publication {
    /// A VCEK.
    ///
    /// - Parameters:
    ///   - issuers: PEM of ASK and ARK.
    ///   - chipID: 64 bytes, for Turin 8.
    package static func endorsement(
        _ der: [UInt8], issuers: String, product: SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion,
        anchors: TrustAnchors
    ) throws(Refusal) -> Publication {
        let endorsement: SNPEndorsement
        do throws(Refusal) {
            endorsement = try SNPEndorsement(
                SNPCollateral(vek: PEM.encode(der, label: "CERTIFICATE"), chain: issuers))
        } catch { throw Refusal(.collateralInvalid, error.detail) }
        let platform = endorsement.platform
        guard platform.kind == .vcek, platform.product == product, platform.hardwareID == chipID, platform.tcb == tcb
        else { throw Refusal(.collateralInvalid, "the VCEK is for another chip or TCB") }
        return try Publication(
            under: endorsement.path.root, as: .ark(product), anchors, endorsement.path.validity)
    }

    /// PEM of ASK or ASVK, then ARK.
    package static func endorsementIssuers(
        _ pem: String, product: SNPProduct, key: SNPReport.SigningKey, anchors: TrustAnchors
    ) throws(Refusal) -> Publication {
        let path = try issuerPath(pem, "a VCEK or VLEK")
        let name = (key == .vlek ? "SEV-VLEK-" : "SEV-") + product.rawValue
        guard path.leaf.subjectCommonName == name else {
            throw Refusal(.collateralInvalid, "\(path.leaf.nameForDetail) is not \(name)")
        }
        return try Publication(under: path.root, as: .ark(product), anchors, path.validity)
    }

    /// The ARK's list.
    ///
    /// - Parameter issuers: PEM of ASK or ASVK, then ARK.
    package static func endorsementRevocationList(
        _ der: [UInt8], issuers: String, product: SNPProduct, anchors: TrustAnchors
    ) throws(Refusal) -> Publication {
        let path = try issuerPath(issuers, "the revocation list")
        let list = try SNPEndorsement.List(der, issuer: path.root)
        return try Publication(
            under: path.root, as: .ark(product), anchors, Validity(path.root).intersection(list.validity))
    }

    /// An issuing CA under its root.
    private static func issuerPath(_ pem: String, _ what: String) throws(Refusal) -> CertificatePath {
        let chain = try Certificate.chain(pem: pem, refusing: .collateralInvalid)
        guard chain.count == 2 else {
            throw Refusal(.collateralInvalid, "the issuer chain of \(what) has 2 certificates, not \(chain.count)")
        }
        return try CertificatePath(issuers: chain, refusing: .collateralInvalid)
    }
}
