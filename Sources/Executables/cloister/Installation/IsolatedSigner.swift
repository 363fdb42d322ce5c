import CryptoExtras
import Foundation
import SwiftASN1
import X509

/// The first policy signer of the isolated attestation instance: an RSA key, which every SDK can sign with, and its
/// self-signed certificate, both beside the state for whoever administers that instance.
enum IsolatedSigner {
    /// Validity in days. The service looks at no dates; others that read the certificate may.
    private static let days = 3_650.0

    /// Makes key and certificate unless they are there.
    static func make(key keyFile: String, certificate certificateFile: String) throws {
        guard !Files.exists(keyFile) || !Files.exists(certificateFile) else { return }
        let key = try _RSA.Signing.PrivateKey(keySize: .bits3072)
        let name = try DistinguishedName { CommonName("Policy signer of attestation-isolated") }
        let now = Date()
        let certificate = try X509.Certificate(
            version: .v3, serialNumber: X509.Certificate.SerialNumber(),
            publicKey: X509.Certificate.PublicKey(key.publicKey), notValidBefore: now.addingTimeInterval(-300),
            notValidAfter: now.addingTimeInterval(days * 86_400), issuer: name, subject: name,
            signatureAlgorithm: .sha256WithRSAEncryption,
            extensions: X509.Certificate.Extensions {
                // The API refuses a root that may not issue certificates.
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            }, issuerPrivateKey: X509.Certificate.PrivateKey(key))
        try Files.write((key.pemRepresentation + "\n").utf8, to: keyFile)
        try Files.write((try certificate.serializeAsPEM().pemString + "\n").utf8, to: certificateFile)
    }
}
