import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes the two kinds of certificate of an attestation service: the issuer's own, which relying parties pin, and
/// those of the signing keys below it (architecture section 11 rule 20).
struct IssuerCertificates {
    /// Seconds for which an issuer certificate is valid: ten years.
    static let issuerValidity: Int64 = 3_650 * 86_400
    /// Seconds for which a signing certificate is valid.
    static let leafValidity: Int64 = 120 * 86_400
    /// Certificates begin this many seconds before they are made, for relying parties whose clocks are behind.
    static let backdating: Int64 = 300

    let issuerURL: String
    let issuerKey: P256.Signing.PrivateKey

    /// The self-signed issuer certificate, DER.
    ///
    /// - Throws: `not-ready` when the library cannot make it.
    func issuer(at time: Timestamp) throws(Refusal) -> [UInt8] {
        try make(
            key: Certificate.PublicKey(issuerKey.publicKey), name: "\(issuerURL) issuer", isAuthority: true, at: time,
            validity: Self.issuerValidity)
    }

    /// A signing certificate, named as the compatible API names them: `CN=<issuer URL>`.
    ///
    /// - Throws: `not-ready` when the library cannot make it.
    func leaf(for key: SigningKey, at time: Timestamp) throws(Refusal) -> [UInt8] {
        let publicKey: Certificate.PublicKey =
            switch key {
            case .rs256(let key): Certificate.PublicKey(key.publicKey)
            case .es256(let key): Certificate.PublicKey(key.publicKey)
            case .es384(let key): Certificate.PublicKey(key.publicKey)
            }
        return try make(
            key: publicKey, name: issuerURL, isAuthority: false, at: time, validity: Self.leafValidity)
    }

    private func make(
        key: Certificate.PublicKey, name: String, isAuthority: Bool, at time: Timestamp, validity: Int64
    ) throws(Refusal) -> [UInt8] {
        do {
            let start = time - Self.backdating
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
                notValidBefore: Date(timeIntervalSince1970: Double(start.seconds)),
                notValidAfter: Date(timeIntervalSince1970: Double((start + validity).seconds)),
                issuer: try DistinguishedName { CommonName("\(issuerURL) issuer") },
                subject: try DistinguishedName { CommonName(name) }, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(
                        isAuthority
                            ? BasicConstraints.isCertificateAuthority(maxPathLength: 0)
                            : BasicConstraints.notCertificateAuthority)
                    Critical(isAuthority ? KeyUsage(keyCertSign: true) : KeyUsage(digitalSignature: true))
                }, issuerPrivateKey: Certificate.PrivateKey(issuerKey))
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        } catch {
            throw Refusal(.notReady, "a certificate cannot be made")
        }
    }
}
