import AppraisalPolicy
import AttestationToken
import Encoding

/// Applies a policy to what evidence says, and signs what comes of it (attestation API reference, sections 4, 9 and 10).
struct TokenIssuer: Sendable {
    /// A token with what the audit log says of it.
    struct Token {
        let text: String
        /// `jti`.
        let id: String
        let expires: Timestamp
        let isDraft: Bool
        let policy: Digest
        let keyID: String
    }

    /// The base URL without a trailing slash.
    let issuer: String
    let keys: SigningKeyStore
    /// What signs unless a request asks for another.
    let algorithm: String
    let randomness: Randomness
    /// Where appraisals are kept for trying out other policies; drafts are not.
    let recording: Recording?

    func issue(
        _ type: AttestationType, _ request: AttestRequest, _ evidence: AppraisedEvidence, under applied: AppliedPolicy,
        at time: Timestamp
    ) throws(APIError) -> Token {
        let policy = applied.policy
        var claims = TokenClaims(evidence, type: type, request: request, policyHash: policy.hash)
        claims.name(signer: applied.signer)
        let incoming = claims.incoming + evidence.incoming
        let decision = try Self.evaluate(policy, incoming)
        if request.draftPolicy == nil {
            recording?.append(
                AppraisalRecord(time: time, type: type.rawValue, claims: incoming, permitted: decision.permitted))
        }
        try Self.requirePermission(decision)
        let properties: PolicyProperties
        do throws(Refusal) {
            properties = try PolicyProperties(decision.properties, type: type)
            try properties.require(evidence)
        } catch { throw APIError(status: 400, code: .policyEvaluation, refusal: error) }
        claims.add(decision.issued, type: type, isDefaultPolicy: applied.isDefault)
        let lifetime = properties.lifetime ?? AttestationAuthority.tokenLifetime
        claims.date(issuer: issuer, at: time, lifetime: lifetime, randomness: randomness)
        var members = claims.members
        if let profile = request.profile {
            members = EARClaims(members, profile: profile, type: type, isDefaultPolicy: applied.isDefault).members
        }
        do throws(Refusal) {
            let signer = try keys.signer(request.tokenAlgorithm ?? algorithm)
            var header: [String: JSON] = [
                "jku": .string(issuer + "/certs"), "kid": .string(signer.keyID), "typ": "JWT",
            ]
            if type == .tpm { header.merge(properties.certificate(signer.chain)) { $1 } }
            let payload = JSON.object(members).canonical
            let isDraft = request.draftPolicy != nil
            let text =
                isDraft
                ? Self.unsigned(header: header, payload: payload)
                : try signer.key.sign(header: header, payload: payload)
            return Token(
                text: text, id: claims.id, expires: time + lifetime, isDraft: isDraft, policy: policy.hash,
                keyID: signer.keyID)
        } catch { throw APIError(error) }
    }

    private static func evaluate(
        _ policy: AppraisalPolicy, _ claims: [AppraisalClaim]
    ) throws(APIError) -> AppraisalPolicy.Decision {
        do throws(PolicyError) { return try policy.evaluate(claims: claims) } catch {
            throw APIError(status: 400, code: .policyEvaluation, refusal: Refusal(.policyInvalid, "\(error)"))
        }
    }

    private static func requirePermission(_ decision: AppraisalPolicy.Decision) throws(APIError) {
        guard decision.permitted else {
            throw APIError(
                status: 400, code: .policyEvaluation,
                refusal: Refusal(
                    .appraisalInsufficient,
                    "The policy denies this evidence. Policy Engine Exception: A Deny claim was issued, "
                        + "authorization failed."))
        }
    }

    /// A draft: `alg` `none` and an empty third part, which no relying party accepts.
    private static func unsigned(header: [String: JSON], payload: [UInt8]) -> String {
        var header = header
        header["alg"] = "none"
        return Base64.encodeURL(JSON.object(header).canonical) + "." + Base64.encodeURL(payload) + "."
    }
}
