import AttestationToken
import Encoding
import Evidence

/// An OpenID Connect issuer whose access tokens are taken here.
package struct AccessTokenIssuer: Sendable {
    /// Seconds by which the issuer's clock may differ.
    static let leeway: Int64 = 60
    static let maximumTokenBytes = 16_384

    /// The exact value of `iss`.
    package var issuer: String
    /// What `aud` must be or contain.
    package var audience: String
    /// The claim that names the caller's roles: a string, several in one string, or an array.
    package var roleClaim: String
    /// The values of that claim that stand for the two roles.
    package var contributorRole: String
    package var readerRole: String
    private let keys: AccessTokenKeys

    package init(
        issuer: String, audience: String, roleClaim: String = "roles",
        contributorRole: String = "Attestation Contributor", readerRole: String = "Attestation Reader",
        keys: AccessTokenKeys
    ) {
        self.issuer = issuer
        self.audience = audience
        self.roleClaim = roleClaim
        self.contributorRole = contributorRole
        self.readerRole = readerRole
        self.keys = keys
    }

    /// Whose access token this is (RFC 9068 section 4, leniently about `typ`, which issuers leave out).
    ///
    /// - Throws: `credential-invalid`; `scope-insufficient` for a valid token without either role;
    ///   `issuer-keys-unavailable`.
    func caller(_ token: String, at time: Timestamp) async throws(Refusal) -> Caller {
        let jws = try JWS(compact: token, maximumBytes: Self.maximumTokenBytes, refusing: .credentialInvalid)
        guard let keyID = jws.keyID, jws.header["crit"] == nil, VerificationKey.algorithms.contains(jws.algorithm)
        else { throw invalid("its header names no key, or an algorithm that is not taken") }
        guard let key = try await keys.key(keyID, at: time) else { throw invalid("its issuer has no such key") }
        do throws(Refusal) { try key.verify(jws) } catch { throw invalid("its signature is not of that key") }
        guard case .some(.object(let claims)) = try? JSON.parse(jws.payload) else {
            throw invalid("its payload is not a JSON object")
        }
        guard claims["iss"]?.string == issuer else { throw invalid("it is of another issuer") }
        let audiences = claims["aud"]?.strings ?? [claims["aud"]?.string].compactMap { $0 }
        guard audiences.contains(audience) else { throw invalid("it is for another audience") }
        guard let expires = Self.time(claims["exp"]), time.seconds < expires + Self.leeway,
            Self.time(claims["nbf"]).map({ $0 <= time.seconds + Self.leeway }) ?? (claims["nbf"] == nil)
        else { throw invalid("it has ended, or has not begun") }
        guard let subject = claims["sub"]?.string ?? claims["oid"]?.string else { throw invalid("it has no subject") }
        // The subject may be a person's address; its digest is enough to tell callers apart.
        let name = Digest(of: "\(issuer) \(subject)").description
        return Caller(role: try role(claims[roleClaim]), name: name)
    }

    private func role(_ claim: JSON?) throws(Refusal) -> AccessRole {
        var names = claim?.strings ?? []
        if let text = claim?.string { names = [text] + text.split(separator: " ").map(String.init) }
        names = names.map { $0.lowercased() }
        if names.contains(contributorRole.lowercased()) { return .contributor }
        if names.contains(readerRole.lowercased()) { return .reader }
        throw Refusal(.scopeInsufficient, "the bearer has neither of the roles of this service")
    }

    /// Whole seconds; some issuers write fractions.
    private static func time(_ claim: JSON?) -> Int64? {
        if let seconds = claim?.integer { return abs(seconds) < 1 << 53 ? seconds : nil }
        return claim?.double.flatMap { Int64(exactly: $0.rounded(.down)) }.flatMap { abs($0) < 1 << 53 ? $0 : nil }
    }

    private func invalid(_ reason: String) -> Refusal {
        Refusal(.credentialInvalid, "the bearer token is not accepted: \(reason)")
    }
}
