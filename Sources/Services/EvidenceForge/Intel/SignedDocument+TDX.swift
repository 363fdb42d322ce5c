package import Encoding

/// What TCB info says of TDX besides: components of the TD's own TCB, and the identities of its modules.
///
/// - Source: Intel PCS API v4, TCB info version 3 with id TDX; evidence page sections 1.3 and 2.1.
extension SignedDocument {
    /// TCB info for TDs whose module has major version 1.
    package static func tdxTCBInfo(_ platform: IntelPlatform, signer: SigningKey, dates: Dates) -> SignedDocument {
        var document = tcbInfo(platform, signer: signer, dates: dates)
        document.members["id"] = "TDX"
        document.members["tcbLevels"] = levels(
            platform, tdx: TDReportRecipe.upToDateTCB, formerTDX: TDReportRecipe.formerTCB)
        document.members["tdxModule"] = .object(moduleIdentity)
        document.members["tdxModuleIdentities"] = [
            module("TDX_03", svn: TDReportRecipe.moduleSVN), module("TDX_01", svn: TDReportRecipe.moduleSVN),
        ]
        return document
    }

    private static let moduleIdentity: [String: JSON] = [
        "mrsigner": .string(String(repeating: "0", count: 96)), "attributes": "0000000000000000",
        "attributesMask": "FFFFFFFFFFFFFFFF",
    ]

    private static func module(_ id: String, svn: UInt8) -> JSON {
        var members = moduleIdentity
        members["id"] = .string(id)
        members["tcbLevels"] = [
            level(svn: Int64(svn), date: "2024-03-13", status: "UpToDate"),
            level(svn: Int64(svn) - 2, date: "2023-08-09", status: "OutOfDate", advisories: [moduleAdvisory]),
        ]
        return .object(members)
    }

    /// The advisory of older modules.
    package static let moduleAdvisory = "CLOISTER-SIMULATED-00003"

    /// Changes every module identity.
    package mutating func changeModules(_ change: (inout [String: JSON]) -> Void) {
        members["tdxModuleIdentities"] = SignedDocument.changed(members["tdxModuleIdentities"], change)
    }

    /// Changes every level of every module.
    package mutating func changeModuleLevels(_ change: (inout [String: JSON]) -> Void) {
        changeModules { $0["tcbLevels"] = SignedDocument.changed($0["tcbLevels"], change) }
    }
}
