import Encoding

// The steps of `evidence.md` section 2.4, in its order.
extension EvidenceVerifier {
    func verifyNitro(
        _ evidence: ArraySlice<UInt8>, at time: Timestamp, policy: AcceptancePolicy, reportData: [UInt8]?
    ) -> Verdict {
        var appraisal = Appraisal(tee: .nitro, policy)
        let document: NitroDocument
        do throws(Refusal) { document = try NitroDocument(evidence) } catch {
            appraisal.fail("format", error)
            return appraisal.verdict()
        }
        appraisal.pass("format", "Nitro document of \(evidence.count) bytes with \(document.pcrs.count) PCRs")
        appraisal.reportData = Array(document.binding)
        appraisal.attested = .nitro(document)
        appraisal.isDebuggable = document.isDebug

        do throws(Refusal) {
            let chain = try nitroChain(document)
            appraisal.pass("certificate-chain", chain.detail)
            let isTrusted = appraisal.checkRoot(chain.path, role: .nitro, anchors)
            let isValid = appraisal.checkValidity(
                "certificate-validity", .evidenceChain, chain.path.validity, at: time)
            appraisal.skip("revocation", "AWS's revocation lists are not looked at; the certificate lives three hours")
            let isSigned = appraisal.checkDocumentSignature(document.message, chain.key)
            appraisal.signatureChain = isTrusted && isValid && isSigned ? .valid : .invalid
            appraisal.checkTimestamp(document, chain.leaf, policy: policy.nitro, at: time)
        } catch { appraisal.fail("certificate-chain", error) }
        if appraisal.signatureChain == .valid { appraisal.claims = NitroClaims.of(document) }
        appraisal.checkNitroPolicy(document, policy: policy, reportData: reportData)
        return appraisal.verdict()
    }

    /// An enclave's chain is the same in all documents of some hours.
    private func nitroChain(_ document: NitroDocument) throws(Refusal) -> NitroChain {
        let key = ContentDigest.of([document.certificate] + document.authorities)
        if let chain = nitroChains.value(key) { return chain }
        let chain = try NitroChain(document)
        if isTrusted(chain.path, .nitro) { nitroChains.insert(chain, key) }
        return chain
    }
}
