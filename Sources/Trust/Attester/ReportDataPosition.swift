import Encoding
import Evidence

/// Where the 64 bytes of report data stand in evidence, so that a source can check that it was answered itself.
struct ReportDataPosition {
    private let offset: Int

    /// Nil for a TEE whose evidence is not of one fixed layout.
    ///
    /// - Source: evidence page sections 1.1 (SNP report) and 1.3 (quotes: 48 bytes of header, then the body).
    init?(tee: TEE) {
        switch tee {
        case .snp: offset = SNPReport.Layout.reportData
        case .sgx: offset = SGXQuote.Layout.report + SGXReport.Layout.reportData
        case .tdx: offset = SGXQuote.Layout.headerBytes + 520
        case .hcl, .tpm, .nitro, .nvidia: return nil
        }
    }

    /// - Throws: `binding-mismatch` when `evidence` carries other report data.
    func require(_ reportData: [UInt8], in evidence: [UInt8]) throws(Refusal) {
        guard evidence.count >= offset + reportDataLength,
            evidence[offset..<offset + reportDataLength].elementsEqual(reportData)
        else { throw Refusal(.bindingMismatch, "the machine's evidence does not carry the report data asked for") }
    }
}
