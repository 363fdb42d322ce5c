public import Encoding

/// Verifies attestation evidence against roots that were fixed when the verifier was made.
///
/// Pure but for its caches: time, collateral, policy and roots are arguments. The caches hold, bounded, what was proven
/// of exact bytes regardless of time (signatures, structure); whatever depends on time, on a policy or on the evidence
/// itself is looked at again on every use. One verifier may be used from any number of tasks.
public final class EvidenceVerifier: Sendable {
    let anchors: TrustAnchors
    /// Certificates that were read, not verified, by the digest of their text.
    let certificates: ProvenCache<Certificate>
    /// Chains, quoting enclaves and collateral that verified, by the digest of their exact bytes.
    let pckChains: ProvenCache<PCKChain>
    let platforms: ProvenCache<QuotingPlatform>
    let dcapCollateral: ProvenCache<DCAPCollateralProof>
    let snpEndorsements: ProvenCache<SNPEndorsement>
    let nitroChains: ProvenCache<NitroChain>
    let nvidiaEndorsements: ProvenCache<NVIDIAEndorsement>
    let attestationKeyChains: ProvenCache<AttestationKeyChain>

    /// - Parameter cacheCapacity: entries of each cache; the oldest leaves first.
    public init(anchors: TrustAnchors, cacheCapacity: Int = 256) {
        self.anchors = anchors
        certificates = ProvenCache(capacity: cacheCapacity)
        pckChains = ProvenCache(capacity: cacheCapacity)
        platforms = ProvenCache(capacity: cacheCapacity)
        dcapCollateral = ProvenCache(capacity: cacheCapacity)
        snpEndorsements = ProvenCache(capacity: cacheCapacity)
        nitroChains = ProvenCache(capacity: cacheCapacity)
        nvidiaEndorsements = ProvenCache(capacity: cacheCapacity)
        attestationKeyChains = ProvenCache(capacity: cacheCapacity)
    }

    /// Judges evidence as of a moment.
    ///
    /// Never throws: everything that is wrong with the evidence is in the verdict.
    ///
    /// - Parameters:
    ///   - evidence: an SGX or TDX quote, an SNP report or a Nitro document as the hardware made it, without wrappers; the
    ///     JSON that `HCLEvidence` or `NVIDIAEvidence` reads; the message that `TPMEvidence` reads.
    ///   - collateral: of the same TEE, for `hcl` of its hardware; nil is refused, with all that can be said without it.
    ///     TPMs, Nitro documents and NVIDIA reports carry their chains and have none.
    ///   - time: the moment to judge for, not necessarily now.
    ///   - reportData: what the 64 bytes of report data must be, zeros at the end left away; or exactly the nonce of a TPM's
    ///     quote (for `hcl` too), of a Nitro document (its user data, without a nonce) or of an NVIDIA report; nil if the
    ///     caller compares.
    public func verify(
        _ evidence: [UInt8], tee: TEE, collateral: EvidenceCollateral?, at time: Timestamp,
        policy: AcceptancePolicy = .default, reportData: [UInt8]? = nil
    ) -> Verdict {
        switch tee {
        case .sgx, .tdx:
            return verifyDCAP(
                evidence[...], tee: tee, collateral: collateral, at: time, policy: policy, reportData: reportData)
        case .snp:
            return verifySNP(evidence[...], collateral: collateral, at: time, policy: policy, reportData: reportData)
        case .hcl:
            return verifyHCL(evidence[...], collateral: collateral, at: time, policy: policy, reportData: reportData)
        case .tpm:
            return verifyTPM(evidence[...], at: time, policy: policy, reportData: reportData)
        case .nitro: return verifyNitro(evidence[...], at: time, policy: policy, reportData: reportData)
        case .nvidia: return verifyNVIDIA(evidence[...], at: time, policy: policy, reportData: reportData)
        }
    }
}
