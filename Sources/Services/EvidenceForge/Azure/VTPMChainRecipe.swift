import Encoding

/// The chain behind a virtual TPM's attestation key as it will be made: Azure's root, its issuer, the key's certificate.
///
/// - Source: the certificates of real machines (NV index 0x01C101D0); evidence page section 1.4.
package struct VTPMChainRecipe: Sendable {
    package var root: CertificateRecipe
    package var authority: CertificateRecipe
    package var leaf: CertificateRecipe

    /// A key that was certified when the collateral began, for a year.
    package static func standard(keys: KeyRing, dates: Dates) throws -> VTPMChainRecipe {
        let rootKey = try keys.pkcs1(.vtpmRoot)
        let authorityKey = try keys.pkcs1(.vtpmAuthority)
        let key = try keys.pkcs1(.attestationKey)
        let rootName = DistinguishedName.azureRoot(
            DistinguishedName.rootPrefix + "Virtual TPM Root Certificate Authority")
        let authorityName = DistinguishedName.commonName("Simulated Virtual TPM CA - 01")
        let serial = keys.bytes("azure/serials", 48)
        return VTPMChainRecipe(
            root: CertificateRecipe(
                serial: Array(serial[..<16]), subject: rootName, issuer: rootName, notBefore: dates.issued,
                notAfter: dates.authoritiesEnd, key: rootKey, signer: rootKey,
                extensions: [.signsEverything, .authority(path: nil), .subjectKey(rootKey)]),
            authority: CertificateRecipe(
                serial: Array(serial[16..<32]), subject: authorityName, issuer: rootName, notBefore: dates.issued,
                notAfter: dates.machinesEnd, key: authorityKey, signer: rootKey,
                extensions: [
                    .authority(path: 0), .signsCertificates, .subjectKey(authorityKey), .authorityKey(rootKey),
                    .distributionPoint("https://simulated.invalid/vtpm.crl"),
                ]),
            leaf: CertificateRecipe(
                serial: Array(serial[32...]), subject: .commonName("simulated.ConfidentialVM.invalid"),
                issuer: authorityName, notBefore: dates.collateral,
                notAfter: dates.collateral + 365 * Dates.day, key: key,
                signer: authorityKey,
                extensions: [
                    .signsEvidence, .extendedKeyUsage("2.23.133.8.3"), .subjectKey(key), .authorityKey(authorityKey),
                ]))
    }
}
