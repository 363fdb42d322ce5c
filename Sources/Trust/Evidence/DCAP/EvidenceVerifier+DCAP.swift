import Crypto
import Encoding

// The steps of `evidence.md` section 2.1, in its order and with its numbers.
extension EvidenceVerifier {
    /// - Parameter tee: `sgx` or `tdx`; a quote of the other is malformed.
    func verifyDCAP(
        _ evidence: ArraySlice<UInt8>, tee: TEE, collateral: EvidenceCollateral?, at time: Timestamp,
        policy: AcceptancePolicy, reportData: [UInt8]?
    ) -> Verdict {
        var appraisal = Appraisal(tee: tee)
        // 1. Form.
        let quote: DCAPQuote
        do throws(Refusal) { quote = try DCAPQuote(evidence, of: tee) } catch {
            appraisal.fail("format", error)
            return appraisal.verdict()
        }
        appraisal.pass("format", quote.detail)
        appraiseDCAP(
            quote, read: evidence, &appraisal, collateral: collateral, at: time, policy: policy, reportData: reportData)
        return appraisal.verdict()
    }

    /// Everything after reading the quote, also when it is the hardware's part of other evidence.
    ///
    /// - Parameter evidence: what the quote was read from.
    func appraiseDCAP(
        _ quote: DCAPQuote, read evidence: ArraySlice<UInt8>, _ appraisal: inout Appraisal,
        collateral: EvidenceCollateral?, at time: Timestamp, policy: AcceptancePolicy, reportData: [UInt8]?
    ) {
        appraisal.take(quote)

        // 2. PCK chain.
        let provenance = provenance(quote.signatureData, collateral: collateral?.dcap)
        let isTrusted = appraisal.check(provenance.chain, at: time, anchors: anchors)

        // 3 to 5. Lists and documents.
        let proof = proof(collateral, &appraisal)
        let chain = try? provenance.chain.get()
        let isUnrevoked = appraisal.checkRevocation(proof, chain: chain, at: time)
        let tcbInfo = appraisal.checkTCBInfo(proof, of: quote.tee, chain: chain, policy: policy, at: time)
        let qeIdentity = appraisal.checkQEIdentity(proof, of: quote.tee, chain: chain, policy: policy, at: time)
        let quotingEnclave = appraisal.checkQuotingEnclave(quote.signatureData.quotingEnclaveReport, is: qeIdentity)

        // 6. Signatures from PCK to quote.
        let isSigned = appraisal.checkSignatures(quote, provenance)
        appraisal.signatureChain =
            chain == nil ? .notChecked : isTrusted && isUnrevoked && isSigned ? .valid : .invalid

        // 7 to 10. Module and levels.
        var module: TDXModuleFinding?
        if case .td(let report) = quote.body { module = appraisal.checkTDXModule(report, tcbInfo: tcbInfo) }
        appraisal.checkTCBLevel(
            quote.body, chain: chain, tcbInfo: tcbInfo, module: module, quotingEnclave: quotingEnclave, policy: policy,
            at: time)

        // 11. Policy.
        switch quote.body {
        case .sgx(let report):
            appraisal.checkSGXPolicy(report, chain: chain, policy: policy)
            appraisal.checkReportData(report.reportData, is: reportData)
            if appraisal.signatureChain == .valid {
                appraisal.claims = SGXClaims.of(report, input: evidence, collateral: collateral?.dcap)
            }
        case .td(let report):
            appraisal.checkTDXPolicy(report, chain: chain, policy: policy)
            appraisal.checkReportData(report.reportData, is: reportData)
            if appraisal.signatureChain == .valid {
                appraisal.claims = TDXClaims.of(report, status: appraisal.tcb?.status)
            }
        }
    }

