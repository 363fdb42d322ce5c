/// X.501 names in the two shapes that the vendors use.
struct DistinguishedName: Sendable {
    /// In DER.
    let bytes: [UInt8]

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

    /// Intel's order: CN, O, L, ST, C.
    static func sgx(_ commonName: String) -> DistinguishedName {
        DistinguishedName([
            (.commonName, commonName), (.organization, "Cloister simulated"), (.locality, "Santa Clara"),
            (.state, "CA"), (.country, "US"),
        ])
    }

    /// AMD's order: OU, C, L, ST, O, CN.
    static func snp(_ commonName: String) -> DistinguishedName {
        DistinguishedName([
            (.unit, "Engineering"), (.country, "US"), (.locality, "Santa Clara"), (.state, "CA"),
            (.organization, "Cloister simulated"), (.commonName, commonName),
        ])
    }
}
