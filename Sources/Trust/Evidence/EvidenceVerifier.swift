public import Encoding

/// Verifies attestation evidence against roots that were fixed when the verifier was made.
///
/// Pure but for its caches: time, collateral, policy and roots are arguments. The caches hold, bounded, what was proven
/// of exact bytes regardless of time (signatures, structure); whatever depends on time, on a policy or on the evidence
/// itself is looked at again on every use. One verifier may be used from any number of tasks.
public final class EvidenceVerifier: Sendable {
    let anchors: TrustAnchors
    /// Certificates that were read, under whatever root.
    let certificates: CertificateMemory
    /// Chains, quoting enclaves and collateral that verified under a trusted root, by the digest of their exact bytes.
    let pckChains: ProvenCache<Digest, PCKChain>
    let platforms: ProvenCache<Digest, QuotingPlatform>
    let dcapCollateral: ProvenCache<Digest, DCAPCollateralProof>
    let snpEndorsements: ProvenCache<Digest, SNPEndorsement>
    let snpEndorsers: ProvenCache<Digest, SNPEndorser>
    let nitroChains: ProvenCache<Digest, NitroChain>
    let nvidiaEndorsements: ProvenCache<Digest, NVIDIAEndorsement>
    let attestationKeyChains: ProvenCache<Digest, AttestationKeyChain>

    /// - Parameter cacheCapacity: entries of each cache; the oldest leaves first.
    public init(anchors: TrustAnchors, cacheCapacity: Int = 256) {
        self.anchors = anchors
        certificates = CertificateMemory(capacity: cacheCapacity)
        pckChains = ProvenCache(capacity: cacheCapacity)
        platforms = ProvenCache(capacity: cacheCapacity)
        dcapCollateral = ProvenCache(capacity: cacheCapacity)
        snpEndorsements = ProvenCache(capacity: cacheCapacity)
        snpEndorsers = ProvenCache(capacity: cacheCapacity)
        nitroChains = ProvenCache(capacity: cacheCapacity)
        nvidiaEndorsements = ProvenCache(capacity: cacheCapacity)
        attestationKeyChains = ProvenCache(capacity: cacheCapacity)
    }

    /// Whether what was proven under a chain's root is worth remembering.
    ///
    /// Under a root of their own, strangers can prove megabytes of anything, and would push out what others need.
    func isTrusted(_ path: CertificatePath, _ role: TrustAnchors.Role) -> Bool {
        anchors.anchor(path.root, role) != nil
    }

    /// Judges evidence as of a moment.
    ///
    /// Never throws: everything that is wrong with the evidence is in the verdict.
    ///
    /// - Parameters:
    ///   - evidence: an SGX or TDX quote, an SNP report or a Nitro document as the hardware made it, without wrappers; the
    ///     JSON that `HCLEvidence` or `NVIDIAEvidence` reads; the message that `TPMEvidence` reads.
    ///   - collateral: of the same TEE, for `hcl` of its hardware; nil is refused, with all that can be said without it.
    ///     Nitro documents, NVIDIA reports and TPM attestations carry their chains and have none.
    ///   - time: the moment to judge for, not necessarily now.
    ///   - reportData: what the 64 bytes of report data must be, zeros at the end left away; exactly the nonce of a TPM's
    ///     quote (`hcl`, `tpm`), of a Nitro document (its user data, without a nonce) or of an NVIDIA report; nil if the
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
        case .tpm: return verifyTPM(evidence[...], at: time, policy: policy, reportData: reportData)
        case .nitro: return verifyNitro(evidence[...], at: time, policy: policy, reportData: reportData)
        case .nvidia: return verifyNVIDIA(evidence[...], at: time, policy: policy, reportData: reportData)
        }
    }
}