    /// Chain, quoting enclave and attestation key as far as they could be proven, from the caches where possible.
    private func provenance(_ quote: QuoteSignatureData, collateral: DCAPCollateral?) -> QuoteProvenance {
        let supplied = quote.embedsChain ? nil : collateral?.pckCertificateChain
        // The same bytes mean something else in another layout.
        var parts = [quote.platformPart, quote.isNested ? [1] : [0]]
        if let supplied { parts.append(Array(supplied.utf8)[...]) }
        let key = ContentDigest.of(parts)
        if let platform = platforms.value(key) {
            return QuoteProvenance(chain: .success(platform.chain), platform: .success(platform))
        }
        let chain: PCKChain
        do throws(Refusal) {
            chain = try pckChain(quote, supplied: supplied)
        } catch { return QuoteProvenance(chain: .failure(error), platform: nil) }
        do throws(QuotingPlatform.Faults) {
            let platform = try QuotingPlatform(quote, chain: chain)
            if isTrusted(chain.path, .dcap) { platforms.insert(platform, key) }
            return QuoteProvenance(chain: .success(chain), platform: .success(platform))
        } catch { return QuoteProvenance(chain: .success(chain), platform: .failure(error)) }
    }

    func pckChain(_ quote: QuoteSignatureData, supplied: String?) throws(Refusal) -> PCKChain {
        if quote.embedsChain {
            let key = ContentDigest.of([quote.certificationData])
            if let chain = pckChains.value(key) { return chain }
            let chain = try PCKChain(embedded: quote.certificationData, known: certificates)
            if isTrusted(chain.path, .dcap) { pckChains.insert(chain, key) }
            return chain
        }
        guard let supplied else {
            throw Refusal(
                .evidenceChain,
                "the quote carries no PCK certificate chain (certification data of type "
                    + "\(quote.certificationType.rawValue)), and none was supplied")
        }
        let chain = try PCKChain(supplied: supplied, known: certificates)
        try CertificationData.requireSame(quote, chain, known: certificates)
        return chain
    }

    private func proof(_ collateral: EvidenceCollateral?, _ appraisal: inout Appraisal) -> DCAPCollateralProof? {
        switch collateral {
        case .dcap(let collateral):
            if let proof = dcapCollateral.value(collateral.digest) { return proof }
            let proof = DCAPCollateralProof(collateral, known: certificates)
            if let paths = proof.paths, paths.allSatisfy({ isTrusted($0, .dcap) }) {
                dcapCollateral.insert(proof, collateral.digest)
            }
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
struct QuoteProvenance {
    let chain: Result<PCKChain, Refusal>
    /// Nil without a chain.
    let platform: Result<QuotingPlatform, QuotingPlatform.Faults>?
}

extension EvidenceCollateral {
    fileprivate var dcap: DCAPCollateral? { if case .dcap(let collateral) = self { collateral } else { nil } }
}

extension DCAPQuote {
    /// - Throws: `evidence-malformed`, also for a quote of the other TEE.
    fileprivate init(_ input: ArraySlice<UInt8>, of tee: TEE) throws(Refusal) {
        try self.init(input)
        guard self.tee == tee else {
            throw Refusal(.evidenceMalformed, "the quote is of \(self.tee.nameForDetail), not of \(tee.nameForDetail)")
        }
    }

    fileprivate var detail: String {
        let quote = "\(tee.nameForDetail) quote of version \(version), \(bytes.count) bytes"
        return trailingZeroBytes == 0 ? quote : "\(quote), then \(trailingZeroBytes) zero bytes"
    }
}

extension Appraisal {
    /// What the quote says about itself.
    fileprivate mutating func take(_ quote: DCAPQuote) {
        switch quote.body {
        case .sgx(let report):
            reportData = Array(report.reportData)
            hostData = SGXClaims.hostData(report)
            isDebuggable = report.attributes.contains(.debug)
            attested = .sgx(SGXQuote(envelope: quote, report: report))
        case .td(let report):
            reportData = Array(report.reportData)
            hostData = TDXClaims.hostData(report)
            isDebuggable = !report.attributes.isDisjoint(with: .underDebug)
            attested = .tdx(TDXQuote(envelope: quote, report: report))
        }
    }
}
