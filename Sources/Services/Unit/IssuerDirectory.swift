package import AttestationToken
package import Encoding
import HTTPTypes
package import ServiceKit
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

    private let client: Client
    private let clock: UnitClock
    private let entries = Mutex<[String: Entry]>([:])

    package init(client: Client, clock: UnitClock) {
        self.client = client
        self.clock = clock
    }

    /// Verifies a token of one of `issuers` (formats section 3).
    ///
    /// - Throws: as `AttestationToken.verify`; `issuer-keys-unavailable` when the issuer's keys cannot be had.
    package func verify(_ compact: String, issuers: [PartyPolicy.Issuer]) async throws(Refusal) -> AttestationToken {
        let now = try clock.now()
        var sets: [String: IssuerKeySet] = [:]
        for issuer in issuers { sets[issuer.url] = try? await keys(of: issuer.url, at: now, refetch: false) }
        guard !sets.isEmpty || issuers.isEmpty else {
            throw Refusal(.issuerKeysUnavailable, "no issuer's keys can be fetched")
        }
        let token: AttestationToken
        do throws(Refusal) {
            token = try AttestationToken.verify(compact, issuers: issuers, keySets: sets, at: now)
        } catch {
            guard error.code == .tokenKeyUnknown else { throw error }
            // Signing keys rotate below the pinned issuer key: ask once more.
            for issuer in issuers { sets[issuer.url] = try? await keys(of: issuer.url, at: now, refetch: true) }
            token = try AttestationToken.verify(compact, issuers: issuers, keySets: sets, at: now)
        }
        clock.witness(token.issuedAt)
        return token
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
        let answer = try await client.send(.get, url + "/certs", maximumBytes: IssuerKeySet.maximumBytes)
        guard answer.status == 200 else {
            throw Refusal(.issuerKeysUnavailable, "the issuer's key list answered \(answer.status)")
        }
        let keys = try IssuerKeySet(json: answer.body)
        entries.withLock { $0[url] = Entry(keys: keys, bytes: answer.body, fetchedAt: now) }
        return keys
    }
}
