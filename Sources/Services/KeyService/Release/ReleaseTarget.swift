import AttestationToken
import Encoding
import Evidence

/// The verified token of a release request, and whom it speaks of (key API reference, section 8.3).
struct ReleaseTarget: Sendable {
    let token: IssuedToken
    let issuer: AuthorityURL
    /// The party that runs the unit, when the token is of Cloister's own form.
    let party: Encoding.Digest?

    var claims: JSON { token.claims }
}

/// Verifies tokens for release under the owner's party policy.
struct ReleaseTargetVerifier: Sendable {
    /// The owner's: with their pins the only authorities, whatever a key's policy says; how many of them must agree.
    let authorities: AuthoritySet
    let keys: any AuthorityKeys

    /// Verifies the tokens of one request, of as many authorities as the owner wants to agree.
    ///
    /// - Returns: those that verified, in their order; never empty.
    func verify(
        _ compacts: [String], policy: KeyReleasePolicy, at time: Timestamp
    ) async throws(APIError) -> [ReleaseTarget] {
        var targets: [ReleaseTarget] = []
        var errors: [APIError] = []
        for compact in compacts {
            do throws(APIError) { targets.append(try await verify(compact, policy: policy, at: time)) } catch {
                errors.append(error)
            }
        }
        if targets.isEmpty, authorities.threshold == 1, let error = errors.first { throw error }
        do throws(Refusal) {
            try authorities.requireQuorum(targets.map(\.token), refused: errors.map(\.refusal))
            return targets
        } catch {
            // An authority that does not answer says nothing about the unit: it may ask again.
            if let unavailable = errors.first(where: { $0.status == 503 }) { throw unavailable }
            var refused = APIError.targetRefused(error)
            refused.expected = "\(authorities.threshold) of \(authorities.issuers.count) authorities"
            refused.seen = error.detail
            throw refused
        }
    }

    /// Checks form, issuer, key, signature, times, grade and binding, in this order, and stops at the first refusal.
    ///
    /// An authority is contacted only after both the owner and the key's policy name it.
    private func verify(
        _ compact: String, policy: KeyReleasePolicy, at time: Timestamp
    ) async throws(APIError) -> ReleaseTarget {
        let offered: UnverifiedToken
        do throws(Refusal) { offered = try UnverifiedToken(compact) } catch { throw APIError.targetRefused(error) }
        let (issuer, authority) = try issuer(of: offered, policy: policy)
        do throws(Refusal) {
            let token = try await issued(offered, by: issuer, at: time)
            return ReleaseTarget(token: token, issuer: authority, party: try party(of: token))
        } catch {
            throw APIError.targetRefused(error)
        }
    }

    /// The pinned issuer that the token names. It proves nothing yet: it only says whose keys to check with.
    private func issuer(
        of token: UnverifiedToken, policy: KeyReleasePolicy
    ) throws(APIError) -> (PartyPolicy.Issuer, AuthorityURL) {
        guard VerificationKey.algorithms.contains(token.algorithm) else {
            throw APIError.targetRefused(
                Refusal(.tokenAlgorithm, "alg \(token.algorithm.prefix(20)) is not accepted"))
        }
        guard let named = token.issuer.flatMap(AuthorityURL.init) else {
            throw APIError.targetRefused(Refusal(.tokenIssuer, "iss is not an https URL"))
        }
        guard policy.names(named) else {
            throw APIError.policyRefused(
                Refusal(.authorityNotAllowed, "the token's issuer is no authority of the key's policy"),
                seen: named.description)
        }
        guard let issuer = authorities.issuers.first(where: { AuthorityURL($0.url) == named }) else {
            throw APIError.policyRefused(
                Refusal(.authorityNotAllowed, "the token's issuer is not one that the owner of the keys pins"),
                seen: named.description)
        }
        return (issuer, named)
    }

    private func issued(
        _ token: UnverifiedToken, by issuer: PartyPolicy.Issuer, at time: Timestamp
    ) async throws(Refusal) -> IssuedToken {
        do throws(Refusal) {
            return try await issued(token, by: issuer, at: time, fresh: false)
        } catch {
            // Signing keys rotate below the pinned one: a name that is not known yet is worth one more look.
            guard error.code == .tokenKeyUnknown else { throw error }
            return try await issued(token, by: issuer, at: time, fresh: true)
        }
    }

    private func issued(
        _ token: UnverifiedToken, by issuer: PartyPolicy.Issuer, at time: Timestamp, fresh isFresh: Bool
    ) async throws(Refusal) -> IssuedToken {
        let set = try await keys.keySet(of: issuer, fresh: isFresh)
        // A name with a slash at its end, or a host in other case, is the same authority's.
        var spelt = issuer
        spelt.url = token.issuer ?? issuer.url
        var lists: [String: RevocationList] = [:]
        if token.isRevocable {
            lists[spelt.url] = try await keys.revocations(of: issuer, keySet: set, at: time)
        }
        return try IssuedToken.verify(
            token, issuers: [spelt], keySets: [spelt.url: set], revocations: lists, at: time)
    }

    /// Runtime data of Cloister's own form must be what the report data says (AC-069). Of other forms the key
    /// service cannot know the bytes that were hashed; there the authority's word, which is signed, stands alone.
    private func party(of token: IssuedToken) throws(Refusal) -> Encoding.Digest? {
        guard let format = token.claims["x-ms-runtime"]?["format"]?.string, format.hasPrefix("cloister-") else {
            return nil
        }
        return try AttestationToken(token).runtimeData.party
    }
}
