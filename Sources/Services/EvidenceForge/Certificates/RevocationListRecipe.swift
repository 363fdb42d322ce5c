package import Encoding

/// A revocation list as it will be made (RFC 5280 section 5.1).
package struct RevocationListRecipe: Sendable {
    package var issuer: DistinguishedName
    package var signer: SigningKey
    package var thisUpdate: Timestamp
    package var nextUpdate: Timestamp
    /// Big-endian magnitudes of the serial numbers that are revoked.
    package var revoked: [[UInt8]] = []
    package var extensions: [CertificateExtension] = []
    /// A last change of the finished DER.
    package var tamper: (@Sendable (inout [UInt8]) -> Void)?

    /// The list in DER.
    package func der() throws -> [UInt8] {
        let entries = revoked.map { serial in
            DERBytes.sequence(DERBytes.integer(magnitude: serial), DERBytes.time(thisUpdate))
        }
        let extensions: [CertificateExtension] =
            [.listNumber(UInt64(max(1, thisUpdate.seconds))), .authorityKey(signer)] + extensions
        var der = try signer.signed(
            DERBytes.sequence(
                DERBytes.integer(1),
                signer.signatureAlgorithm,
                issuer.bytes,
                DERBytes.time(thisUpdate),
                DERBytes.time(nextUpdate),
                entries.isEmpty ? [] : DERBytes.sequence(of: entries),
                DERBytes.explicit(0, DERBytes.sequence(of: extensions.map(\.bytes)))))
        tamper?(&der)
        return der
    }
}
