import Encoding

/// Certificates that were read, and signatures on certificates that were checked, each by its exact bytes.
///
/// The same few issuers stand in every chain of a vendor, several times in the collateral of one quote.
final class CertificateMemory: Sendable {
    /// A certificate and the key that signed it.
    private struct Link: Hashable {
        let certificate: Certificate
        let issuerPin: Digest
    }

    private struct Encoded: Hashable {
        let der: [UInt8]
        func hash(into hasher: inout Hasher) { hasher.combine(contentsOf: der) }
    }

    private let read: ProvenCache<Encoded, Certificate>
    private let signed: ProvenCache<Link, Void>

    init(capacity: Int) {
        read = ProvenCache(capacity: capacity)
        signed = ProvenCache(capacity: capacity)
    }

    /// Reads one DER certificate that fills `der`; trust is another matter.
    ///
    /// - Throws: `Refusal` with `code`.
    func certificate(der: [UInt8], refusing code: RefusalCode) throws(Refusal) -> Certificate {
        if let known = read.value(Encoded(der: der)) { return known }
        let certificate = try Certificate(der: der, refusing: code)
        read.insert(certificate, Encoded(der: der))
        return certificate
    }

    /// `Certificate.isSigned(by:)`, which depends on nothing but the certificate's bytes and the issuer's key.
    func isSigned(_ certificate: Certificate, by issuer: Certificate) -> Bool {
        let link = Link(certificate: certificate, issuerPin: issuer.pin)
        if signed.value(link) != nil { return true }
        guard certificate.isSigned(by: issuer) else { return false }
        signed.insert((), link)
        return true
    }
}
