import Crypto
import Encoding

// Each function is one or a few steps of `evidence.md` section 2.1, for SGX and TDX, and adds its checks.
extension Appraisal {
    /// Step 2: the PCK chain, its validity at the given time, and its root. Returns whether all hold.
    mutating func check(_ chain: Result<PCKChain, Refusal>, at time: Timestamp, anchors: TrustAnchors) -> Bool {
        switch chain {
        case .failure(let refusal):
            fail("certificate-chain", refusal)
            skip("certificate-validity", "there is no certificate chain to look at")
            skip("trusted-root", "there is no certificate chain to look at")
            return false
        case .success(let chain):
            pass("certificate-chain", chain.detail)
            let isValid = checkValidity("certificate-validity", .evidenceChain, chain.path.validity, at: time)
            return checkRoot(chain.path, role: .dcap, anchors) && isValid
        }
    }

    /// Step 3. Returns whether nothing in use is revoked, as far as the lists can tell.
    mutating func checkRevocation(_ proof: DCAPCollateralProof?, chain: PCKChain?, at time: Timestamp) -> Bool {
        let lists: DCAPCollateralProof.Lists
        switch proof?.lists {
        case nil:
            skip("revocation-lists", "there is no collateral to look at")
            skip("revocation", "there are no revocation lists to look at")
            return true
        case .failure(let refusal):
            fail("revocation-lists", refusal)
            skip("revocation", "there are no revocation lists to look at")
            return true
        case .success(let found): lists = found
        }
        if !lists.validity.contains(time) {
            fail("revocation-lists", .collateralInvalid, lists.validity.problem(at: time))
        } else if let chain, !chain.isIssued(by: lists.authority) {
            fail(
                "revocation-lists", .collateralInvalid,
                "the PCK revocation list is by \(lists.authority.nameForDetail), not by the PCK certificate's CA")
        } else if let chain, chain.root.pin != lists.path.root.pin {
            fail("revocation-lists", .collateralInvalid, "the revocation lists are under another root than the PCK")
        } else {
            limit(lists.validity.notAfter)
            pass("revocation-lists", lists.detail)
        }
        // A serial number on an authentic list is revoked, however old the list is.
        var issuedByRoot = [lists.authority]
        if let chain { issuedByRoot.append(chain.authority) }
        if case .success(let tcbInfo) = proof?.tcbInfo { issuedByRoot.append(tcbInfo.path.leaf) }
        if case .success(let qeIdentity) = proof?.qeIdentity { issuedByRoot.append(qeIdentity.path.leaf) }
        var revoked = issuedByRoot.first { lists.root.revokes($0) }
        if let chain, chain.isIssued(by: lists.authority), lists.pck.revokes(chain.leaf) { revoked = chain.leaf }
        if let revoked {
            fail("revocation", .certificateRevoked, "\(revoked.nameForDetail) is revoked")
            return false
        }
        pass("revocation", "neither the PCK certificate nor an issuer is on the lists")
        return true
    }

    /// Step 4. Returns the TCB info when it may be used for this platform at this time.
    mutating func checkTCBInfo(
        _ proof: DCAPCollateralProof?, of quotes: TEE, chain: PCKChain?, policy: AcceptancePolicy, at time: Timestamp
    ) -> TCBInfo? {
        guard let signed = usable(proof?.tcbInfo, "tcb-info", chain: chain, at: time) else { return nil }
        let info = signed.document
        guard info.tee == quotes else {
            fail(
                "tcb-info", .collateralInvalid, "the TCB info is for \(info.tee.nameForDetail), not for the quote's TEE"
            )
            return nil
        }
        if let chain {
            guard info.fmspc == chain.platform.fmspc else {
                fail(
                    "tcb-info", .collateralInvalid,
                    "the TCB info is for FMSPC \(Hex.encode(info.fmspc)), the platform's is "
                        + Hex.encode(chain.platform.fmspc))
                return nil
            }
            guard info.pceID == chain.platform.pceID else {
                fail("tcb-info", .collateralInvalid, "the TCB info is for another PCEID than the platform's")
                return nil
            }
        }
        guard checkEvaluationDataNumber("tcb-info", info.evaluationDataNumber, policy) else { return nil }
        limit(signed.validity.notAfter)
        pass("tcb-info", signed.detail)
        return info
    }

