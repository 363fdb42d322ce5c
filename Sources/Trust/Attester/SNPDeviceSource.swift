public import Encoding
public import Evidence

/// SEV-SNP reports from the guest's own device, for kernels without configfs-tsm.
///
/// - Source: sidecars page section 3; AMD SNP firmware ABI 56860, MSG_REPORT_REQ.
public struct SNPDeviceSource: EvidenceSource {
    public var tee: TEE { .snp }
    private let driver: SNPDriver

    /// Bytes of status and reserved space before the report.
    private static let header = 32

    public init(driver: SNPDriver) {
        self.driver = driver
    }

    /// The device that is there; nil on a machine without one.
    public static func driver(files: AttestationFiles) -> SNPDriver? {
        SNPDriver.all.first { files.exists($0.path) }
    }

    public func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        try requireReportData(reportData)
        return try await offPool { () throws(Refusal) in try report(reportData) }
    }

    private func report(_ reportData: [UInt8]) throws(Refusal) -> AttesterEvidence {
        // After the report data: VMPL 0, and reserved zeros.
        let request = reportData + [UInt8](repeating: 0, count: 32)
        let response: [UInt8]
        do throws(SystemError) { response = try driver.respond(request) } catch {
            throw Refusal(.notReady, "the SEV-SNP device does not answer (\(error))")
        }
        var reader = ByteReader(response)
        let status: UInt32 = try reader.littleEndian("status of the report response")
        guard status == 0 else { throw Refusal(.notReady, "the firmware made no report (status \(status))") }
        _ = try reader.take(Self.header - 4, "report response header")
        let report = Array(try reader.take(SNPReport.Layout.byteCount, "report"))
        _ = try SNPReport(report[...])
        try ReportDataPosition(tee: .snp)?.require(reportData, in: report)
        return AttesterEvidence(tee: .snp, evidence: report)
    }
}
