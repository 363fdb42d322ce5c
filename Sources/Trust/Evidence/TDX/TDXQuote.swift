public import Encoding

/// A TDX DCAP quote of version 4 or 5, parsed but not verified.
public struct TDXQuote: Sendable {
    /// Everything around the report.
    public let envelope: DCAPQuote
    /// The attested trust domain.
    public let report: TDReport

    /// Reads a quote that fills `input`, zero bytes after it aside.
    ///
    /// - Throws: `evidence-malformed`, also for a quote of SGX.
    public init(_ input: ArraySlice<UInt8>) throws(Refusal) {
        let envelope = try DCAPQuote(input)
        guard case .td(let report) = envelope.body else {
            throw Refusal(.evidenceMalformed, "the quote is of SGX, not of TDX")
        }
        self.envelope = envelope
        self.report = report
    }

    init(envelope: DCAPQuote, report: TDReport) {
        self.envelope = envelope
        self.report = report
    }
}
