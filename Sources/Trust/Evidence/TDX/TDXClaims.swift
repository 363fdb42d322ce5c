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
        for (name, register) in zip(registers, report.rtmrs) { claims[name] = hex(register) }
        claims["tdx_report_data"] = hex(report.reportData)
        for (name, attribute) in attributes {
            claims[name] = .bool(report.attributes.contains(attribute))
        }
        claims["tdx_xfam_cet_u"] = .bool(report.xfam >> 11 & 1 == 1)
        claims["tdx_xfam_cet_s"] = .bool(report.xfam >> 12 & 1 == 1)
        return claims
    }

    private static let registers = ["tdx_rtmr0", "tdx_rtmr1", "tdx_rtmr2", "tdx_rtmr3"]
    private static let attributes: [(String, TDAttributes)] = [
        ("tdx_td_attributes_debug", .debug), ("tdx_td_attributes_septve_disable", .septVEDisable),
        ("tdx_td_attributes_protection_keys", .protectionKeys), ("tdx_td_attributes_key_locker", .keyLocker),
        ("tdx_td_attributes_perfmon", .performanceMonitoring), ("tdx_td_attributes_hgs_plus_prof", .hgsPlusProfiling),
        ("tdx_td_attributes_perf_prof", .performanceProfiling), ("tdx_td_attributes_pmt_prof", .telemetryProfiling),
        ("tdx_td_attributes_icssd", .icssd), ("tdx_td_attributes_migratable", .migratable),
    ]

    /// What whoever started the TD chose, MRCONFIGID; see `Verdict.hostData`.
    static func hostData(_ report: TDReport) -> [UInt8] {
        let id = report.mrConfigID
        return Array(id.dropFirst(32).isZero ? id.prefix(32) : id)
    }
}
