public import Encoding

/// Which collateral a quote needs: its TEE, and what its PCK certificate says about the platform, before anything is
/// verified.
///
/// Only for finding collateral. Whether it fits is checked again when the quote is verified with it.
public struct DCAPPlatformIdentity: Hashable, Sendable {
    /// `sgx` or `tdx`: TCB info and QE identity are for one of them.
    public let tee: TEE
    /// Six bytes: family, model, stepping and platform type.
    public let fmspc: [UInt8]
    /// `processor` or `platform`, as Intel's provisioning service names the intermediate CA.
    public let ca: String

    /// Reads the chain that the quote embeds.
    ///
    /// - Throws: `evidence-chain` when there is none or it is not one of PCK certificates.
    public init(of quote: DCAPQuote) throws(Refusal) {
        guard quote.signatureData.embedsChain else {
            throw Refusal(.evidenceChain, "the quote embeds no PCK certificate chain")
        }
        let chain = try PCKChain(
            embedded: quote.signatureData.certificationData, known: CertificateMemory(capacity: 3))
        self.init(tee: quote.tee, chain: chain)
    }

    init(tee: TEE, chain: PCKChain) {
        self.tee = tee
        fmspc = chain.platform.fmspc
        ca = chain.authority.subjectCommonName.contains("Processor") ? "processor" : "platform"
    }
}
