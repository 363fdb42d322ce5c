public import Encoding
public import Evidence

/// Evidence of an Azure confidential VM: the report that its paravisor left in the virtual TPM, and a quote of that
/// TPM, whose nonce is the report data.
///
/// The hardware's report there binds the TPM's key, not the report data. Certificates are the host's to give
/// (`169.254.169.254/metadata/THIM`), so that none come with it.
///
/// - Source: `evidence.md` section 1.4.
public struct AzureVMSource: EvidenceSource {
    public var tee: TEE { .hcl }
    private let commands: TPMCommands

    /// Where the paravisor's report lies, and the attestation key that it binds.
    private static let reportIndex: UInt32 = 0x0140_0001
    private static let attestationKey: UInt32 = 0x8100_0003

    public init(device: TPMDevice = .system) {
        commands = TPMCommands(device)
    }

    /// Whether the TPM of this machine holds a paravisor's report.
    public static func isAvailable(device: TPMDevice = .system) -> Bool {
        (try? TPMCommands(device).nonVolatile(reportIndex)).map { $0.starts(with: Array("HCLA".utf8)) } ?? false
    }

    public func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        try requireReportData(reportData)
        return try await offPool { () throws(Refusal) in try quoted(reportData) }
    }

    private func quoted(_ reportData: [UInt8]) throws(Refusal) -> AttesterEvidence {
        let report = try commands.nonVolatile(Self.reportIndex)
        _ = try HCLReport(report[...])
        let quote = try commands.quote(by: Self.attestationKey, nonce: reportData)
        let evidence = HCLEvidence(
            report: report,
            quote: HCLQuote(message: quote.message, signature: quote.signature, pcrs: try commands.registers()))
        return AttesterEvidence(tee: .hcl, evidence: evidence.json.canonical)
    }
}
