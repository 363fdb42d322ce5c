public import Encoding

/// What a vendor publishes to judge evidence by.
public enum EvidenceCollateral: Hashable, Sendable {
    /// Intel's, for SGX and TDX quotes.
    case dcap(DCAPCollateral)
    /// AMD's, for SEV-SNP reports.
    case snp(SNPCollateral)

    /// Reads the member `collateral` of an evidence document of `tee`.
    ///
    /// An Azure CVM has the collateral of the hardware under it, told apart by the member `vek`.
    ///
    /// - Throws: `evidence-malformed`, also for a TEE that has no collateral.
    public init(json: JSON, tee: TEE) throws(Refusal) {
        switch tee {
        case .sgx, .tdx: self = .dcap(try DCAPCollateral(json: json))
        case .snp: self = .snp(try SNPCollateral(json: json))
        case .hcl:
            self = json["vek"] == nil ? .dcap(try DCAPCollateral(json: json)) : .snp(try SNPCollateral(json: json))
        case .tpm, .nitro, .nvidia:
            throw Refusal(.evidenceMalformed, "evidence of \(tee.rawValue) has no collateral")
        }
    }

    public var json: JSON {
        switch self {
        case .dcap(let collateral): collateral.json
        case .snp(let collateral): collateral.json
        }
    }
}
