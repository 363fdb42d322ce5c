import Encoding

/// A chain from a leaf to a self-signed root whose names, constraints and signatures hold; trust and time are apart.
///
/// The vendors' chains have fixed shapes, so there is no path building: every certificate is in its place.
///
/// - Source: RFC 5280 section 6.1, without policies and name constraints, which no vendor uses.
final class CertificatePath: Sendable {
    /// Leaf first, root last.
    let certificates: [Certificate]
    /// First and last second at which all certificates are valid.
    let validity: Validity
    /// The root's name and key, written once: details of checks are made on every use of a cached chain.
    let rootDetail: String
    /// Each certificate, by which the evidence under it can be distrusted.
    let marks: [EvidenceMark]

    var leaf: Certificate { certificates[0] }
    var root: Certificate { certificates[certificates.count - 1] }

    /// A chain whose first certificate signs evidence or documents.
    ///
    /// - Parameters:
    ///   - code: thrown for every fault of the chain.
    ///   - known: signatures that were checked before are not checked again.
    convenience init(
        _ certificates: [Certificate], refusing code: RefusalCode,
        known: CertificateMemory = CertificateMemory(capacity: 8)
    ) throws(Refusal) {
        try self.init(certificates, firstPosition: 0, refusing: code, known)
    }

    /// A chain whose first certificate is itself an issuer, of certificates and revocation lists.
    convenience init(
        issuers certificates: [Certificate], refusing code: RefusalCode,
        known: CertificateMemory = CertificateMemory(capacity: 8)
    ) throws(Refusal) {
        try self.init(certificates, firstPosition: 1, refusing: code, known)
    }

    private init(
        _ certificates: [Certificate], firstPosition: Int, refusing code: RefusalCode, _ known: CertificateMemory
    ) throws(Refusal) {
        guard let leaf = certificates.first, let root = certificates.last, certificates.count >= 2 else {
            throw Refusal(code, "a certificate chain has a leaf and a root")
        }
        for (position, certificate) in certificates.enumerated() {
            try CertificatePath.checkRole(certificate, position: firstPosition + position, refusing: code)
        }
        guard root.issuerName == root.subjectName else {
            throw Refusal(code, "the chain does not end in a self-issued root")
        }
        let fingerprints = certificates.map { Digest(of: $0.der) }
        for (index, certificate) in certificates.enumerated() {
            let issuer = index + 1 < certificates.count ? certificates[index + 1] : root
            guard certificate.issuerName == issuer.subjectName else {
                throw Refusal(code, "\(certificate.nameForDetail) was not issued by \(issuer.nameForDetail)")
            }
            let isPublished = certificate == issuer && TrustAnchors.publishedCertificates.contains(fingerprints[index])
            guard isPublished || known.isSigned(certificate, by: issuer) else {
                throw Refusal(code, "the signature of \(issuer.nameForDetail) on \(certificate.nameForDetail) is wrong")
            }
        }
        self.certificates = certificates
        var validity = Validity(leaf)
        for certificate in certificates.dropFirst() { validity = validity.intersection(Validity(certificate)) }
        self.validity = validity
        rootDetail = "\(root.nameForDetail) with key \(root.pin)"
        marks = fingerprints.map { EvidenceMark(.certificate, hex: $0.bytes) }
    }

    private static func checkRole(
        _ certificate: Certificate, position: Int, refusing code: RefusalCode
    ) throws(Refusal) {
        guard !certificate.hasUnknownCriticalExtension else {
            throw Refusal(code, "\(certificate.nameForDetail) has a critical extension that is not known")
        }
        if position == 0 {
            guard !certificate.isCertificateAuthority, certificate.keyUsage?.contains(.digitalSignature) ?? true else {
                throw Refusal(code, "\(certificate.nameForDetail) is not a certificate to sign evidence with")
            }
        } else {
            guard certificate.isCertificateAuthority, certificate.keyUsage?.contains(.keyCertSign) ?? false else {
                throw Refusal(code, "\(certificate.nameForDetail) may not issue certificates")
            }
            // Issuers between this one and the leaf.
            guard certificate.pathLength ?? .max >= position - 1 else {
                throw Refusal(code, "the chain is longer than \(certificate.nameForDetail) allows")
            }
        }
    }
}

extension Certificate {
    /// Common name and serial number, for details of checks.
    var nameForDetail: String {
        let serial = serial.isEmpty ? "0" : Hex.encode(self.serial)
        return "“\(subjectCommonName.excerpt(64))” (serial number \(serial))"
    }
}

/// From when until when something holds, and what it is.
struct Validity: Sendable {
    let notBefore: Timestamp
    let notAfter: Timestamp
    /// Whose bound each end is.
    let beginsWith: String
    let endsWith: String
    /// Certificates hold at their last second, lists and signed documents end before theirs.
    let includesEnd: Bool
    /// Until when, and by what, in words.
    let detail: String

    init(_ certificate: Certificate) {
        let name = certificate.nameForDetail
        self.init(
            notBefore: certificate.notBefore, notAfter: certificate.notAfter, beginsWith: name, endsWith: name,
            includesEnd: true)
    }

    init(_ what: String, from notBefore: Timestamp, before notAfter: Timestamp) {
        self.init(notBefore: notBefore, notAfter: notAfter, beginsWith: what, endsWith: what, includesEnd: false)
    }

    private init(
        notBefore: Timestamp, notAfter: Timestamp, beginsWith: String, endsWith: String, includesEnd: Bool,
        detail: String? = nil
    ) {
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.beginsWith = beginsWith
        self.endsWith = endsWith
        self.includesEnd = includesEnd
        self.detail = detail ?? "valid until \(notAfter) (\(endsWith))"
    }

    /// The later beginning and the earlier end.
    func intersection(_ other: Validity) -> Validity {
        let later = other.notBefore > notBefore ? other : self
        let otherEndsFirst = other.notAfter < notAfter || (other.notAfter == notAfter && !other.includesEnd)
        let earlier = otherEndsFirst ? other : self
        return Validity(
            notBefore: later.notBefore, notAfter: earlier.notAfter, beginsWith: later.beginsWith,
            endsWith: earlier.endsWith, includesEnd: earlier.includesEnd, detail: earlier.detail)
    }

    func contains(_ time: Timestamp) -> Bool {
        time >= notBefore && (time < notAfter || (includesEnd && time == notAfter))
    }

    /// Why `time` is outside, in words.
    func problem(at time: Timestamp) -> String {
        time < notBefore
            ? "\(beginsWith) is not valid before \(notBefore), and the time is \(time)"
            : "\(endsWith) was valid until \(notAfter), and the time is \(time)"
    }
}
