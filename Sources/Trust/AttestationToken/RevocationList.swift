public import Encoding
import Evidence

/// The tokens of one attestation service that must no longer be accepted, signed by that service and short-lived
/// (`GET <issuer>/revocations`).
///
/// A JWS of type `cloister-revocations+jwt` by the service's ES256 signing key, whose chain ends in the issuer key that
/// relying parties pin. A token is listed by its `jti`; when more would have to be listed than fit, `before` revokes
/// every token issued until then, whose holders attest anew.
public struct RevocationList: Hashable, Sendable {
    /// The claim by which a service says in a token that it publishes such a list. Being signed, nobody can take it out.
    public static let claim = "x-cloister-revocable"
    /// Path below the issuer's URL.
    public static let path = "/revocations"
    /// Longest compact form that is parsed, in bytes.
    public static let maximumBytes = 10 << 20
    /// Most tokens in one list.
    public static let maximumTokens = 100_000
    /// Seconds from `iat` to `exp`: how long a reader may go by one list.
    public static let lifetime: Int64 = 60
    private static let type = "cloister-revocations+jwt"
    private static let format = "cloister-revocations/1"

    /// The issuer URL of the tokens.
    public let issuer: String
    public let issuedAt: Timestamp
    public let expires: Timestamp
    /// Rises with every token that is revoked; readers refuse a lower one than they saw.
    public let sequence: Int64
    /// Values of `jti`.
    public let tokens: Set<String>
    /// Every token issued until then is revoked.
    public let before: Timestamp?

    public init(
        issuer: String, issuedAt: Timestamp, sequence: Int64, tokens: Set<String>, before: Timestamp? = nil
    ) {
        self.issuer = issuer
        self.issuedAt = issuedAt
        expires = issuedAt + Self.lifetime
        self.sequence = sequence
        self.tokens = tokens
        self.before = before
    }

    /// - Parameter time: now.
    /// - Throws: `token-revoked` when the token is on the list; `revocations-unavailable` when the list is too old to tell.
    func requireAbsent(_ token: String, issuedAt: Timestamp, at time: Timestamp) throws(Refusal) {
        guard isCurrent(at: time) else {
            throw Refusal(.revocationsUnavailable, "the issuer's list of revoked tokens ended at \(expires)")
        }
        if let before, issuedAt <= before {
            throw Refusal(.tokenRevoked, "the issuer revoked every token that it issued until \(before)")
        }
        guard !tokens.contains(token) else { throw Refusal(.tokenRevoked, "the issuer revoked this token") }
    }

    /// Whether a reader may still go by it, with the leeway between clocks.
    public func isCurrent(at time: Timestamp) -> Bool {
        issuedAt - IssuedToken.leeway <= time && time < expires + IssuedToken.leeway
    }
}

// MARK: The document

extension RevocationList {
    /// Reads a list and verifies it as the issuer's.
    ///
    /// - Throws: `token-malformed` for its form, `token-key-unknown`, `issuer-keys-untrusted`, `token-signature`,
    ///   `token-issuer`, and `revocations-unavailable` when it is out of date.
    public init(
        compact: String, issuer: PartyPolicy.Issuer, keySet: IssuerKeySet, at time: Timestamp
    ) throws(Refusal) {
        let document = try SignedDocument(
            compact: compact, type: Self.type, key: .kid, maximumBytes: Self.maximumBytes, unsigned: .tokenAlgorithm)
        let key = try keySet.key(kid: document.keyID ?? "", pins: issuer.pins, at: time)
        try key.verify(document.jws)
        var members = try ObjectReader(document.payload, "revocation list", refusing: .tokenMalformed)
        try members.format(Self.format)
        self.issuer = try members.string("iss")
        issuedAt = Timestamp(seconds: try members.sequence("iat"))
        expires = Timestamp(seconds: try members.sequence("exp"))
        sequence = try members.sequence("sequence")
        let tokens = try members.strings("tokens")
        self.tokens = Set(tokens)
        before = members.has("before") ? Timestamp(seconds: try members.sequence("before")) : nil
        try members.finish()
        guard tokens.count <= Self.maximumTokens, expires - issuedAt <= Self.lifetime else {
            throw Refusal(.tokenMalformed, "the revocation list is too long, or lives too long")
        }
        guard self.issuer == issuer.url else { throw Refusal(.tokenIssuer, "the revocation list is another issuer's") }
        guard isCurrent(at: time) else {
            throw Refusal(.revocationsUnavailable, "the issuer's list of revoked tokens is of \(issuedAt)")
        }
    }

    /// The signed compact form.
    ///
    /// - Parameters:
    ///   - key: the service's ES256 signing key.
    ///   - keyID: its `kid` in the service's key set.
    public func sign(with key: SigningKey, keyID: String) throws(Refusal) -> String {
        guard case .es256 = key else {
            throw Refusal(.keyInvalid, "a revocation list is signed with ES256 and nothing else")
        }
        var members: [String: JSON] = [
            "format": .string(Self.format), "iss": .string(issuer), "iat": .integer(issuedAt.seconds),
            "exp": .integer(expires.seconds), "sequence": .integer(sequence),
            "tokens": .array(tokens.sorted().map(JSON.string)),
        ]
        if let before { members["before"] = .integer(before.seconds) }
        return try key.sign(
            header: ["typ": .string(Self.type), "kid": .string(keyID)], payload: JSON.object(members).canonical)
    }
}

// MARK: Tokens

extension IssuedToken {
    /// Compares with the issuer's list, where the issuer publishes one.
    static func requireNotRevoked(
        _ claims: JSON, issuer: PartyPolicy.Issuer, by revocations: [String: RevocationList]?, at time: Timestamp
    ) throws(Refusal) {
        guard let revocations, claims[RevocationList.claim]?.bool == true else { return }
        guard let list = revocations[issuer.url] else {
            throw Refusal(.revocationsUnavailable, "the issuer's list of revoked tokens is not at hand")
        }
        guard let token = claims["jti"]?.string, let issuedAt = claims["iat"]?.integer else {
            throw Refusal(.tokenMalformed, "a token that can be revoked has jti and iat")
        }
        try list.requireAbsent(token, issuedAt: Timestamp(seconds: issuedAt), at: time)
    }
}
