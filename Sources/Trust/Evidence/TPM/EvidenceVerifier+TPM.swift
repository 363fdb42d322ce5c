import Encoding

// `evidence.md` section 2.3 without the hardware report: a TPM is as good as the certificate of its attestation key.
extension EvidenceVerifier {
    func verifyTPM(
        _ bytes: ArraySlice<UInt8>, at time: Timestamp, policy: AcceptancePolicy, reportData: [UInt8]?
    ) -> Verdict {
        var appraisal = Appraisal(tee: .tpm, policy)
        let evidence: TPMEvidence
        do throws(Refusal) { evidence = try TPMEvidence(bytes) } catch {
            appraisal.fail("format", error)
            return appraisal.verdict()
        }
        let unread =
            evidence.unreadParts.isEmpty ? "" : "; not looked at: \(evidence.unreadParts.joined(separator: ", "))"
        appraisal.pass("format", "TPM attestation with \(evidence.quotes.count) quotes\(unread)")

        let key = evidence.attestationKey.key
        let isTrusted = checkAttestationKey(evidence, &appraisal, at: time, policy.tpm)
        let isSigned = appraisal.checkQuoteSignatures(evidence.quotes, by: key)
        appraisal.checkNonce(evidence.quotes, is: reportData)
        let pcrs = appraisal.checkPCRDigests(evidence.quotes)
        appraisal.signatureChain = isTrusted && isSigned && pcrs != nil ? .valid : .invalid
        let events = appraisal.checkEventLog(evidence.eventLog, against: pcrs ?? [:], policy.tpm.pcrs)
        appraisal.checkPCRValues(pcrs ?? [:], policy.tpm.pcrs)

        let state = TPMState(quotes: evidence.quotes.map(\.quote), pcrs: pcrs ?? [:], events: events)
        appraisal.reportData = Array(evidence.quotes[0].quote.extraData)
        appraisal.claims = state.claims
        appraisal.attested = .tpm(state)
        return appraisal.verdict()
    }

    /// Whether the key is one that a TPM states things with, and whose: the policy's, or its certificate's.
    private func checkAttestationKey(
        _ evidence: TPMEvidence, _ appraisal: inout Appraisal, at time: Timestamp, _ policy: TPMRequirements
    ) -> Bool {
        let key = evidence.attestationKey.key
        guard evidence.attestationKey.isAttestationKey else {
            appraisal.fail("tpm-key", .evidenceChain, "the TPM key may sign what did not come from its TPM")
            return false
        }
        let isNamed = policy.attestationKeys.contains(key.pin)
        appraisal.pass("tpm-key", "key \(key.pin), restricted to what its TPM states")
        guard !isNamed || policy.requiresCertificate else {
            appraisal.skip("ak-certificate-chain", "the policy names the key")
            return true
        }
        guard
            let grade = checkAttestationKeyChain(
                evidence.certificates, of: key, roles: [.googleVTPM, .azureVTPM], &appraisal, at: time)
        else { return false }
        appraisal.grade = grade
        return true
    }

    /// The certificate of an attestation key up to a trusted root. Returns the root's grade; nil when anything is wrong.
    func checkAttestationKeyChain(
        _ certificates: [ArraySlice<UInt8>], of key: PublicKey, roles: [TrustAnchors.Role],
        _ appraisal: inout Appraisal,
        at time: Timestamp
    ) -> Grade? {
        let chain: AttestationKeyChain
        do throws(Refusal) { chain = try attestationKeyChain(certificates) } catch {
            appraisal.fail("ak-certificate-chain", error)
            return nil
        }
        guard chain.path.leaf.publicKey.subjectPublicKeyInfo == key.subjectPublicKeyInfo else {
            appraisal.fail(
                "ak-certificate-chain", .evidenceChain,
                "\(chain.path.leaf.nameForDetail) is for another key than the attestation key")
            return nil
        }
        appraisal.pass(
            "ak-certificate-chain",
            "\(chain.path.leaf.nameForDetail) under \(chain.path.certificates[1].nameForDetail)")
        let anchor = appraisal.checkAnchor("ak-trusted-root", chain.path, roles: roles, anchors)
        let isValid = appraisal.checkValidity(
            "ak-certificate-validity", .evidenceChain, chain.path.validity, at: time)
        return isValid ? anchor?.grade : nil
    }

    private func attestationKeyChain(_ certificates: [ArraySlice<UInt8>]) throws(Refusal) -> AttestationKeyChain {
        let content = ContentDigest.of(certificates)
        if let chain = attestationKeyChains.value(content) { return chain }
        let chain = try AttestationKeyChain(certificates)
        if isTrusted(chain.path, .googleVTPM) || isTrusted(chain.path, .azureVTPM) {
            attestationKeyChains.insert(chain, content)
        }
        return chain
    }
}
