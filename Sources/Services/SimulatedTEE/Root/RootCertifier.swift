import Crypto
import CryptoExtras
import Encoding
import Evidence

/// Issues the certificates of a development root in the shapes of the vendors'.
///
/// - Source: Intel SGX PCK Certificate and CRL Specification; AMD VCEK Certificate and KDS Interface Specification 57230;
///   evidence page sections 1.2 and 1.3.
struct RootCertifier {
    private let start: Timestamp
    private let authorityEnd: Timestamp
    private let machineEnd: Timestamp

    private static let day: Int64 = 86_400

    init(time: Timestamp) {
        start = time - Self.day
        authorityEnd = time + 20 * 365 * Self.day
        machineEnd = time + 7 * 365 * Self.day
    }

    // MARK: Intel's shape

    func sgxRoot() throws -> DevelopmentRoot.Holder {
        let key = P256.Signing.PrivateKey()
        let name = Self.sgxName("SGX Root CA")
        return try sgxCertificate(
            .p256(key), name: name, issuer: name, issuerKey: .p256(key), end: authorityEnd,
            extensions: [.signsCertificatesAndLists, .authority(path: 1)])
    }

    func processorAuthority(under root: DevelopmentRoot.Holder) throws -> DevelopmentRoot.Holder {
        try sgxCertificate(
            .p256(P256.Signing.PrivateKey()), name: Self.sgxName("SGX PCK Processor CA"),
            issuer: Self.sgxName("SGX Root CA"),
            issuerKey: root.key, end: authorityEnd, extensions: [.signsCertificatesAndLists, .authority(path: 0)])
    }

    func tcbSigning(under root: DevelopmentRoot.Holder) throws -> DevelopmentRoot.Holder {
        try sgxCertificate(
            .p256(P256.Signing.PrivateKey()), name: Self.sgxName("SGX TCB Signing"),
            issuer: Self.sgxName("SGX Root CA"), issuerKey: root.key, end: machineEnd,
            extensions: [.signsContent, .notAuthority])
    }

    /// - Parameter identifier: PPID of the simulated machine, 16 bytes.
    func pck(
        identifier: [UInt8], under authority: DevelopmentRoot.Holder
    ) throws -> DevelopmentRoot.Holder {
        try sgxCertificate(
            .p256(P256.Signing.PrivateKey()), name: Self.sgxName("SGX PCK Certificate"),
            issuer: Self.sgxName("SGX PCK Processor CA"), issuerKey: authority.key, end: machineEnd,
            extensions: [.signsContent, .notAuthority, Self.pckExtension(identifier)])
    }

    private func sgxCertificate(
        _ key: AuthorityKey, name: DistinguishedName, issuer: DistinguishedName, issuerKey: AuthorityKey,
        end: Timestamp, extensions: [CertificateTemplate.Extension]
    ) throws -> DevelopmentRoot.Holder {
        let publicKey = key.subjectPublicKeyInfo
        let template = CertificateTemplate(
            serial: keyIdentifier(publicKey), subject: name, issuer: issuer, notBefore: start, notAfter: end,
            subjectPublicKeyInfo: publicKey,
            extensions: [
                .authorityKey(issuerKey.subjectPublicKeyInfo),
                .distributionPoint("https://simulated.invalid/sgx.crl"), .subjectKey(publicKey),
            ] + extensions)
        return DevelopmentRoot.Holder(key: key, certificate: try template.signed(by: issuerKey))
    }

    static func sgxName(_ name: String) -> DistinguishedName { .sgx(SimulatedPlatform.namePrefix + name) }

