import Crypto
import Foundation
import SwiftASN1
import X509

/// The certificates of one installation's transport: a certificate authority that exists for as long as it takes to
/// sign them, and one certificate a server for `localhost`.
///
/// Transport security only keeps strangers out of the connection; what is secret is encapsulated inside it.
struct TransportAuthority {
    /// Validity of authority and servers, in days. `up` makes all of them anew when less than `renewalDays` are left.
    private static let days = 365.0
    private static let renewalDays = 30.0

    private let key: P256.Signing.PrivateKey
    private let name: DistinguishedName
    private let certificate: X509.Certificate
    private let now: Date

    init(now: Date = Date()) throws {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName {
            CommonName("Cloister transport authority of one installation")
            OrganizationName("Cloister")
        }
        certificate = try TransportAuthority.certificate(
            for: key.publicKey, subject: name, issuer: name, signer: key, now: now,
            extensions: X509.Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: X509.Certificate.PublicKey(key.publicKey))
            })
        self.now = now
        self.key = key
        self.name = name
    }

    var pem: String { get throws { try certificate.serializeAsPEM().pemString + "\n" } }

    /// A server's certificate and private key in PEM, for `localhost` and 127.0.0.1.
    func server(_ service: String) throws -> (certificate: String, key: String) {
        let serverKey = P256.Signing.PrivateKey()
        let certificate = try TransportAuthority.certificate(
            for: serverKey.publicKey, subject: DistinguishedName { CommonName(service) }, issuer: name, signer: key,
            now: now,
            extensions: X509.Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([
                    .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                ])
                SubjectKeyIdentifier(hash: X509.Certificate.PublicKey(serverKey.publicKey))
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: X509.Certificate.PublicKey(key.publicKey)).keyIdentifier)
            })
        return (try certificate.serializeAsPEM().pemString + "\n", serverKey.pemRepresentation + "\n")
    }

    /// Whether the certificate in `pem` serves long enough.
    static func isCurrent(_ pem: String, now: Date = Date()) -> Bool {
        guard let certificate = try? X509.Certificate(pemEncoded: pem) else { return false }
        return certificate.notValidBefore <= now
            && now.addingTimeInterval(renewalDays * 86_400) < certificate.notValidAfter
    }

    private static func certificate(
        for publicKey: P256.Signing.PublicKey, subject: DistinguishedName, issuer: DistinguishedName,
        signer: P256.Signing.PrivateKey, now: Date, extensions: X509.Certificate.Extensions
    ) throws -> X509.Certificate {
        try X509.Certificate(
            version: .v3, serialNumber: X509.Certificate.SerialNumber(),
            publicKey: X509.Certificate.PublicKey(publicKey),
            // A clock that is a little behind still finds it valid.
            notValidBefore: now.addingTimeInterval(-300), notValidAfter: now.addingTimeInterval(days * 86_400),
            issuer: issuer, subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: X509.Certificate.PrivateKey(signer))
    }
}
