import Encoding

// The steps of `evidence.md` section 2.3, in its order: hardware, what its report binds, and what the bound key states.
extension EvidenceVerifier {
    func verifyHCL(
        _ bytes: ArraySlice<UInt8>, collateral: EvidenceCollateral?, at time: Timestamp, policy: AcceptancePolicy,
        reportData: [UInt8]?
    ) -> Verdict {
        var appraisal = Appraisal(tee: .hcl, policy)
        let evidence: HCLEvidence
        let report: HCLReport
        let signed: SignedTPMQuote
        do throws(Refusal) {
            evidence = try HCLEvidence(parsing: bytes)
            report = try HCLReport(evidence.report[...])
            signed = try evidence.quote.signed()
        } catch {
            appraisal.fail("format", error)
            return appraisal.verdict()
        }
        appraisal.pass("format", "HCL report of header version \(report.headerVersion) with a TPM quote")

        // What the hardware signed, with the runtime data's digest for report data.
        switch report.hardware {
        case .snp(let hardware):
            appraiseSNP(
                hardware, &appraisal, collateral: collateral, at: time, policy: policy,
                reportData: report.runtimeDigest)
            appraisal.checkParavisor(hardware, policy)
        case .tdx(let local):
            do throws(Refusal) {
                let quote = try evidence.readTDQuote()
                var policy = policy
                policy.tdx = policy.hcl.tdx
                appraiseDCAP(
                    quote.envelope, read: quote.envelope.bytes, &appraisal, collateral: collateral, at: time,
                    policy: policy, reportData: report.runtimeDigest)
                appraisal.checkLocalReport(local, isQuotedBy: quote.report)
            } catch { appraisal.fail("td-quote", error) }
        }

        // The attestation key, and what it states.
        let key = report.runtimeData.attestationKey
        appraisal.checkBinding(report, of: key)
        checkAttestationKeyCertificate(evidence, of: key, &appraisal, at: time, policy.hcl)
        let isSigned = appraisal.checkQuoteSignatures([signed], by: key)
        appraisal.checkNonce([signed], is: reportData)
        let pcrs = appraisal.checkPCRDigests([signed])
        if !isSigned || pcrs == nil { appraisal.signatureChain = .invalid }
        let events = appraisal.checkEventLog(
            evidence.eventLog.map { $0[...] }, against: pcrs ?? [:], policy.hcl.pcrs)
        appraisal.checkPCRValues(pcrs ?? [:], policy.hcl.pcrs)
        appraisal.checkConfiguration(report.runtimeData, policy.hcl)

        let state = TPMState(quotes: [signed.quote], pcrs: pcrs ?? [:], events: events)
        appraisal.reportData = Array(signed.quote.extraData)
        appraisal.claims.merge(state.claims) { _, new in new }
        appraisal.claims["x-ms-runtime"] = report.runtimeData.json
        appraisal.attested = .hcl(report, state)
        return appraisal.verdict()
    }

    /// The certificate of the attestation key, a second and independent word for it; the report is the first.
    private func checkAttestationKeyCertificate(
        _ evidence: HCLEvidence, of key: PublicKey, _ appraisal: inout Appraisal, at time: Timestamp,
        _ policy: HCLRequirements
    ) {
        let certificates = evidence.attestationKeyCertificates
        guard !certificates.isEmpty else {
            if policy.requiresAttestationKeyCertificate {
                appraisal.failPolicy(
                    "ak-certificate-chain", .evidenceChain,
                    "there is no certificate of the attestation key, and the policy asks for one")
            } else {
                appraisal.skip("ak-certificate-chain", "there is no certificate of the attestation key")
            }
            return
        }
        let grade = checkAttestationKeyChain(
            certificates.map { $0[...] }, of: key, roles: [.azureVTPM], &appraisal, at: time)
        // Evidence is as real as the least of its roots.
        if grade == .simulated { appraisal.grade = .simulated }
    }
}
