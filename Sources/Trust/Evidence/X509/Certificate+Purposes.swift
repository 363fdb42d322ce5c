import SwiftASN1

extension Certificate {
    static let extendedKeyUsageID = "2.5.29.37"

    /// The purposes that the certificate names, as dotted object identifiers; nil when it names none or not readably.
    ///
    /// - Source: RFC 5280 section 4.2.1.12.
    var extendedKeyUsage: Set<String>? {
        guard let value = extensionValue(Certificate.extendedKeyUsageID) else { return nil }
        return try? DER.sequence(try DER.parse(value), identifier: .sequence) { nodes in
            var purposes: Set<String> = []
            while let node = nodes.next() {
                purposes.insert(String(describing: try ASN1ObjectIdentifier(derEncoded: node)))
            }
            return purposes
        }
    }
}
