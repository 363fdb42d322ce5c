import Crypto
import Encoding

/// One platform's quoting enclave and attestation key, proven by its PCK chain, whatever the time.
final class QuotingPlatform: Sendable {
    let chain: PCKChain
    /// A copy, so that a cached platform does not hold a whole quote.
    let quotingEnclave: SGXReport
    let attestationKey: P256.Signing.PublicKey

    /// What is wrong between PCK and attestation key, in the order of the steps.
    struct Faults: Error {
        var signature: Refusal?
        var binding: Refusal?
    }

    /// - Throws: `Faults` when the QE report is not signed by the PCK, or does not bind the attestation key.
    init(_ quote: QuoteSignatureData, chain: PCKChain) throws(Faults) {
        let enclave = quote.quotingEnclaveReport
        let isSigned =
            (try? P256.Signing.ECDSASignature(rawRepresentation: quote.quotingEnclaveSignature)).map {
                chain.key.isValidSignature($0, for: SHA256.hash(data: enclave.bytes))
            } ?? false
        var hash = SHA256()
        hash.update(data: quote.attestationKey)
        hash.update(data: quote.authenticationData)
        // The second half has no use; Intel's library does not look at it, and nothing may hide there.
        let isBound =
            enclave.reportData.prefix(32).elementsEqual(hash.finalize()) && enclave.reportData.dropFirst(32).isZero
        let key = try? P256.Signing.PublicKey(rawRepresentation: quote.attestationKey)
        var faults = Faults()
        if !isSigned {
            faults.signature = Refusal(.qeIdentity, "the PCK's signature over the quoting enclave's report is wrong")
        }
        if !isBound {
            faults.binding = Refusal(.qeIdentity, "the quoting enclave's report does not bind the attestation key")
        } else if key == nil {
            faults.binding = Refusal(.qeIdentity, "the attestation key is not a point of P-256")
        }
        guard faults.signature == nil, faults.binding == nil, let key else { throw faults }
        self.chain = chain
        quotingEnclave = SGXReport(Array(enclave.bytes)[...])
        attestationKey = key
    }
}
