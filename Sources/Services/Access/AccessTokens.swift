import AttestationToken
package import Encoding

/// The access tokens of one OpenID Connect issuer (RFC 9068 section 4, leniently about `typ`, which issuers leave out).
package struct AccessTokens: Sendable {
    /// Seconds by which the issuer's clock may differ.
    package static let leeway: Int64 = 60
    private static let maximumBytes = 16_384

    /// A token that was verified.
    package struct Verified: Sendable {
        /// The value of the issuer's subject claim.
        package var subject: String
        package var claims: [String: JSON]
    }

    /// The claims that may name a caller: `sub` is unique and never given out again at every issuer (OpenID Connect Core
    /// section 5.7); `oid` means something at Entra alone, and elsewhere may be a thing that callers choose.
    package static let subjectClaims: Set<String> = ["sub", "oid"]

    /// The exact value of `iss`.
    package var issuer: String
    /// Which of `subjectClaims` names callers; a token without it is refused.
    package var subjectClaim: String
    /// What `aud` must be or contain: one of these.
    package var audiences: Set<String>
    private let keys: AccessTokenKeys

    package init(issuer: String, audiences: Set<String>, subjectClaim: String = "sub", keys: AccessTokenKeys) {
        self.issuer = issuer
        self.subjectClaim = subjectClaim
        self.audiences = audiences
        self.keys = keys
    }

    /// Checks form, key, signature, issuer, audience and times.
    ///
    /// - Throws: `credential-invalid`; `issuer-keys-unavailable`.
    package func verify(_ token: String, at time: Timestamp) async throws(Refusal) -> Verified {
        let jws = try JWS(compact: token, maximumBytes: Self.maximumBytes, refusing: .credentialInvalid)
        guard let keyID = jws.keyID, jws.header["crit"] == nil, VerificationKey.algorithms.contains(jws.algorithm)
        else { throw invalid("its header names no key, or an algorithm that is not taken") }
        guard let key = try await keys.key(keyID, at: time) else { throw invalid("its issuer has no such key") }
        do throws(Refusal) { try key.verify(jws) } catch { throw invalid("its signature is not of that key") }
        guard case .some(.object(let claims)) = try? JSON.parse(jws.payload) else {
            throw invalid("its payload is not a JSON object")
        }
        guard claims["iss"]?.string == issuer else { throw invalid("it is of another issuer") }
        let named = claims["aud"]?.strings ?? [claims["aud"]?.string].compactMap { $0 }
        guard !audiences.isDisjoint(with: named) else { throw invalid("it is for another audience") }
        guard let expires = Self.time(claims["exp"]), time.seconds < expires + Self.leeway,
            Self.time(claims["nbf"]).map({ $0 <= time.seconds + Self.leeway }) ?? (claims["nbf"] == nil)
        else { throw invalid("it has ended, or has not begun") }
        guard let subject = claims[subjectClaim]?.string, !subject.isEmpty else { throw invalid("it has no subject") }
        return Verified(subject: subject, claims: claims)
    }

    /// A name for the audit log: the subject may be a person's address; its digest is enough to tell callers apart.
    package func auditName(of subject: String) -> String { Digest(of: "\(issuer) \(subject)").description }

    /// Whole seconds; some issuers write fractions.
    private static func time(_ claim: JSON?) -> Int64? {
        if let seconds = claim?.integer { return seconds.magnitude < 1 << 53 ? seconds : nil }
        return claim?.double.flatMap { Int64(exactly: $0.rounded(.down)) }.flatMap { $0.magnitude < 1 << 53 ? $0 : nil }
    }

    private func invalid(_ reason: String) -> Refusal {
        Refusal(.credentialInvalid, "the bearer token is not accepted: \(reason)")
    }
}

extension RefusalCode {
    /// No bearer token, or one that this service does not know (AC-146).
    package static let credentialInvalid = RefusalCode("credential-invalid", status: 401)
    /// The bearer's rights do not cover the operation (AC-146).
    package static let scopeInsufficient = RefusalCode("scope-insufficient", status: 403)
}
