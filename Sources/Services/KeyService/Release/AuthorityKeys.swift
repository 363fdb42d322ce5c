package import AttestationToken
package import Encoding
import Synchronization

/// Where the signing keys of the pinned authorities come from.
package protocol AuthorityKeys: Sendable {
    /// The key set of an issuer of the owner's party policy.
    ///
    /// - Parameter isFresh: a key was not found in the set that is at hand; fetch again if that was not just done.
    /// - Throws: `issuer-keys-unavailable`, `issuer-keys-untrusted`.
    func keySet(of issuer: PartyPolicy.Issuer, fresh isFresh: Bool) async throws(Refusal) -> IssuerKeySet

    /// The tokens that an issuer revoked, for one whose tokens say that it publishes them.
    ///
    /// - Throws: as `RevocationCache.list`.
    func revocations(
        of issuer: PartyPolicy.Issuer, keySet: IssuerKeySet, at time: Timestamp
    ) async throws(Refusal) -> RevocationList
}

/// Fetches key sets as the API's clients do: metadata, then `jwks_uri`; keeps them for a short time.
///
/// What a token says about where its keys lie (`jku`) is never looked at. A key set is not trusted by where it came
/// from: each key must chain to a pinned issuer key, which `IssuerKeySet` checks.
package final class AuthorityKeyCache: AuthorityKeys {
    /// GET of one URL, at most that many bytes.
    package typealias Fetch = @Sendable (_ url: String, _ maximumBytes: Int) async throws(Refusal) -> [UInt8]

    private struct Entry {
        var set: IssuerKeySet
        var fetched: Timestamp
        /// When an unknown key last made this service fetch again.
        var forced: Timestamp?
    }

    /// How long a set is used without asking again, in seconds.
    package static let lifetime: Int64 = 300
    /// Least time between two fetches that unknown keys cause, so that callers cannot drive traffic, in seconds.
    package static let forcedInterval: Int64 = 10
    private static let maximumMetadataBytes = 65_536

    private let fetch: Fetch
    /// For authorities whose keys are believed because of the connection that they came over; by URL.
    private let trusted: [String: Fetch]
    private let clock: WallClock
    private let entries = Mutex<[String: Entry]>([:])
    private let lists: RevocationCache
    private let trustedLists: [String: RevocationCache]

    /// - Parameters:
    ///   - trusted: by the URL of an authority, over connections that only its own server can have.
    package init(clock: WallClock, trusted: [String: Fetch] = [:], fetch: @escaping Fetch) {
        self.clock = clock
        self.trusted = trusted
        self.fetch = fetch
        lists = RevocationCache(fetch: fetch)
        trustedLists = trusted.mapValues { RevocationCache(fetch: $0) }
    }

    package func keySet(of issuer: PartyPolicy.Issuer, fresh isFresh: Bool) async throws(Refusal) -> IssuerKeySet {
        let now = clock.now()
        let known: IssuerKeySet? = entries.withLock { entries in
            guard var entry = entries[issuer.url] else { return nil }
            let age = now - entry.fetched
            guard age >= 0, age < AuthorityKeyCache.lifetime else { return nil }
            guard isFresh else { return entry.set }
            if let forced = entry.forced, now - forced < AuthorityKeyCache.forcedInterval { return entry.set }
            entry.forced = now
            entries[issuer.url] = entry
            return nil
        }
        if let known { return known }
        let set = try await load(issuer)
        entries.withLock { entries in
            entries[issuer.url] = Entry(set: set, fetched: now, forced: entries[issuer.url]?.forced)
        }
        return set
    }

    package func revocations(
        of issuer: PartyPolicy.Issuer, keySet: IssuerKeySet, at time: Timestamp
    ) async throws(Refusal) -> RevocationList {
        try await (trustedLists[issuer.url] ?? lists).list(of: issuer, keySet: keySet, at: time)
    }

    private func load(_ issuer: PartyPolicy.Issuer) async throws(Refusal) -> IssuerKeySet {
        let untrusted = Refusal(.issuerKeysUntrusted, "the authority's metadata does not describe this authority")
        guard let authority = AuthorityURL(issuer.url) else { throw untrusted }
        let trusted = trusted[issuer.url]
        let fetch = trusted ?? fetch
        let metadata = try await get(
            issuer.url + "/.well-known/openid-configuration", AuthorityKeyCache.maximumMetadataBytes, fetch)
        guard let json = try? JSON.parse(metadata), let named = json["issuer"]?.string.flatMap(AuthorityURL.init),
            named == authority, let location = json["jwks_uri"]?.string, let url = AuthorityURL(location),
            url.hasSameOrigin(as: authority)
        else { throw untrusted }
        let bytes = try await get(location, IssuerKeySet.maximumBytes, fetch)
        return trusted == nil ? try IssuerKeySet(json: bytes) : try IssuerKeySet(trusted: bytes)
    }

    private func get(_ url: String, _ maximumBytes: Int, _ fetch: Fetch) async throws(Refusal) -> [UInt8] {
        do throws(Refusal) {
            return try await fetch(url, maximumBytes)
        } catch {
            throw Refusal(.issuerKeysUnavailable, "the authority does not answer with its keys")
        }
    }
}
