package import Encoding
package import Evidence

/// Evidence of SEV-SNP as it will be made: AMD's chain, the chip's certificate, the list, the report.
///
/// - Source: SEV-SNP Firmware ABI 56860; AMD 57230; evidence page sections 1.1 and 1.2.
package struct SNPRecipe: Sendable {
    /// A certificate of the chain.
    package enum Link: Hashable, Sendable {
        case ark, authority, leaf
    }

    package var ark: CertificateRecipe
    /// ASK or ASVK.
    package var authority: CertificateRecipe
    /// VCEK or VLEK.
    package var leaf: CertificateRecipe
    /// Goes into the leaf when that is made.
    package var endorsement: EndorsementRecipe
    package var list: RevocationListRecipe?
    package var report: [UInt8]
    /// The key that signs the report.
    package var signer: SigningKey
    package var issuerChain: [Link] = [.authority, .ark]
    /// Changes R and S, 72 little-endian bytes each, before they are put into the report.
    package var changeSignature: (@Sendable (inout [UInt8]) -> Void)?
    package var presentation: Presentation

    /// - Throws: when the crypto library fails.
    package func made() throws -> ForgedEvidence {
        presentation.evidence(try signedReport(), .snp(try collateral()))
    }

    /// The report with its signature.
    package func signedReport() throws -> [UInt8] {
        typealias Layout = SNPReport.Layout
        var report = report
        let raw = try signer.rawSignature(over: Array(report[..<Layout.signature]))
        // R and S are little-endian here, big-endian in every other form of ECDSA.
        var signature: [UInt8] = []
        for part in [raw.prefix(raw.count / 2), raw.suffix(raw.count / 2)] {
            signature += part.reversed() + .zeros(Layout.signatureComponentBytes - part.count)
        }
        changeSignature?(&signature)
        report.put(signature, at: Layout.signature)
        return report
    }

    package func collateral() throws -> SNPCollateral {
        SNPCollateral(vek: try endorsedLeaf.pem(), chain: try issuers(), crl: try list?.der())
    }

    /// PEM of the issuing certificates.
    package func issuers() throws -> String {
        try issuerChain.map { try self[$0].pem() }.joined()
    }

    /// One certificate; the leaf without what it says of the chip.
    package subscript(link: Link) -> CertificateRecipe {
        get {
            switch link {
            case .ark: ark
            case .authority: authority
            case .leaf: leaf
            }
        }
        set {
            switch link {
            case .ark: ark = newValue
            case .authority: authority = newValue
            case .leaf: leaf = newValue
            }
        }
    }

    /// The leaf with what it says of the chip.
    package var endorsedLeaf: CertificateRecipe {
        var leaf = leaf
        leaf.extensions += endorsement.extensions
        return leaf
    }
}

// MARK: The usual one

extension SNPRecipe {
    /// A report of an up-to-date chip under the simulated root of `keys`.
    package static func standard(
        _ product: SNPProduct, _ kind: SNPReport.SigningKey = .vcek, version: UInt32, program: AttestedProgram,
        keys: KeyRing, dates: Dates, at time: Timestamp
    ) throws -> SNPRecipe {
        let arkKey = try keys.pss(product.arkName)
        let askKey = try keys.pss(.ask)
        let name = "amd/\(product.rawValue)/\(kind)"
        let leafKey = try keys.p384("\(name)/key")
        let chipID = keys.bytes("amd/\(product.rawValue)/chip", product.chipIDBytes)
        let arkName = DistinguishedName.amd(DistinguishedName.rootPrefix + "ARK-" + product.rawValue)
        // Not marked as the root is: verifiers tell ASK from ASVK by exactly this name.
        let askName = DistinguishedName.amd((kind == .vlek ? "SEV-VLEK-" : "SEV-") + product.rawValue)
        let service = kind == .vlek ? "vlek" : "vcek"
        let point = CertificateExtension.distributionPoint(
            "https://simulated.invalid/\(service)/v1/\(product.rawValue)/crl")
        // Serial numbers as AMD gives them: 01 for Milan, 02 for Genoa, and so on.
        let series = UInt8(1 + (SNPProduct.allCases.firstIndex(of: product) ?? 0))
        return SNPRecipe(
            ark: CertificateRecipe(
                serial: [series, 0, 0], subject: arkName, issuer: arkName, notBefore: dates.issued,
                notAfter: dates.authoritiesEnd, key: arkKey, signer: arkKey,
                extensions: [.signsCertificatesAndLists, .subjectKey(arkKey), .authority(path: nil), point]),
            authority: CertificateRecipe(
                serial: [series, 0, kind == .vlek ? 2 : 1], subject: askName, issuer: arkName, notBefore: dates.issued,
                notAfter: dates.authoritiesEnd, key: askKey, signer: arkKey,
                extensions: [
                    .subjectKey(askKey), .authorityKey(arkKey), .authority(path: 0), .signsCertificates, point,
                ]),
            leaf: CertificateRecipe(
                serial: [0], subject: .amd(kind == .vlek ? "SEV-VLEK" : "SEV-VCEK"), issuer: askName,
                // Chips have theirs for years, cloud providers get new ones every year.
                notBefore: kind == .vlek ? dates.collateral : dates.issued,
                notAfter: kind == .vlek ? dates.collateral + 365 * Dates.day : dates.machinesEnd,
                key: leafKey, signer: askKey, extensions: []),
            endorsement: .standard(product, kind, tcb: SNPReportRecipe.tcb(product), chipID: chipID),
            list: RevocationListRecipe(
                issuer: arkName, signer: arkKey, thisUpdate: dates.collateral, nextUpdate: dates.collateralEnd),
            report: SNPReportRecipe.report(
                version: version, product: product, kind: kind, chipID: chipID,
                reportID: keys.bytes("\(name)/report-id", 32), program: program),
            signer: leafKey, presentation: Presentation(tee: .snp, time: time, binding: program.reportData))
    }
}

extension SNPProduct {
    /// The root key of this product.
    package var arkName: KeyRing.RSAName {
        switch self {
        case .milan: .arkMilan
        case .genoa: .arkGenoa
        case .turin: .arkTurin
        }
    }
}
