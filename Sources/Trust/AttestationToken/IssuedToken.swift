public import Encoding
public import Evidence

/// A token that an accepted issuer signed and that is not out of date: the first half of the checks of `formats.md`
/// section 3, up to and including the grade.
///
/// It says nothing yet about the holder's keys. `AttestationToken` adds the binding to runtime data of Cloister's
/// format; a key service also serves holders whose runtime data has another form.
public struct IssuedToken: Sendable {
    /// Longest token that is parsed, in bytes.
    public static let maximumBytes = 64 * 1_024
    /// How far clocks may differ, in seconds.
    public static let leeway: Int64 = 60

    public let compact: String
    public let header: [String: JSON]
    /// The payload, an object; of a token in EAR form, the claims about the evidence with issuer and times.
    public let claims: JSON
    /// Tiers of trust; nil for a token that is not in EAR form.
    public let result: AttestationResult?
    /// The entry of the policy that the token satisfies.
    public let issuer: PartyPolicy.Issuer
    /// SHA-256 of the SPKI of the issuer key that vouched for the signing key.
    public let issuerPin: Digest
    /// SHA-256 of the SPKI of the signing key itself.
    public let signingPin: Digest
    public let grade: Grade
    public let issuedAt: Timestamp
    public let notBefore: Timestamp
    public let expires: Timestamp
    /// End of the collateral used (`x-cloister-valid-until`); nil from services that do not say it.
    public let validUntil: Timestamp?
    /// The greatest age by `iat` that this relying party accepts, in seconds.
    public let maximumAge: Int64

    /// Verifies in the order of `formats.md` section 3 and stops at the first refusal.
    ///
    /// - Parameters:
    ///   - issuers: whom the relying party's policy accepts.
    ///   - keySets: the reply to `GET /certs`, by issuer URL.
    ///   - time: now, or the moment of the hop that a passport speaks of.
    ///   - revocations: the verified list of each issuer that publishes one, by its URL; nil for a moment in the past,
    ///     as in passports, where what was revoked since says nothing.
    ///   - maximumAge: greatest age by `iat` in seconds, whatever `exp` says.
    /// - Throws: `token-malformed`, `token-algorithm`, `token-key-unknown`, `issuer-keys-unavailable`,
    ///   `issuer-keys-untrusted`, `token-signature`, `token-issuer`, `token-time`, `token-revoked`,
    ///   `revocations-unavailable`, `grade-insufficient`, `appraisal-insufficient` for an attestation result that its
    ///   own issuer contraindicates.
    public static func verify(
        _ compact: String, issuers: [PartyPolicy.Issuer], keySets: [String: IssuerKeySet],
        revocations: [String: RevocationList]? = nil, at time: Timestamp, maximumAge: Int64 = 3_600
    ) throws(Refusal) -> IssuedToken {
        try verify(
            UnverifiedToken(compact), issuers: issuers, keySets: keySets, revocations: revocations, at: time,
            maximumAge: maximumAge)
    }

    /// As the other, for whoever had to look at the token before, to know whose keys to fetch.
    public static func verify(
        _ token: UnverifiedToken, issuers: [PartyPolicy.Issuer], keySets: [String: IssuerKeySet],
        revocations: [String: RevocationList]? = nil, at time: Timestamp, maximumAge: Int64 = 3_600
    ) throws(Refusal) -> IssuedToken {
        let (jws, claims) = (token.jws, token.claims)
        guard VerificationKey.algorithms.contains(jws.algorithm) else {
            throw Refusal(.tokenAlgorithm, "alg \(jws.algorithm.excerpt(20)) is not accepted")
        }
        let (key, pin, owner) = try key(for: jws, claims: claims, issuers: issuers, keySets: keySets, at: time)
        try key.verify(jws)
        guard let issuer = owner, claims["iss"]?.string == issuer.url else {
            throw Refusal(.tokenIssuer, "iss is not an accepted issuer")
        }
        return try IssuedToken(
            jws: jws, claims: claims, issuer: issuer, pins: (pin, key.pin), revocations: revocations, at: time,
            maximumAge: maximumAge)
    }