    /// Step 5, the document. Returns the identity when it may be used at this time.
    mutating func checkQEIdentity(
        _ proof: DCAPCollateralProof?, of quotes: TEE, chain: PCKChain?, policy: AcceptancePolicy, at time: Timestamp
    ) -> QEIdentity? {
        guard let signed = usable(proof?.qeIdentity, "qe-identity-document", chain: chain, at: time) else { return nil }
        guard signed.document.tee == quotes else {
            fail(
                "qe-identity-document", .collateralInvalid,
                "the QE identity is for \(signed.document.tee.nameForDetail), not for the quote's TEE")
            return nil
        }
        guard checkEvaluationDataNumber("qe-identity-document", signed.document.evaluationDataNumber, policy) else {
            return nil
        }
        limit(signed.validity.notAfter)
        pass("qe-identity-document", signed.detail)
        return signed.document
    }

    private mutating func usable<Document>(
        _ signed: Result<DCAPCollateralProof.Signed<Document>, Refusal>?, _ name: String, chain: PCKChain?,
        at time: Timestamp
    ) -> DCAPCollateralProof.Signed<Document>? {
        switch signed {
        case nil: skip(name, "there is no collateral to look at")
        case .failure(let refusal): fail(name, refusal)
        case .success(let signed):
            if !signed.validity.contains(time) {
                fail(name, .collateralInvalid, signed.validity.problem(at: time))
            } else if let chain, chain.root.pin != signed.path.root.pin {
                fail(name, .collateralInvalid, "it is signed under another root than the PCK certificate")
            } else {
                return signed
            }
        }
        return nil
    }

    private mutating func checkEvaluationDataNumber(_ name: String, _ number: Int64, _ policy: AcceptancePolicy) -> Bool
    {
        guard number < policy.minimumTCBEvaluationDataNumber else { return true }
        failPolicy(
            name, .collateralInvalid,
            "evaluation data number \(number) is below \(policy.minimumTCBEvaluationDataNumber)")
        return false
    }

    /// Step 5, the enclave. Returns nil when it is not the one described.
    mutating func checkQuotingEnclave(_ enclave: SGXReport, is identity: QEIdentity?) -> ISVMatch? {
        guard let identity else {
            skip("qe-identity", "there is no QE identity to compare with")
            return nil
        }
        if let difference = identity.difference(enclave) {
            fail("qe-identity", .qeIdentity, "the quoting enclave is not Intel's: \(difference)")
            return nil
        }
        let found = ISVMatch(svn: enclave.svn, levels: identity.levels)
        if found.level == nil {
            fail("qe-identity", .qeIdentity, "ISVSVN \(enclave.svn) of the quoting enclave is below every level")
        } else {
            pass("qe-identity", "quoting enclave of ISVSVN \(enclave.svn): \(found.status.rawValue)")
        }
        return found
    }

    /// Step 6. Returns whether all three links hold.
    mutating func checkSignatures(_ quote: DCAPQuote, _ provenance: QuoteProvenance) -> Bool {
        let platform: QuotingPlatform
        switch provenance.platform {
        case nil:
            for name in ["qe-report-signature", "attestation-key", "quote-signature"] {
                skip(name, "there is no PCK certificate to begin with")
            }
            return false
        case .failure(let faults):
            note("qe-report-signature", faults.signature, "the PCK key signed the quoting enclave's report")
            note("attestation-key", faults.binding, "the quoting enclave's report binds the attestation key")
            // A key that nothing vouches for still shows whether the quote itself was changed.
            let key = try? P256.Signing.PublicKey(rawRepresentation: quote.signatureData.attestationKey)
            _ = checkQuoteSignature(quote, key)
            return false
        case .success(let found): platform = found
        }
        pass("qe-report-signature", "the PCK key signed the quoting enclave's report")
        pass("attestation-key", "the quoting enclave's report binds the attestation key")
        return checkQuoteSignature(quote, platform.attestationKey)
    }

    private mutating func note(_ name: String, _ fault: Refusal?, _ detail: String) {
        if let fault { fail(name, fault) } else { pass(name, detail) }
    }

    private mutating func checkQuoteSignature(_ quote: DCAPQuote, _ key: P256.Signing.PublicKey?) -> Bool {
        guard let key,
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: quote.signatureData.signature),
            key.isValidSignature(signature, for: SHA256.hash(data: quote.signedBytes))
        else {
            fail("quote-signature", .evidenceSignature, "the attestation key's signature over the quote is wrong")
            return false
        }
        pass("quote-signature", "ECDSA P-256 over the quote's first \(quote.signedBytes.count) bytes")
        return true
    }
}

extension PCKChain {
    /// Whether the PCK's CA is `authority`, by name and key; the CA exists in two encodings.
    func isIssued(by authority: Certificate) -> Bool {
        self.authority.pin == authority.pin && self.authority.subjectName == authority.subjectName
    }
}

extension TEE {
    /// `SGX`, `TDX`: as Intel writes it.
    var nameForDetail: String { rawValue.uppercased() }
}
