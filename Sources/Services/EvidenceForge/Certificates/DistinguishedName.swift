/// X.501 names in the shapes that the vendors use.
package struct DistinguishedName: Sendable {
    /// How the common name of every simulated root begins, by which a person and a verifier tell it from a vendor's.
    package static let rootPrefix = "Cloister simulated "

    /// In DER.
    package let bytes: [UInt8]

    private enum Attribute: String {
        case commonName = "2.5.4.3"
        case country = "2.5.4.6"
        case locality = "2.5.4.7"
        case state = "2.5.4.8"
        case organization = "2.5.4.10"
        case unit = "2.5.4.11"
    }

    private init(_ attributes: [(Attribute, String)]) {
        bytes = DERBytes.sequence(
            of: attributes.map { attribute, value in
                // A country is a PrintableString by its definition (X.520), everything else UTF-8.
                let text = attribute == .country ? DERBytes.printableString(value) : DERBytes.utf8String(value)
                return DERBytes.set(DERBytes.sequence(DERBytes.objectIdentifier(attribute.rawValue), text))
            })
    }

    private static let maker = "Cloister simulated"

    /// Intel's order: CN, O, L, ST, C.
    package static func intel(_ commonName: String) -> DistinguishedName {
        DistinguishedName([
            (.commonName, commonName), (.organization, maker), (.locality, "Santa Clara"), (.state, "CA"),
            (.country, "US"),
        ])
    }

    /// AMD's order: OU, C, L, ST, O, CN.
    package static func amd(_ commonName: String) -> DistinguishedName {
        DistinguishedName([
            (.unit, "Engineering"), (.country, "US"), (.locality, "Santa Clara"), (.state, "CA"),
            (.organization, maker), (.commonName, commonName),
        ])
    }

    /// Azure's roots: C, O, CN.
    package static func azureRoot(_ commonName: String) -> DistinguishedName {
        DistinguishedName([(.country, "US"), (.organization, maker), (.commonName, commonName)])
    }

    /// Azure's issuers and attestation keys have nothing but a name.
    package static func commonName(_ name: String) -> DistinguishedName { DistinguishedName([(.commonName, name)]) }

    /// AWS's order: C, O, OU, CN.
    package static func aws(_ commonName: String) -> DistinguishedName {
        DistinguishedName([
            (.country, "US"), (.organization, maker), (.unit, "AWS"), (.commonName, commonName),
        ])
    }
}
