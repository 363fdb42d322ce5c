import Crypto
import Encoding

// The steps of `evidence.md` section 2.2, in its order.
extension EvidenceVerifier {
    func verifySNP(
        _ evidence: ArraySlice<UInt8>, collateral: EvidenceCollateral?, at time: Timestamp, policy: AcceptancePolicy,
        reportData: [UInt8]?
    ) -> Verdict {
        var appraisal = Appraisal(tee: .snp, policy)
        let report: SNPReport
        do throws(Refusal) { report = try SNPReport(evidence) } catch {
            appraisal.fail("format", error)
            return appraisal.verdict()
        }
        appraisal.pass("format", "SNP report of version \(report.version)")
        appraisal.reportData = Array(report.reportData)
        appraisal.attested = .snp(report)
        appraiseSNP(report, &appraisal, collateral: collateral, at: time, policy: policy, reportData: reportData)
        return appraisal.verdict()
    }

    /// Everything after reading the report, also when it is the hardware's part of other evidence.
    func appraiseSNP(
        _ report: SNPReport, _ appraisal: inout Appraisal, collateral: EvidenceCollateral?, at time: Timestamp,
        policy: AcceptancePolicy, reportData: [UInt8]?
    ) {
        appraisal.hostData = Array(report.hostData)
        appraisal.isDebuggable = report.policy.contains(.allowsDebug)

        let endorsement: SNPEndorsement?
        switch endorsementResult(collateral) {
        case .success(let found): endorsement = found
        case .failure(let refusal):
            endorsement = nil
            appraisal.fail("certificate-chain", refusal)
        }
        if let endorsement {
            let product = endorsement.platform.product
            let isEndorsed = appraisal.checkEndorsement(report, endorsement)
            let isTrusted = appraisal.checkRoot(endorsement.path, role: .ark(product), anchors)
            let isValid = appraisal.checkValidity(
                "certificate-validity", .evidenceChain, endorsement.path.validity, at: time)
            let isUnrevoked = appraisal.checkRevocation(endorsement, policy: policy, at: time)
            let isSigned = appraisal.checkReportSignature(report, endorsement.key)
            appraisal.signatureChain =
                isEndorsed && isTrusted && isValid && isUnrevoked && isSigned ? .valid : .invalid
            appraisal.checkPlatform(report, endorsement.platform)
            if appraisal.signatureChain == .valid {
                appraisal.claims = SNPClaims.of(report, product: product)
                appraisal.mark(report, product: product)
            }
        }
        appraisal.checkSNPPolicy(report, endorsement?.platform, policy: policy, reportData: reportData)
    }

    private func endorsementResult(_ collateral: EvidenceCollateral?) -> Result<SNPEndorsement, Refusal> {
        switch collateral {
        case .snp(let collateral):
            if let endorsement = snpEndorsements.value(collateral.digest) { return .success(endorsement) }
            do throws(Refusal) {
                let endorsement = try SNPEndorsement(collateral)
                if endorsement.isComplete, isTrusted(endorsement.path, .ark(endorsement.platform.product)) {
                    snpEndorsements.insert(endorsement, collateral.digest)
                }
                return .success(endorsement)
            } catch { return .failure(error) }
        case nil:
            return .failure(
                Refusal(
                    .evidenceChain,
                    "there is no collateral: the report needs its VCEK or VLEK, with ASK or ASVK and ARK"))
        case .dcap:
            return .failure(Refusal(.collateralInvalid, "the collateral is Intel's, not AMD's"))
        }
    }
}
