public import Encoding

/// What a vendor publishes to judge evidence by, for one kind of TEE.
public enum EvidenceCollateral: Hashable, Sendable {
    case sgx(SGXCollateral)
    case snp(SNPCollateral)

    /// Reads the member `collateral` of an evidence document of `tee`.
    ///
    /// - Throws: `evidence-malformed`, also for a TEE whose collateral has no form here.
    public init(json: JSON, tee: TEE) throws(Refusal) {
        switch tee {
        case .sgx: self = .sgx(try SGXCollateral(json: json))
        case .snp: self = .snp(try SNPCollateral(json: json))
        case .tdx, .hcl, .tpm, .nitro, .nvidia:
            throw Refusal(.evidenceMalformed, "collateral for \(tee.rawValue) is not read")
        }
    }

    public var json: JSON {
        switch self {
        case .sgx(let collateral): collateral.json
        case .snp(let collateral): collateral.json
        }
    }
}
