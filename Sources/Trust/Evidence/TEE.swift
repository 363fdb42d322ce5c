/// A kind of trusted execution environment, by the name that Cloister's formats use (formats section 1, "Names").
///
/// `EvidenceVerifier` appraises all of them.
public enum TEE: String, Hashable, Sendable, CaseIterable {
    case sgx
    case tdx
    case snp
    case hcl
    case tpm
    case nitro
    case nvidia
}

/// What stands behind evidence: a vendor's hardware root, or a root that was named explicitly for simulation.
public enum Grade: String, Hashable, Sendable, CaseIterable {
    case hardware
    case simulated
}
