import Encoding

/// A simulated quoting enclave, of SGX or of TDX.
package struct QuotingEnclave: Sendable {
    /// `id` of its identity.
    package let identityName: String
    /// ISVPRODID and ISVSVN.
    package let product: UInt16
    package let svn: UInt16 = 10
    /// MRSIGNER: identity of whoever would have signed it.
    package let signer: [UInt8]
    /// The advisory of its older versions.
    let advisory = "CLOISTER-SIMULATED-00002"

    package static let sgx = QuotingEnclave(
        identityName: "QE", product: 1, signer: Digest(of: "cloister simulated quoting enclave signer").bytes)
    package static let tdx = QuotingEnclave(
        identityName: "TD_QE", product: 2, signer: Digest(of: "cloister simulated TD quoting enclave signer").bytes)
}
