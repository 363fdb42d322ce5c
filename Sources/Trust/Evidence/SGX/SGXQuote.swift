public import Encoding

/// An SGX DCAP quote of version 3, 4 or 5, parsed but not verified.
public struct SGXQuote: Sendable {
    public typealias Layout = DCAPQuote.Layout
    public typealias CertificationType = QuoteSignatureData.CertificationType

    /// Everything around the report.
    public let envelope: DCAPQuote
    /// The attested enclave.
    public let report: SGXReport

    /// Reads a quote that fills `input`, zero bytes after it aside.
    ///
    /// - Throws: `evidence-malformed`, also for a quote of TDX.
    public init(_ input: ArraySlice<UInt8>) throws(Refusal) {
        let envelope = try DCAPQuote(input)
        guard case .sgx(let report) = envelope.body else {
            throw Refusal(.evidenceMalformed, "the quote is of TDX, not of SGX")
        }
        self.envelope = envelope
        self.report = report
    }

    init(envelope: DCAPQuote, report: SGXReport) {
        self.envelope = envelope
        self.report = report
    }
}
