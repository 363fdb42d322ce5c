import Encoding

/// What a certificate says, before its issuer signs it (RFC 5280 section 4.1).
///
/// Of our own because swift-certificates neither reads nor writes RSASSA-PSS, by which AMD signs.
struct CertificateTemplate {
    /// Big-endian magnitude.
    var serial: [UInt8]
    var subject: DistinguishedName
    var issuer: DistinguishedName
    var notBefore: Timestamp
    var notAfter: Timestamp
    var subjectPublicKeyInfo: [UInt8]
    var extensions: [Extension]

    /// The certificate in DER.
    func signed(by issuerKey: AuthorityKey) throws -> [UInt8] {
        try issuerKey.signed(
            DERBytes.sequence(
                DERBytes.explicit(0, DERBytes.integer(2)),
                DERBytes.integer(magnitude: serial),
                issuerKey.signatureAlgorithm,
                issuer.bytes,
                DERBytes.sequence(DERBytes.time(notBefore), DERBytes.time(notAfter)),
                subject.bytes,
                subjectPublicKeyInfo,
                DERBytes.explicit(3, DERBytes.sequence(of: extensions.map(\.bytes)))))
    }

    /// One extension of a certificate or revocation list.
    struct Extension {
        /// In DER.
        let bytes: [UInt8]

        /// - Parameter value: content of the OCTET STRING; for most extensions DER itself.
        init(_ identifier: String, critical: Bool = false, value: [UInt8]) {
            let criticality = critical ? DERBytes.boolean(true) : []
            bytes = DERBytes.sequence(
                DERBytes.objectIdentifier(identifier), criticality, DERBytes.octetString(value))
        }

        static func authority(path: UInt64?) -> Extension {
            let length = path.map(DERBytes.integer) ?? []
            return Extension(
                "2.5.29.19", critical: true, value: DERBytes.sequence(DERBytes.boolean(true), length))
        }

        static let notAuthority = Extension("2.5.29.19", critical: true, value: DERBytes.sequence())

        static let signsCertificatesAndLists = keyUsage([0x06], unused: 1)
        static let signsCertificates = keyUsage([0x04], unused: 2)
        /// digitalSignature and nonRepudiation.
        static let signsContent = keyUsage([0xc0], unused: 6)

        private static func keyUsage(_ bits: [UInt8], unused: UInt8) -> Extension {
            Extension("2.5.29.15", critical: true, value: DERBytes.bitString(bits, unused: unused))
        }

        static func subjectKey(_ subjectPublicKeyInfo: [UInt8]) -> Extension {
            Extension("2.5.29.14", value: DERBytes.octetString(keyIdentifier(subjectPublicKeyInfo)))
        }

        static func authorityKey(_ issuerPublicKeyInfo: [UInt8]) -> Extension {
            Extension(
                "2.5.29.35",
                value: DERBytes.sequence(DERBytes.implicitPrimitive(0, keyIdentifier(issuerPublicKeyInfo))))
        }

        /// - Parameter uri: under `.invalid` (RFC 2606): nobody serves simulated lists on the network.
        static func distributionPoint(_ uri: String) -> Extension {
            let name = DERBytes.implicitPrimitive(6, Array(uri.utf8))
            let point = DERBytes.sequence(
                DERBytes.implicitConstructed(0, DERBytes.implicitConstructed(0, name)))
            return Extension("2.5.29.31", value: DERBytes.sequence(point))
        }

        static func listNumber(_ number: UInt64) -> Extension {
            Extension("2.5.29.20", value: DERBytes.integer(number))
        }
    }
}
