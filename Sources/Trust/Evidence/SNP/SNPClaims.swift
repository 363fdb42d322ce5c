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
        claims["x-ms-sevsnpvm-authorkeydigest"] = .string(Hex.encode(report.authorKeyDigest))
        claims["x-ms-sevsnpvm-idkeydigest"] = .string(Hex.encode(report.idKeyDigest))
        claims["x-ms-sevsnpvm-bootloader-svn"] = .integer(Int64(tcb.bootLoader))
        claims["x-ms-sevsnpvm-tee-svn"] = .integer(Int64(tcb.tee))
        claims["x-ms-sevsnpvm-snpfw-svn"] = .integer(Int64(tcb.snp))
        claims["x-ms-sevsnpvm-microcode-svn"] = .integer(Int64(tcb.microcode))
        claims["x-ms-sevsnpvm-familyId"] = .string(Hex.encode(report.familyID))
        claims["x-ms-sevsnpvm-imageId"] = .string(Hex.encode(report.imageID))
        claims["x-ms-sevsnpvm-guestsvn"] = .integer(Int64(report.guestSVN))
        claims["x-ms-sevsnpvm-hostdata"] = .string(Hex.encode(report.hostData))
        claims["x-ms-sevsnpvm-is-debuggable"] = .bool(policy.contains(.allowsDebug))
        claims["x-ms-sevsnpvm-migration-allowed"] = .bool(policy.contains(.allowsMigrationAgent))
        claims["x-ms-sevsnpvm-smt-allowed"] = .bool(policy.contains(.allowsSMT))
        claims["x-ms-sevsnpvm-launchmeasurement"] = .string(Hex.encode(report.measurement))
        claims["x-ms-sevsnpvm-reportdata"] = .string(Hex.encode(report.reportData))
        claims["x-ms-sevsnpvm-reportid"] = .string(Hex.encode(report.reportID))
        claims["x-ms-sevsnpvm-vmpl"] = .integer(Int64(report.vmpl))
        claims["x-ms-sevsnpvm-singlesocket"] = .bool(policy.contains(.requiresSingleSocket))
        claims["x-ms-sevsnpvm-cxl-allowed"] = .bool(policy.contains(.allowsCXL))
        claims["x-ms-sevsnpvm-mem-aes256-xts-required"] = .bool(policy.contains(.requiresMemoryAES256XTS))
        claims["x-ms-sevsnpvm-rapl-disabled"] = .bool(policy.contains(.requiresRAPLDisabled))
        claims["x-ms-sevsnpvm-ciphertext-hiding-dram-enabled"] = .bool(policy.contains(.requiresCiphertextHiding))
        claims["x-ms-sevsnpvm-page-swap-disabled"] = .bool(policy.contains(.requiresPageSwapDisabled))
        claims["x-ms-sevsnpvm-chip-family"] = .string(product.rawValue)
        claims["x-ms-sevsnpvm-chipid"] = .string(Hex.encode(report.chipID.prefix(product.chipIDBytes)))
        return claims
    }
}
