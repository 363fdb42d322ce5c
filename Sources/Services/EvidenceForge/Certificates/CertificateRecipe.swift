package import Encoding

/// A certificate as it will be made: what it says, for whose key, and whose key signs it (RFC 5280 section 4.1).
///
/// Of our own because swift-certificates neither reads nor writes RSASSA-PSS, by which AMD signs, and because a forge has
/// to write what no library would.
package struct CertificateRecipe: Sendable {
    /// As encoded: 2 stands for X.509 version 3.
    package var version: UInt64 = 2
    /// Big-endian magnitude.
    package var serial: [UInt8]
    package var subject: DistinguishedName
    package var issuer: DistinguishedName
    package var notBefore: Timestamp
    package var notAfter: Timestamp
    /// The subject's key.
    package var key: SigningKey
    /// The issuer's key; a root's is its own.
    package var signer: SigningKey
    package var extensions: [CertificateExtension]
    /// A last change of the finished DER, for what no issuer would sign.
    package var tamper: (@Sendable (inout [UInt8]) -> Void)?

    /// The certificate in DER.
    package func der() throws -> [UInt8] {
        var der = try signer.signed(
            DERBytes.sequence(
                DERBytes.explicit(0, DERBytes.integer(version)),
                DERBytes.integer(magnitude: serial),
                signer.signatureAlgorithm,
                issuer.bytes,
                DERBytes.sequence(DERBytes.time(notBefore), DERBytes.time(notAfter)),
                subject.bytes,
                key.subjectPublicKeyInfo,
                DERBytes.explicit(3, DERBytes.sequence(of: extensions.map(\.bytes)))))
        tamper?(&der)
        return der
    }

    /// The certificate as a PEM block.
    package func pem() throws -> String { PEM.encode(try der(), label: "CERTIFICATE") }

    /// Replaces the extension with the same identifier, or adds one.
    package mutating func set(_ new: CertificateExtension) {
        if let index = extensions.firstIndex(where: { $0.identifier == new.identifier }) {
            extensions[index] = new
        } else {
            extensions.append(new)
        }
    }

    package mutating func remove(_ identifier: String) { extensions.removeAll { $0.identifier == identifier } }
}
