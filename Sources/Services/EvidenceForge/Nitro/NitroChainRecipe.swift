package import Encoding

/// The chain behind a Nitro document as it will be made: AWS's root, region, zone, instance, and the enclave's own.
///
/// - Source: the chains of real documents; evidence page section 1.5.
package struct NitroChainRecipe: Sendable {
    package var root: CertificateRecipe
    package var region: CertificateRecipe
    package var zone: CertificateRecipe
    package var instance: CertificateRecipe
    /// The certificate whose key signs documents; it lives three hours.
    package var leaf: CertificateRecipe

    /// A certificate of the chain.
    package enum Link: String, Hashable, Sendable, CaseIterable {
        case root, region, zone, instance, leaf
    }

    package subscript(link: Link) -> CertificateRecipe {
        get {
            switch link {
            case .root: root
            case .region: region
            case .zone: zone
            case .instance: instance
            case .leaf: leaf
            }
        }
        set {
            switch link {
            case .root: root = newValue
            case .region: region = newValue
            case .zone: zone = newValue
            case .instance: instance = newValue
            case .leaf: leaf = newValue
            }
        }
    }

    /// Issuers as a document carries them, root first.
    package var bundle: [CertificateRecipe] { [root, region, zone, instance] }

    /// AWS's root alone: it outlives every instance.
    package static func root(keys: KeyRing, dates: Dates) throws -> CertificateRecipe {
        let key = try keys.p384("nitro/root")
        let name = DistinguishedName.aws(DistinguishedName.rootPrefix + "aws.nitro-enclaves")
        return CertificateRecipe(
            serial: Array(key.identifier.prefix(16)), subject: name, issuer: name, notBefore: dates.issued,
            notAfter: dates.authoritiesEnd, key: key, signer: key,
            extensions: [.authority(path: nil), .subjectKey(key), .signsEverything])
    }

    /// A chain whose leaf was issued at `time`, for the enclave `moduleID` on an instance.
    package static func standard(
        instanceID: String, moduleID: String, keys: KeyRing, dates: Dates, at time: Timestamp
    ) throws -> NitroChainRecipe {
        let root = try root(keys: keys, dates: dates)
        func issued(
            _ place: String, _ name: String, under issuer: CertificateRecipe, from start: Timestamp, for seconds: Int64,
            _ extensions: [CertificateExtension]
        ) throws -> CertificateRecipe {
            let key = try keys.p384("nitro/\(place)")
            return CertificateRecipe(
                serial: Array(key.identifier.prefix(16)), subject: .aws(name), issuer: issuer.subject,
                notBefore: start, notAfter: start + seconds, key: key, signer: issuer.key,
                extensions: extensions + [.authorityKey(issuer.key), .subjectKey(key)])
        }
        let place = "us-east-1.aws.nitro-enclaves"
        let region = try issued(
            "region", "2f442bd2442676f0.\(place)", under: root, from: time - 5 * Dates.day, for: 20 * Dates.day,
            [.authority(path: 2), .signsEverything])
        let zone = try issued(
            "zone", "aa7d944093e8ba36.zonal.\(place)", under: region, from: time - Dates.day, for: 5 * Dates.day,
            [.authority(path: 1), .signsEverything])
        let instance = try issued(
            "instance", "\(instanceID).\(place)", under: zone, from: time - 3_600, for: Dates.day,
            [.authority(path: 0), .signsCertificates])
        let leaf = try issued(
            "leaf", "\(moduleID).us-east-1.aws", under: instance, from: time - 3, for: 10_803,
            [.notAuthority, .signsContent])
        return NitroChainRecipe(root: root, region: region, zone: zone, instance: instance, leaf: leaf)
    }
}