    /// The SGX extension of a PCK certificate: identifier, TCB, PCEID, FMSPC, SGX type.
    private static func pckExtension(_ identifier: [UInt8]) -> CertificateTemplate.Extension {
        let base = "1.2.840.113741.1.13.1"
        func member(_ suffix: String, _ value: [UInt8]) -> [UInt8] {
            DERBytes.sequence(DERBytes.objectIdentifier(base + suffix), value)
        }
        let platform = SimulatedPlatform.SGX.self
        var tcb = platform.components.enumerated().map { index, component in
            member(".2.\(index + 1)", DERBytes.integer(UInt64(component)))
        }
        tcb.append(member(".2.17", DERBytes.integer(UInt64(platform.pceSVN))))
        tcb.append(member(".2.18", DERBytes.octetString(platform.components)))
        return CertificateTemplate.Extension(
            base,
            value: DERBytes.sequence(
                member(".1", DERBytes.octetString(identifier)),
                member(".2", DERBytes.sequence(of: tcb)),
                member(".3", DERBytes.octetString(platform.pceID)),
                member(".4", DERBytes.octetString(platform.fmspc)),
                member(".5", DERBytes.enumerated(0))))
    }

    // MARK: AMD's shape

    func ark(_ product: SNPProduct, key: _RSA.Signing.PrivateKey) throws -> DevelopmentRoot.Holder {
        let publicKey = AuthorityKey.rsa(key).subjectPublicKeyInfo
        let template = CertificateTemplate(
            serial: [1, 0, 0], subject: Self.arkName(product), issuer: Self.arkName(product), notBefore: start,
            notAfter: authorityEnd, subjectPublicKeyInfo: publicKey,
            extensions: [
                .signsCertificatesAndLists, .subjectKey(publicKey), .authority(path: nil), Self.amdList(product),
            ])
        return DevelopmentRoot.Holder(key: .rsa(key), certificate: try template.signed(by: .rsa(key)))
    }

    func ask(
        _ product: SNPProduct, key: _RSA.Signing.PrivateKey, under ark: DevelopmentRoot.Holder
    ) throws -> DevelopmentRoot.Holder {
        let publicKey = AuthorityKey.rsa(key).subjectPublicKeyInfo
        let template = CertificateTemplate(
            serial: [1, 0, 1], subject: Self.askName(product), issuer: Self.arkName(product), notBefore: start,
            notAfter: authorityEnd, subjectPublicKeyInfo: publicKey,
            extensions: [
                .subjectKey(publicKey), .authorityKey(ark.key.subjectPublicKeyInfo), .authority(path: 0),
                .signsCertificates, Self.amdList(product),
            ])
        return DevelopmentRoot.Holder(key: .rsa(key), certificate: try template.signed(by: ark.key))
    }

    func vcek(
        _ key: P384.Signing.PublicKey, chipID: [UInt8], under ask: DevelopmentRoot.Holder
    ) throws -> [UInt8] {
        let platform = SimulatedPlatform.SNP.self
        func version(_ suffix: String, _ value: UInt8) -> CertificateTemplate.Extension {
            CertificateTemplate.Extension(
                "1.3.6.1.4.1.3704.1" + suffix, value: DERBytes.integer(UInt64(value)))
        }
        let template = CertificateTemplate(
            serial: [0], subject: .snp("SEV-VCEK"), issuer: Self.askName(platform.product), notBefore: start,
            notAfter: machineEnd, subjectPublicKeyInfo: Array(key.derRepresentation),
            extensions: [
                version(".1", 0),
                CertificateTemplate.Extension(
                    "1.3.6.1.4.1.3704.1.2", value: DERBytes.ia5String(platform.productName)),
                version(".3.1", platform.tcb.bootLoader), version(".3.2", platform.tcb.tee), version(".3.4", 0),
                version(".3.5", 0), version(".3.6", 0), version(".3.7", 0), version(".3.3", platform.tcb.snp),
                version(".3.8", platform.tcb.microcode),
                // The chip id stands here bare, not as DER.
                CertificateTemplate.Extension("1.3.6.1.4.1.3704.1.4", value: chipID),
            ])
        return try template.signed(by: ask.key)
    }

    static func arkName(_ product: SNPProduct) -> DistinguishedName {
        .snp(SimulatedPlatform.namePrefix + "ARK-" + product.rawValue)
    }

    static func askName(_ product: SNPProduct) -> DistinguishedName {
        // Not marked as the root is: verifiers tell ASK from ASVK by exactly this name.
        .snp("SEV-" + product.rawValue)
    }

    private static func amdList(_ product: SNPProduct) -> CertificateTemplate.Extension {
        .distributionPoint("https://simulated.invalid/vcek/v1/\(product.rawValue)/crl")
    }
}
