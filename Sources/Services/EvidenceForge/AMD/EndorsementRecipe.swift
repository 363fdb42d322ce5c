import Encoding
package import Evidence

/// What a VCEK or VLEK certificate says of a chip or a cloud provider.
///
/// - Source: AMD VCEK Certificate and KDS Interface Specification 57230; evidence page section 1.2.
package struct EndorsementRecipe: Sendable {
    package var structVersion: UInt64
    package var productName: String
    /// The TCB that the key is derived for.
    package var tcb: SNPTCBVersion
    package var hasFMC: Bool
    /// VCEK: 64 bytes, Turin 8.
    package var hardwareID: [UInt8]?
    /// VLEK: whom AMD gave the key to.
    package var cloudProvider: String?
    /// Last numbers of extensions that are left away, for example `3.8`.
    package var omitted: Set<String> = []

    package static func standard(
        _ product: SNPProduct, _ kind: SNPReport.SigningKey, tcb: SNPTCBVersion, chipID: [UInt8]
    ) -> EndorsementRecipe {
        EndorsementRecipe(
            structVersion: UInt64(product.certificateVersion),
            productName: product == .milan && kind == .vcek ? "Milan-B0" : product.rawValue, tcb: tcb,
            hasFMC: product == .turin, hardwareID: kind == .vcek ? chipID : nil,
            cloudProvider: kind == .vlek ? "CN=cc-us-east-2.cloud.invalid" : nil)
    }

    var extensions: [CertificateExtension] {
        func number(_ value: UInt8) -> [UInt8] { DERBytes.integer(UInt64(value)) }
        var members: [(String, [UInt8])] = [
            ("1", DERBytes.integer(structVersion)), ("2", DERBytes.ia5String(productName)),
            ("3.1", number(tcb.bootLoader)), ("3.2", number(tcb.tee)), ("3.4", number(0)), ("3.5", number(0)),
            ("3.6", number(0)), ("3.7", number(0)), ("3.3", number(tcb.snp)), ("3.8", number(tcb.microcode)),
        ]
        if hasFMC { members.append(("3.9", number(tcb.fmc))) }
        // The chip id stands here bare, not as DER.
        if let hardwareID { members.append(("4", hardwareID)) }
        if let cloudProvider { members.append(("5", DERBytes.ia5String(cloudProvider))) }
        return members.filter { !omitted.contains($0.0) }.map {
            CertificateExtension("1.3.6.1.4.1.3704.1." + $0.0, value: $0.1)
        }
    }
}
