import Encoding
package import Evidence

/// Intel's world for one platform as it will be made: certificates, revocation lists and signed documents.
///
/// - Source: Intel SGX PCK Certificate and CRL Specification; PCS API v4; evidence page sections 1.2 and 1.3.
package struct DCAPRecipe: Sendable {
    /// A certificate of this world by its place.
    package enum Place: Hashable, Sendable {
        case root, authority, pck, signer
    }

    package var root: CertificateRecipe
    /// Processor or Platform CA.
    package var authority: CertificateRecipe
    package var pck: CertificateRecipe
    /// TCB signing.
    package var signer: CertificateRecipe
    /// Goes into the PCK certificate when that is made, unless it is left away.
    package var platform: IntelPlatform
    package var leavesExtensionAway = false
    package var rootList: RevocationListRecipe
    package var pckList: RevocationListRecipe
    package var tcbInfo: SignedDocument
    package var qeIdentity: SignedDocument

    /// The chain that quotes carry.
    package var embeddedChain: [Place] = [.pck, .authority, .root]
    /// Changes the text of that chain.
    package var rewriteChain: (@Sendable (String) -> String)?
    package var listChain: [Place] = [.authority, .root]
    /// In place of the authority in that chain.
    package var listAuthority: CertificateRecipe?
    package var tcbInfoChain: [Place] = [.signer, .root]
    package var qeIdentityChain: [Place] = [.signer, .root]
    /// Whether the collateral brings the PCK chain, for quotes that do not.
    package var suppliesChain = false

    /// What the recipe makes.
    package struct Issued: Sendable {
        package let collateral: DCAPCollateral
        /// PEM, leaf first.
        package let embeddedChain: [UInt8]
        /// The certificates in DER, by their place.
        package let certificates: [Place: [UInt8]]
    }

    /// - Throws: when the crypto library fails.
    package func issued() throws -> Issued {
        var pck = pck
        if !leavesExtensionAway { pck.set(platform.certificateExtension) }
        let certificates: [Place: [UInt8]] = [
            .root: try root.der(), .authority: try authority.der(), .pck: try pck.der(), .signer: try signer.der(),
        ]
        func pem(_ places: [Place]) -> String {
            places.map { PEM.encode(certificates[$0] ?? [], label: "CERTIFICATE") }.joined()
        }
        var lists = pem(listChain)
        if let listAuthority { lists = try listAuthority.pem() + pem([.root]) }
        let info = try tcbInfo.signed()
        let identity = try qeIdentity.signed()
        let collateral = DCAPCollateral(
            pckCRLIssuerChain: lists, rootCACRL: Hex.encode(try rootList.der()),
            pckCRL: Hex.encode(try pckList.der()), tcbInfoIssuerChain: pem(tcbInfoChain), tcbInfo: info.text,
            tcbInfoSignature: info.signature, qeIdentityIssuerChain: pem(qeIdentityChain), qeIdentity: identity.text,
            qeIdentitySignature: identity.signature,
            pckCertificateChain: suppliesChain ? pem([.pck, .authority, .root]) : nil)
        let chain = rewriteChain?(pem(embeddedChain)) ?? pem(embeddedChain)
        return Issued(collateral: collateral, embeddedChain: Array(chain.utf8), certificates: certificates)
    }
}

// MARK: The usual one

extension DCAPRecipe {
    /// An up-to-date platform under the simulated root of `keys`.
    ///
    /// - Parameter tee: `.tdx` for a server under the Platform CA, everything else for a client under the Processor CA.
    package static func standard(_ tee: TEE, keys: KeyRing, dates: Dates) throws -> DCAPRecipe {
        let isTDX = tee == .tdx
        let kind = isTDX ? "tdx" : "sgx"
        let prefix = DistinguishedName.rootPrefix
        let rootKey = try keys.p256("intel/root")
        let authorityKey = try keys.p256("intel/\(kind)/authority")
        let signerKey = try keys.p256("intel/tcb-signing")
        let rootName = DistinguishedName.intel(prefix + "SGX Root CA")
        let authorityName = DistinguishedName.intel(prefix + "SGX PCK \(isTDX ? "Platform" : "Processor") CA")

        func certificate(
            _ key: SigningKey, _ subject: DistinguishedName, _ issuer: DistinguishedName, _ issuerKey: SigningKey,
            end: Timestamp, _ extensions: [CertificateExtension]
        ) -> CertificateRecipe {
            CertificateRecipe(
                serial: key.identifier, subject: subject, issuer: issuer, notBefore: dates.issued, notAfter: end,
                key: key, signer: issuerKey,
                extensions: [
                    .authorityKey(issuerKey), .distributionPoint("https://simulated.invalid/sgx.crl"), .subjectKey(key),
                ] + extensions)
        }
        func list(_ issuer: DistinguishedName, _ key: SigningKey) -> RevocationListRecipe {
            RevocationListRecipe(
                issuer: issuer, signer: key, thisUpdate: dates.collateral, nextUpdate: dates.collateralEnd)
        }
        let ppid = keys.bytes("intel/\(kind)/ppid", 16)
        let platform = isTDX ? IntelPlatform.tdx(ppid: ppid) : .sgx(ppid: ppid)
        return DCAPRecipe(
            root: certificate(
                rootKey, rootName, rootName, rootKey, end: dates.authoritiesEnd,
                [.signsCertificatesAndLists, .authority(path: 1)]),
            authority: certificate(
                authorityKey, authorityName, rootName, rootKey, end: dates.authoritiesEnd,
                [.signsCertificatesAndLists, .authority(path: 0)]),
            pck: certificate(
                try keys.p256("intel/\(kind)/pck"), .intel(prefix + "SGX PCK Certificate"), authorityName,
                authorityKey, end: dates.machinesEnd, [.signsContent, .notAuthority]),
            signer: certificate(
                signerKey, .intel(prefix + "SGX TCB Signing"), rootName, rootKey, end: dates.machinesEnd,
                [.signsContent, .notAuthority]),
            platform: platform, rootList: list(rootName, rootKey), pckList: list(authorityName, authorityKey),
            tcbInfo: isTDX
                ? .tdxTCBInfo(platform, signer: signerKey, dates: dates)
                : .tcbInfo(platform, signer: signerKey, dates: dates),
            qeIdentity: .quotingEnclaveIdentity(isTDX ? .tdx : .sgx, signer: signerKey, dates: dates))
    }
}
