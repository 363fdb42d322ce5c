import AttestationToken
package import Encoding

/// Signs the replies to policy and certificate calls (attestation API reference, sections 4 to 6).
package struct ResultTokens: Sendable {
    /// Seconds between `iat` and `exp`.
    package static let lifetime: Int64 = 3_600

    let issuer: String
    let keys: SigningKeyStore
    let clock: ServiceClock

    package init(issuer: String, keys: SigningKeyStore, clock: ServiceClock) {
        self.issuer = issuer
        self.keys = keys
        self.clock = clock
    }

    /// A token with these claims beside issuer and times; always RS256, which every SDK verifies.
    ///
    /// - Throws: `time-untrusted`; `not-ready` when the key cannot sign, or shared state does not answer.
    package func sign(_ claims: [String: JSON]) async throws(Refusal) -> String {
        let time = try clock.now()
        try await keys.requireCurrent(at: time)
        let signer = try keys.signer("RS256")
        var claims = claims
        claims["iss"] = .string(issuer)
        claims["iat"] = .integer(time.seconds)
        claims["nbf"] = .integer(time.seconds)
        claims["exp"] = .integer((time + Self.lifetime).seconds)
        let header: [String: JSON] = [
            "jku": .string(issuer + "/certs"), "kid": .string(signer.keyID), "typ": "JWT",
        ]
        return try signer.key.sign(header: header, payload: JSON.object(claims).canonical)
    }
}
