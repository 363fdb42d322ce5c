import Crypto
import Encoding

// The steps of `evidence.md` section 2.1 for SGX, in its order and with its numbers.
extension EvidenceVerifier {
    func verifySGX(
        _ evidence: ArraySlice<UInt8>, collateral: EvidenceCollateral?, at time: Timestamp, policy: AcceptancePolicy,
        reportData: [UInt8]?
    ) -> Verdict {
        var appraisal = Appraisal(tee: .sgx)
        // 1. Form.
        let quote: SGXQuote
        do throws(Refusal) { quote = try SGXQuote(evidence) } catch {
            appraisal.fail("format", error)
            return appraisal.verdict()
        }
        appraisal.pass(
            "format",
            quote.trailingZeroBytes == 0
                ? "SGX quote of version 3, \(quote.bytes.count) bytes"
                : "SGX quote of version 3, \(quote.bytes.count) bytes, then \(quote.trailingZeroBytes) zero bytes")
        appraisal.reportData = Array(quote.report.reportData)
        appraisal.hostData = SGXClaims.hostData(quote.report)
        appraisal.attested = .sgx(quote)
        appraisal.isDebuggable = quote.report.attributes.contains(.debug)

        // 2. PCK chain.
        let provenance = provenance(quote, collateral: collateral?.dcap)
        let isTrusted = appraisal.check(provenance.chain, at: time, anchors: anchors)

        // 3 to 5. Lists and documents.
        let proof = proof(collateral, &appraisal)
        let chain = try? provenance.chain.get()
        let isUnrevoked = appraisal.checkRevocation(proof, chain: chain, at: time)
        let tcbInfo = appraisal.checkTCBInfo(proof, chain: chain, policy: policy, at: time)
        let qeIdentity = appraisal.checkQEIdentity(proof, chain: chain, policy: policy, at: time)
        let qeLevel = appraisal.checkQuotingEnclave(quote.quotingEnclaveReport, is: qeIdentity)

        // 6. Signatures from PCK to quote.
        let isSigned = appraisal.checkSignatures(quote, provenance)
        appraisal.signatureChain =
            chain == nil ? .notChecked : isTrusted && isUnrevoked && isSigned ? .valid : .invalid
        if appraisal.signatureChain == .valid {
            appraisal.claims = SGXClaims.of(quote, input: evidence, collateral: collateral?.dcap)
        }

        // 8 to 11. Level and policy; the TDX steps do not apply.
        appraisal.checkTCBLevel(chain: chain, tcbInfo: tcbInfo, qeLevel: qeLevel, policy: policy)
        appraisal.checkSGXPolicy(quote.report, chain: chain, policy: policy)
        appraisal.checkReportData(quote.report.reportData, is: reportData)
        return appraisal.verdict()
    }

    /// Chain, quoting enclave and attestation key as far as they could be proven, from the caches where possible.
    private func provenance(_ quote: SGXQuote, collateral: DCAPCollateral?) -> SGXProvenance {
        let usesSupplied = quote.certificationType != .certificateChain
        let supplied = usesSupplied ? collateral?.pckCertificateChain : nil
        var parts = [quote.platformPart]
        if let supplied { parts.append(Array(supplied.utf8)[...]) }
        let key = ContentDigest.of(parts)
        if let platform = platforms.value(key) {
            return SGXProvenance(chain: .success(platform.chain), platform: .success(platform))
        }
        let chain: PCKChain
        do throws(Refusal) {
            chain = try pckChain(quote, supplied: supplied)
        } catch { return SGXProvenance(chain: .failure(error), platform: nil) }
        do throws(SGXPlatform.Faults) {
            let platform = try SGXPlatform(quote, chain: chain)
            platforms.insert(platform, key)
            return SGXProvenance(chain: .success(chain), platform: .success(platform))
        } catch { return SGXProvenance(chain: .success(chain), platform: .failure(error)) }
    }

    private func pckChain(_ quote: SGXQuote, supplied: String?) throws(Refusal) -> PCKChain {
        if quote.certificationType == .certificateChain {
            let key = ContentDigest.of([quote.certificationData])
            if let chain = pckChains.value(key) { return chain }
            let chain = try PCKChain(embedded: quote.certificationData, known: certificates)
            pckChains.insert(chain, key)
            return chain
        }
        guard let supplied else {
            throw Refusal(
                .evidenceChain,
                "the quote carries no PCK certificate chain (certification data of type "
                    + "\(quote.certificationType.rawValue)), and none was supplied")
        }
        let chain = try PCKChain(supplied: supplied)
        try SGXCertificationData.requireSame(quote, chain, known: certificates)
        return chain
    }

    private func proof(_ collateral: EvidenceCollateral?, _ appraisal: inout Appraisal) -> DCAPCollateralProof? {
        switch collateral {
        case .dcap(let collateral):
            if let proof = dcapCollateral.value(collateral.digest) { return proof }
            let proof = DCAPCollateralProof(collateral)
            if proof.isComplete { dcapCollateral.insert(proof, collateral.digest) }
            return proof
        case nil:
            appraisal.fail("collateral", .collateralInvalid, "there is no collateral for the quote")
        case .snp:
            appraisal.fail("collateral", .collateralInvalid, "the collateral is AMD's, not Intel's")
        }
        return nil
    }
}

/// How far the certificates and the quoting enclave of a quote are proven.
struct SGXProvenance {
    let chain: Result<PCKChain, Refusal>
    /// Nil without a chain.
    let platform: Result<SGXPlatform, SGXPlatform.Faults>?
}

extension EvidenceCollateral {
    fileprivate var dcap: DCAPCollateral? { if case .dcap(let collateral) = self { collateral } else { nil } }
}
