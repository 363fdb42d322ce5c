import Encoding
package import Evidence

/// A SEV-SNP report before it is signed.
///
/// - Source: SEV-SNP Firmware ABI 56860, ATTESTATION_REPORT; evidence page section 1.1.
package enum SNPReportRecipe {
    /// The security versions of an up-to-date chip.
    package static func tcb(_ product: SNPProduct) -> SNPTCBVersion {
        switch product {
        case .milan: SNPTCBVersion(bootLoader: 4, tee: 0, snp: 24, microcode: 219)
        case .genoa: SNPTCBVersion(bootLoader: 10, tee: 0, snp: 23, microcode: 84)
        case .turin: SNPTCBVersion(fmc: 1, bootLoader: 1, tee: 1, snp: 4, microcode: 71)
        }
    }

    /// Build, minor, major.
    private static let firmware: [UInt8] = [29, 55, 1]
    private static let guestSVN: UInt32 = 1
    private static let policy: SNPGuestPolicy = [.allowsSMT, .reserved]
    private static let platform: SNPPlatformInfo = [.smtEnabled, .eccMemory, .aliasCheckComplete]

    /// A guest without debug and migration, at privilege level 0, on a chip whose every TCB is `tcb`.
    ///
    /// - Parameter version: 2, 3 or 5; the product by CPUID fields stands in a report from version 3 on.
    package static func report(
        version: UInt32, product: SNPProduct, kind: SNPReport.SigningKey, chipID: [UInt8], reportID: [UInt8],
        program: AttestedProgram
    ) -> [UInt8] {
        typealias Layout = SNPReport.Layout
        var report = [UInt8].zeros(Layout.byteCount)
        report.put(version, at: Layout.version)
        report.put(guestSVN, at: Layout.guestSVN)
        report.put(policy.rawValue, at: Layout.policy)
        report.put(UInt32(1), at: Layout.signatureAlgorithm)
        report.put(platform.rawValue, at: Layout.platformInfo)
        report.put(kind.rawValue << 2, at: Layout.keyInfo)
        report.put(program.reportData, at: Layout.reportData)
        report.put(program.measurement, at: Layout.measurement)
        report.put(program.hostData, at: Layout.hostData)
        report.put(reportID, at: Layout.reportID)
        // No migration agent.
        report.put([UInt8](repeating: 0xff, count: 32), at: Layout.migrationAgentReportID)
        let tcb = tcb(product).bytes(product: product)
        for offset in [Layout.currentTCB, Layout.reportedTCB, Layout.committedTCB, Layout.launchTCB] {
            report.put(tcb, at: offset)
        }
        if version >= 3 {
            let cpuid = product.cpuid
            report.put([cpuid.family, cpuid.model, cpuid.stepping], at: Layout.cpuid)
        }
        if kind == .vcek { report.put(chipID, at: Layout.chipID) }
        for offset in [Layout.currentFirmware, Layout.committedFirmware] { report.put(firmware, at: offset) }
        if version >= 5 {
            for offset in [Layout.launchMitigations, Layout.currentMitigations] { report.put(UInt64(0x3f), at: offset) }
        }
        return report
    }
}
