/// One extension of a certificate or revocation list.
package struct CertificateExtension: Sendable {
    /// Dotted decimal.
    package let identifier: String
    package let isCritical: Bool
    /// Content of the OCTET STRING; for most extensions DER itself.
    package let value: [UInt8]

    package init(_ identifier: String, critical: Bool = false, value: [UInt8]) {
        self.identifier = identifier
        isCritical = critical
        self.value = value
    }

    /// In DER.
    var bytes: [UInt8] {
        DERBytes.sequence(
            DERBytes.objectIdentifier(identifier), isCritical ? DERBytes.boolean(true) : [],
            DERBytes.octetString(value))
    }
}

// MARK: Those of RFC 5280

extension CertificateExtension {
    package static let basicConstraintsID = "2.5.29.19"
    package static let keyUsageID = "2.5.29.15"

    package static func authority(path: UInt64?) -> CertificateExtension {
        let length = path.map(DERBytes.integer) ?? []
        return CertificateExtension(
            basicConstraintsID, critical: true, value: DERBytes.sequence(DERBytes.boolean(true), length))
    }

    package static let notAuthority = CertificateExtension(
        basicConstraintsID, critical: true, value: DERBytes.sequence())

    package static let signsCertificatesAndLists = keyUsage([0x06], unused: 1)
    package static let signsCertificates = keyUsage([0x04], unused: 2)
    package static let signsLists = keyUsage([0x02], unused: 1)
    /// digitalSignature and nonRepudiation.
    package static let signsContent = keyUsage([0xc0], unused: 6)
    package static let signsEvidence = keyUsage([0x80], unused: 7)
    /// digitalSignature, keyCertSign and cRLSign, as AWS's and Azure's roots have it.
    package static let signsEverything = keyUsage([0x86], unused: 1)
    package static let agreesKeys = keyUsage([0x08], unused: 3)

    private static func keyUsage(_ bits: [UInt8], unused: UInt8) -> CertificateExtension {
        CertificateExtension(keyUsageID, critical: true, value: DERBytes.bitString(bits, unused: unused))
    }

    package static func subjectKey(_ key: SigningKey) -> CertificateExtension {
        CertificateExtension("2.5.29.14", value: DERBytes.octetString(key.identifier))
    }

    package static func authorityKey(_ key: SigningKey) -> CertificateExtension {
        CertificateExtension(
            "2.5.29.35", value: DERBytes.sequence(DERBytes.implicitPrimitive(0, key.identifier)))
    }

    /// - Parameter uri: under `.invalid` (RFC 2606): nobody serves simulated lists under a public name.
    package static func distributionPoint(_ uri: String) -> CertificateExtension {
        let name = DERBytes.implicitPrimitive(6, Array(uri.utf8))
        let point = DERBytes.sequence(DERBytes.implicitConstructed(0, DERBytes.implicitConstructed(0, name)))
        return CertificateExtension("2.5.29.31", value: DERBytes.sequence(point))
    }

    static func listNumber(_ number: UInt64) -> CertificateExtension {
        CertificateExtension("2.5.29.20", value: DERBytes.integer(number))
    }

    /// What the key is for, in dotted decimal.
    package static func extendedKeyUsage(_ purpose: String) -> CertificateExtension {
        CertificateExtension("2.5.29.37", value: DERBytes.sequence(DERBytes.objectIdentifier(purpose)))
    }

    /// A critical extension that nobody knows.
    package static let unknownCritical = CertificateExtension(
        "1.3.6.1.4.1.99999.1", critical: true, value: DERBytes.null)
    /// By which a list says that it holds changes only.
    package static let deltaList = CertificateExtension("2.5.29.27", critical: true, value: DERBytes.integer(1))
}
