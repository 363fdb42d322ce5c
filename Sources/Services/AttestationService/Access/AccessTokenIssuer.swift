package import Access
import Encoding

/// An OpenID Connect issuer whose access tokens are taken here, and what stands for this service's roles in them.
package struct AccessTokenIssuer: Sendable {
    private let tokens: AccessTokens
    /// The claim that names the caller's roles: a string, several in one string, or an array.
    package var roleClaim: String
    /// The values of that claim that stand for the two roles.
    package var contributorRole: String
    package var readerRole: String

    /// - Parameters:
    ///   - issuer: the exact value of `iss`.
    ///   - audience: what `aud` must be or contain.
    package init(
        issuer: String, audience: String, roleClaim: String = "roles",
        contributorRole: String = "Attestation Contributor", readerRole: String = "Attestation Reader",
        keys: AccessTokenKeys
    ) {
        tokens = AccessTokens(issuer: issuer, audiences: [audience], keys: keys)
        self.roleClaim = roleClaim
        self.contributorRole = contributorRole
        self.readerRole = readerRole
    }

    /// Whose access token this is.
    ///
    /// - Throws: `credential-invalid`; `scope-insufficient` for a valid token without either role;
    ///   `issuer-keys-unavailable`.
    func caller(_ token: String, at time: Timestamp) async throws(Refusal) -> Caller {
        let verified = try await tokens.verify(token, at: time)
        return Caller(role: try role(verified.claims[roleClaim]), name: tokens.auditName(of: verified.subject))
    }

    private func role(_ claim: JSON?) throws(Refusal) -> AccessRole {
        var names = claim?.strings ?? []
        if let text = claim?.string { names = [text] + text.split(separator: " ").map(String.init) }
        names = names.map { $0.lowercased() }
        if names.contains(contributorRole.lowercased()) { return .contributor }
        if names.contains(readerRole.lowercased()) { return .reader }
        throw Refusal(.scopeInsufficient, "the bearer has neither of the roles of this service")
    }
}
