import Encoding

/// What Intel says about the signer and attributes of a TDX module.
///
/// - Source: Intel PCS API v4, TCB info of version 3, `tdxModule`.
struct TDXModule: Sendable {
    /// Zero for modules of Intel.
    let mrSigner: [UInt8]
    let attributes: [UInt8]

    /// - Throws: `collateral-invalid`.
    init(_ reader: CollateralReader) throws(Refusal) {
        mrSigner = try reader.hex("mrsigner", count: TDReport.Layout.measurementBytes)
        attributes = try reader.hex("attributes", count: 8)
    }

    /// What about the module under `report` is not as described; nil when it is this module.
    ///
    /// Attributes must be the described ones and zero, without looking at the mask, as Intel's library has it.
    func difference(_ report: TDReport) -> String? {
        if !report.mrSignerSeam.elementsEqual(mrSigner) { return "MRSIGNERSEAM is \(Hex.encode(report.mrSignerSeam))" }
        if !report.seamAttributes.isZero || !report.seamAttributes.elementsEqual(attributes) {
            return "SEAMATTRIBUTES are \(Hex.encode(report.seamAttributes))"
        }
        return nil
    }
}

/// A TDX module of version 1 or later, and the status of each of its security versions.
///
/// - Source: Intel PCS API v4, TCB info of version 3, `tdxModuleIdentities`.
struct TDXModuleIdentity: Sendable {
    /// `TDX_` and two hexadecimal digits, in upper case.
    let id: String
    let module: TDXModule
    /// Highest first, as Intel lists them; at least one.
    let levels: [ISVLevel]

    /// Those that TCB info has; the member is absent where only version 0 exists.
    ///
    /// - Throws: `collateral-invalid`.
    static func all(_ info: CollateralReader) throws(Refusal) -> [TDXModuleIdentity] {
        guard info.has("tdxModuleIdentities") else { return [] }
        var identities: [TDXModuleIdentity] = []
        for identity in try info.array("tdxModuleIdentities") {
            identities.append(
                TDXModuleIdentity(
                    id: try identity.string("id").uppercased(), module: try TDXModule(identity),
                    levels: try identity.isvLevels()))
        }
        return identities
    }
}

extension TCBInfo {
    /// The identity of a module by its major version; nil when Intel does not list it.
    func moduleIdentity(version: UInt8) -> TDXModuleIdentity? {
        let id = "TDX_" + Hex.encode([version]).uppercased()
        return moduleIdentities.first { $0.id == id }
    }
}
