import Encoding

/// The claims of a TDX quote.
///
/// - Source: `attestation-api.md` section 9.4; numbers of attribute bits as in `TDAttributes`.
enum TDXClaims {
    static func of(_ report: TDReport, status: TCBStatus?) -> [String: JSON] {
        func hex(_ bytes: ArraySlice<UInt8>) -> JSON { .string(Hex.encode(bytes)) }
        let svn = report.teeTCBSVN
        var claims: [String: JSON] = [:]
        claims.reserveCapacity(36)
        claims["eat_profile"] = "https://aka.ms/maa-eat-profile-tdxvm"
        claims["dbgstat"] = report.attributes.contains(.debug) ? "enabled" : "disabled"
        claims["intuse"] = "generic"
        if let status { claims["attester_tcb_status"] = .string(status.rawValue) }
        claims["tdx_tee_tcb_svn"] = hex(svn.components)
        claims["tdx_seamsvn"] = .integer(Int64(svn.moduleSVN) + 256 * Int64(svn.moduleVersion))
        claims["tdx_mrseam"] = hex(report.mrSeam)
        claims["tdx_mrsignerseam"] = hex(report.mrSignerSeam)
        claims["tdx_seam_attributes"] = hex(report.seamAttributes)
        claims["tdx_td_attributes"] = hex(report.attributeBytes)
        claims["tdx_xfam"] = hex(report.xfamBytes)
        claims["tdx_mrtd"] = hex(report.mrTD)
        claims["tdx_mrconfigid"] = hex(report.mrConfigID)
        claims["tdx_mrowner"] = hex(report.mrOwner)
        claims["tdx_mrownerconfig"] = hex(report.mrOwnerConfig)
        for (index, register) in report.rtmrs.enumerated() { claims["tdx_rtmr\(index)"] = hex(register) }
        claims["tdx_report_data"] = hex(report.reportData)
        for (name, attribute) in attributes {
            claims["tdx_td_attributes_\(name)"] = .bool(report.attributes.contains(attribute))
        }
        claims["tdx_xfam_cet_u"] = .bool(report.xfam >> 11 & 1 == 1)
        claims["tdx_xfam_cet_s"] = .bool(report.xfam >> 12 & 1 == 1)
        return claims
    }

    private static let attributes: [(String, TDAttributes)] = [
        ("debug", .debug), ("septve_disable", .septVEDisable), ("protection_keys", .protectionKeys),
        ("key_locker", .keyLocker), ("perfmon", .performanceMonitoring), ("hgs_plus_prof", .hgsPlusProfiling),
        ("perf_prof", .performanceProfiling), ("pmt_prof", .telemetryProfiling), ("icssd", .icssd),
        ("migratable", .migratable),
    ]

    /// What whoever started the TD chose, MRCONFIGID; see `Verdict.hostData`.
    static func hostData(_ report: TDReport) -> [UInt8] {
        let id = report.mrConfigID
        return Array(id.dropFirst(32).isZero ? id.prefix(32) : id)
    }
}
