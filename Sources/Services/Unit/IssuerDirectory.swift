package import AttestationToken
package import Channel
package import Encoding
import HTTPTypes
package import KeyRelease
import ServiceKit
import Synchronization

/// The published keys of attestation services, fetched on use, and the verification of their tokens.
///
/// The keys prove nothing by themselves: each counts only under an issuer key that a party policy pins.
package final class IssuerDirectory: Sendable {
    /// Seconds for which a key set is used without asking again.
    package static let lifetime: Int64 = 300
    /// Least seconds between two requests that an unknown `kid` causes.
    package static let retrySeconds: Int64 = 10

    private struct Entry: Sendable {
        var keys: IssuerKeySet
        var bytes: [UInt8]
        var fetchedAt: Timestamp
    }

    private let client: any WebClient
    private let clock: UnitClock
    private let entries = Mutex<[String: Entry]>([:])
    private let revocations: RevocationCache

    package init(client: any WebClient, clock: UnitClock) {
        self.client = client
        self.clock = clock
        revocations = RevocationCache { url, maximumBytes throws(Refusal) in
            let answer = try await client.send(
                .get, url, headers: [:], body: nil, maximumBytes: maximumBytes, timeout: .seconds(30))
            guard answer.status == 200 else {
                throw Refusal(.unavailable, "the list of revoked tokens answered \(answer.status)")
            }
            return answer.body
        }
    }

    /// Verifies a token of one of `issuers` (formats section 3).
    ///
    /// - Throws: as `AttestationToken.verify`; `issuer-keys-unavailable` when the issuer's keys cannot be had.
    package func verify(_ compact: String, issuers: [PartyPolicy.Issuer]) async throws(Refusal) -> AttestationToken {
        let now = try clock.now()
        let token: AttestationToken
        do throws(Refusal) {
            token = try await verify(compact, issuers: issuers, at: now, refetch: false)
        } catch {
            guard error.code == .tokenKeyUnknown else { throw error }
            // Signing keys rotate below the pinned issuer key: ask once more.
            token = try await verify(compact, issuers: issuers, at: now, refetch: true)
        }
        clock.witness(token.issuedAt)
        return token
    }

    /// Tokens that somebody shows of one unit: those that verify, and why others do not.
    package struct Shown: Sendable {
        package var tokens: [AttestationToken] = []
        package var refused: [Refusal] = []
        /// All of them, in their order.
        package var digests: [Digest] = []

        /// The unit behind them, once they are accepted.
        package func peer() throws(Refusal) -> AttestedPeer { try AttestedPeer(tokens, shown: digests) }
    }

    /// Verifies each of several tokens, without deciding whether they suffice: that is `Acceptance`'s.
    package func verify(_ compacts: [String], issuers: [PartyPolicy.Issuer]) async -> Shown {
        var shown = Shown()
        for compact in compacts.prefix(AuthoritySet.maximumTokens) {
            shown.digests.append(Digest(of: compact))
            do throws(Refusal) { shown.tokens.append(try await verify(compact, issuers: issuers)) } catch {
                shown.refused.append(error)
            }
        }
        return shown
    }

    private func verify(
        _ compact: String, issuers: [PartyPolicy.Issuer], at now: Timestamp, refetch: Bool
    ) async throws(Refusal) -> AttestationToken {
        let token = try UnverifiedToken(compact)
        // Of an issuer that nobody names every set is looked through, so that the refusal says what is wrong.
        let named = issuers.filter { $0.url == token.issuer }
        var sets: [String: IssuerKeySet] = [:]
        for issuer in named.isEmpty ? issuers : named {
            sets[issuer.url] = try? await keys(of: issuer.url, at: now, refetch: refetch)
        }
        guard !sets.isEmpty || issuers.isEmpty else {
            throw Refusal(.issuerKeysUnavailable, "no issuer's keys can be fetched")
        }
        var lists: [String: RevocationList] = [:]
        if token.isRevocable, let issuer = named.first, let keys = sets[issuer.url] {
            lists[issuer.url] = try await revocations.list(of: issuer, keySet: keys, at: now)
        }
        return try AttestationToken(
            IssuedToken.verify(token, issuers: issuers, keySets: sets, revocations: lists, at: now))
    }

    /// The certificate chains that an issuer publishes, for a passport.
    package func chains(of url: String) async throws(Refusal) -> [[[UInt8]]] {
        try await keys(of: url, at: try clock.now(), refetch: false).chains
    }

    private func keys(of url: String, at now: Timestamp, refetch: Bool) async throws(Refusal) -> IssuerKeySet {
        if let entry = entries.withLock({ $0[url] }) {
            let age = now - entry.fetchedAt
            if age < (refetch ? IssuerDirectory.retrySeconds : IssuerDirectory.lifetime) { return entry.keys }
        }
        let answer = try await client.send(
            .get, url + "/certs", headers: [:], body: nil, maximumBytes: IssuerKeySet.maximumBytes,
            timeout: .seconds(30))
        guard answer.status == 200 else {
            throw Refusal(.issuerKeysUnavailable, "the issuer's key list answered \(answer.status)")
        }
        let keys = try IssuerKeySet(json: answer.body)
        entries.withLock { $0[url] = Entry(keys: keys, bytes: answer.body, fetchedAt: now) }
        return keys
    }
}
