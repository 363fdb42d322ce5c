import Encoding

/// The claims of an SNP report.
///
/// - Source: `attestation-api.md` section 9.3.
enum SNPClaims {
    static func of(_ report: SNPReport, product: SNPProduct) -> [String: JSON] {
        let tcb = report.reportedTCB(product)
        let policy = report.policy
        var claims: [String: JSON] = [:]
        claims.reserveCapacity(32)
        func set(_ name: String, _ value: JSON) { claims["x-ms-sevsnpvm-\(name)"] = value }
        set("authorkeydigest", .string(Hex.encode(report.authorKeyDigest)))
        set("idkeydigest", .string(Hex.encode(report.idKeyDigest)))
        set("bootloader-svn", .integer(Int64(tcb.bootLoader)))
        set("tee-svn", .integer(Int64(tcb.tee)))
        set("snpfw-svn", .integer(Int64(tcb.snp)))
        set("microcode-svn", .integer(Int64(tcb.microcode)))
        set("familyId", .string(Hex.encode(report.familyID)))
        set("imageId", .string(Hex.encode(report.imageID)))
        set("guestsvn", .integer(Int64(report.guestSVN)))
        set("hostdata", .string(Hex.encode(report.hostData)))
        set("is-debuggable", .bool(policy.contains(.allowsDebug)))
        set("migration-allowed", .bool(policy.contains(.allowsMigrationAgent)))
        set("smt-allowed", .bool(policy.contains(.allowsSMT)))
        set("launchmeasurement", .string(Hex.encode(report.measurement)))
        set("reportdata", .string(Hex.encode(report.reportData)))
        set("reportid", .string(Hex.encode(report.reportID)))
        set("vmpl", .integer(Int64(report.vmpl)))
        set("singlesocket", .bool(policy.contains(.requiresSingleSocket)))
        set("cxl-allowed", .bool(policy.contains(.allowsCXL)))
        set("mem-aes256-xts-required", .bool(policy.contains(.requiresMemoryAES256XTS)))
        set("rapl-disabled", .bool(policy.contains(.requiresRAPLDisabled)))
        set("ciphertext-hiding-dram-enabled", .bool(policy.contains(.requiresCiphertextHiding)))
        set("page-swap-disabled", .bool(policy.contains(.requiresPageSwapDisabled)))
        set("chip-family", .string(product.rawValue))
        set("chipid", .string(Hex.encode(report.chipID.prefix(product.chipIDBytes))))
        return claims
    }
}
