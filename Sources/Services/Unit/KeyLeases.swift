package import AttestationToken
package import Encoding
package import KeyRelease
import ServiceKit
import Synchronization
package import Telemetry

/// Keys that owners released to this unit, each a lease of an hour (architecture rule 16).
///
/// A lease is asked for again with each identity epoch. A refusal drops the key at once; an unreachable key service is
/// retried until the lease ends.
package final class KeyLeases: Sendable {
    /// Seconds for which a released key may be used.
    package static let lifetime: Int64 = 3_600

    /// A key at its owner's service.
    package struct Name: Hashable, Sendable {
        package var service: PartyPolicy.KeyServicePin
        /// Whom the owner believes: whose tokens to show, and how many must agree.
        package var authorities: AuthoritySet
        package var key: String

        package init(service: PartyPolicy.KeyServicePin, authorities: AuthoritySet, key: String) {
            self.service = service
            self.authorities = authorities
            self.key = key
        }
    }

    /// A released symmetric key.
    package struct Lease: Sendable {
        package var secret: Secret
        /// The key's id with its version.
        package var keyID: String
        package var until: Timestamp
        /// When the epoch began to which it was released.
        var epoch: Timestamp
    }

    private let identity: UnitIdentity
    private let client: KeyReleaseClient
    private let credentials: String
    private let log: Log
    private let leases = Mutex<[Name: Lease]>([:])

    /// - Parameter credentials: folder of release-only bearer tokens; the token that proves the unit decides.
    package init(identity: UnitIdentity, client: KeyReleaseClient, credentials: String, log: Log) {
        self.identity = identity
        self.client = client
        self.credentials = credentials
        self.log = log
    }

    /// The lease of a key, asked for when there is none or when a new epoch began.
    ///
    /// - Throws: the key service's refusal, which also drops the lease; `unavailable` when there is no valid lease and
    ///   the service does not answer.
    package func lease(_ name: Name) async throws(Refusal) -> Lease {
        let epoch = try identity.current()
        let now = try identity.clock.now()
        let held = leases.withLock { $0[name] }
        if let held, held.epoch == epoch.createdAt, now < held.until { return held }
        do throws(Refusal) {
            let lease = try await release(name, to: epoch, at: now)
            leases.withLock { $0[name] = lease }
            return lease
        } catch {
            if error.code == .unavailable, let held, now < held.until { return held }
            leases.withLock { _ = $0.removeValue(forKey: name) }
            log.warning("key not released", [.code: .identifier(error.name), .detail: .refusalDetail(error.detail)])
            throw error
        }
    }

    private func release(_ name: Name, to epoch: IdentityEpoch, at now: Timestamp) async throws(Refusal) -> Lease {
        let tokens = try epoch.tokens(accepted: name.authorities).map(\.compact)
        let wish = KeyReleaseClient.Wish(
            service: name.service.url, key: name.key,
            targets: name.authorities.threshold > 1 ? tokens : Array(tokens.prefix(1)), enc: "RSA_AES_KEY_WRAP_256",
            nonce: Base64.encodeURL(Randomness.system.bytes(32)))
        let released = try await client.release(
            wish, credential: try credential(for: name.service.url), wrappingKey: unsafe epoch.wrappingKey,
            trust: ReleaseTrust(pins: name.service.pins), at: now)
        log.info("key released to this unit", [.key: .identifier(name.key)])
        return Lease(
            secret: released.material, keyID: released.keyID, until: now + KeyLeases.lifetime, epoch: epoch.createdAt)
    }

    private func credential(for url: String) throws(Refusal) -> String {
        let host = url.split(separator: "/").last.map(String.init) ?? ""
        let file = "\(credentials)/\(host.replacing(":", with: "_")).token"
        return try UnitFiles.document(file, "release credential of a key service")
    }
}