    private init(
        jws: JWS, claims: JSON, issuer: PartyPolicy.Issuer, pins: (issuer: Digest, signing: Digest),
        revocations: [String: RevocationList]?, at time: Timestamp, maximumAge: Int64
    ) throws(Refusal) {
        compact = jws.compact
        header = jws.header
        result = try AttestationResult(claims)
        let claims = result?.claims ?? claims
        self.claims = claims
        self.issuer = issuer
        issuerPin = pins.issuer
        signingPin = pins.signing
        self.maximumAge = maximumAge
        issuedAt = try Self.time("iat", claims)
        notBefore = try Self.time("nbf", claims)
        expires = try Self.time("exp", claims)
        validUntil = claims["x-cloister-valid-until"] == nil ? nil : try Self.time("x-cloister-valid-until", claims)
        try Self.requireCurrent(
            issuedAt: issuedAt, notBefore: notBefore, expires: expires, validUntil: validUntil, at: time,
            maximumAge: maximumAge)
        try Self.requireNotRevoked(claims, issuer: issuer, by: revocations, at: time)
        grade = try Self.grade(claims, issuer: issuer)
        // Simulated evidence is contraindicated by itself; who accepts it has said so.
        guard result?.status != .contraindicated || grade == .simulated else {
            throw Refusal(.appraisalInsufficient, "the verifier's own status of this evidence is contraindicated")
        }
    }

    /// SHA-256 of the compact form.
    public var digest: Digest { Digest(of: compact) }

    /// The moment from which this relying party no longer accepts the token: the earliest of its end, its greatest
    /// age and the end of the collateral behind it. Steps that last longer wait for a new token (rule 15).
    public var usableUntil: Timestamp { min(expires, issuedAt + maximumAge, validUntil ?? expires) }
}

// MARK: Steps

extension IssuedToken {
    /// The key that `kid` names. Keys inside the header are refused and `jku` is never followed (AC-027).
    ///
    /// The claimed `iss` only chooses the key set to look in. Where it is no accepted issuer, all sets are looked
    /// through, so that a genuine key under a wrong name is told apart from an unknown key.
    private static func key(
        for jws: JWS, claims: JSON, issuers: [PartyPolicy.Issuer], keySets: [String: IssuerKeySet], at time: Timestamp
    ) throws(Refusal) -> (VerificationKey, Digest, PartyPolicy.Issuer?) {
        for name in ["jwk", "x5c", "x5u"] where jws.header[name] != nil {
            throw Refusal(.tokenKeyUnknown, "the header carries a key of its own (\(name))")
        }
        guard let kid = jws.keyID else { throw Refusal(.tokenKeyUnknown, "the header names no key") }
        if let issuer = issuers.first(where: { $0.url == claims["iss"]?.string }) {
            guard let set = keySets[issuer.url] else {
                throw Refusal(.issuerKeysUnavailable, "the issuer's keys are not at hand")
            }
            let (key, pin) = try set.pinnedKey(kid: kid, pins: issuer.pins, at: time)
            return (key, pin, issuer)
        }
        for issuer in issuers {
            guard let set = keySets[issuer.url], set.contains(kid: kid) else { continue }
            let (key, pin) = try set.pinnedKey(kid: kid, pins: issuer.pins, at: time)
            return (key, pin, nil)
        }
        throw Refusal(.tokenKeyUnknown, "no accepted issuer lists a key of that name")
    }

    private static func time(_ name: String, _ claims: JSON) throws(Refusal) -> Timestamp {
        guard let seconds = claims[name]?.integer, sequenceRange.contains(seconds) else {
            throw Refusal(.tokenTime, "\(name) is missing or not a time")
        }
        return Timestamp(seconds: seconds)
    }

    private static func requireCurrent(
        issuedAt: Timestamp, notBefore: Timestamp, expires: Timestamp, validUntil: Timestamp?, at time: Timestamp,
        maximumAge: Int64
    ) throws(Refusal) {
        guard notBefore <= time + leeway else { throw Refusal(.tokenTime, "not valid before \(notBefore)") }
        guard time - leeway < expires else { throw Refusal(.tokenTime, "expired at \(expires)") }
        guard issuedAt <= time + leeway else { throw Refusal(.tokenTime, "issued in the future, at \(issuedAt)") }
        guard time - issuedAt <= maximumAge else {
            throw Refusal(.tokenTime, "issued at \(issuedAt), more than \(maximumAge) seconds ago")
        }
        if let validUntil, validUntil < time - leeway {
            throw Refusal(.tokenTime, "the collateral behind it ended at \(validUntil)")
        }
    }

    /// The claim, or what the policy says of an issuer that does not make it.
    private static func grade(_ claims: JSON, issuer: PartyPolicy.Issuer) throws(Refusal) -> Grade {
        let grade: Grade
        if let claim = claims["x-cloister-grade"] {
            guard let named = claim.string.flatMap(Grade.init(rawValue:)) else {
                throw Refusal(.gradeInsufficient, "x-cloister-grade is not a known grade")
            }
            grade = named
        } else {
            grade = issuer.simulated ? .simulated : .hardware
        }
        guard grade == .hardware || issuer.simulated else {
            throw Refusal(.gradeInsufficient, "the policy wants hardware evidence of this issuer, seen simulated")
        }
        return grade
    }
}
