import Encoding

/// What a revocation list says, before its issuer signs it (RFC 5280 section 5.1).
struct RevocationListTemplate {
    var issuer: DistinguishedName
    var issuerPublicKeyInfo: [UInt8]
    var thisUpdate: Timestamp
    var nextUpdate: Timestamp
    /// Big-endian magnitudes of the serial numbers that are revoked.
    var revoked: [[UInt8]] = []

    /// The list in DER.
    func signed(by issuerKey: AuthorityKey) throws -> [UInt8] {
        let entries = revoked.map { serial in
            DERBytes.sequence(DERBytes.integer(magnitude: serial), DERBytes.time(thisUpdate))
        }
        let extensions: [CertificateTemplate.Extension] = [
            .listNumber(UInt64(max(1, thisUpdate.seconds))), .authorityKey(issuerPublicKeyInfo),
        ]
        return try issuerKey.signed(
            DERBytes.sequence(
                DERBytes.integer(1),
                issuerKey.signatureAlgorithm,
                issuer.bytes,
                DERBytes.time(thisUpdate),
                DERBytes.time(nextUpdate),
                entries.isEmpty ? [] : DERBytes.sequence(of: entries),
                DERBytes.explicit(0, DERBytes.sequence(of: extensions.map(\.bytes)))))
    }
}
