import Encoding
import Evidence

/// Where the 64 bytes of report data stand in evidence, so that a source can check that it was answered itself.
struct ReportDataPosition {
    private enum Place {
        case fixed(Int)
        /// From the start of a quote's body, which begins later in version 5.
        case inBody(Int)
    }

    private let place: Place

    /// Nil for a TEE whose evidence is not of one fixed layout.
    ///
    /// - Source: evidence page sections 1.1 (SNP report) and 1.3 (quotes: header, in version 5 the body's descriptor,
    ///   then the body).
    init?(tee: TEE) {
        switch tee {
        case .snp: place = .fixed(SNPReport.Layout.reportData)
        case .sgx: place = .inBody(SGXReport.Layout.reportData)
        case .tdx: place = .inBody(TDReport.Layout.reportData)
        case .hcl, .tpm, .nitro, .nvidia: return nil
        }
    }

    /// - Throws: `binding-mismatch` when `evidence` carries other report data.
    func require(_ reportData: [UInt8], in evidence: [UInt8]) throws(Refusal) {
        let offset: Int
        switch place {
        case .fixed(let position): offset = position
        case .inBody(let position):
            var reader = ByteReader(evidence)
            offset = DCAPQuote.Layout.body(version: try reader.littleEndian("quote version")) + position
        }
        guard evidence.count >= offset + reportDataLength,
            evidence[offset..<offset + reportDataLength].elementsEqual(reportData)
        else { throw Refusal(.bindingMismatch, "the machine's evidence does not carry the report data asked for") }
    }
}
