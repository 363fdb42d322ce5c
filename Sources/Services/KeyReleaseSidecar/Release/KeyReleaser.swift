package import Encoding
package import KeyRelease
import Synchronization
package import Telemetry

/// Obtains keys for the containers of this group: proves the group with a fresh wrapping key, and opens the answer.
package final class KeyReleaser: Sendable {
    /// Which key, where, and in whose eyes.
    struct Wish: Sendable {
        var attestation: ServiceEndpoint
        var vault: ServiceEndpoint
        /// Name, or name and version with a slash between them.
        var key: String
        /// The caller's bearer token for the vault; nil asks for one of this machine's identity.
        var accessToken: String?
    }

    /// Releases at a time: each makes an RSA key.
    private static let maximumAtOnce = 8

    private let attester: GroupAttester
    private let client: KeyReleaseClient
    private let credential: VaultCredential
    private let roots: Set<Digest>
    private let log: Log
    private let clock: WallClock
    private let running = Mutex(0)
    /// A container that goes on asking for a key that it does not get must not fill the disk.
    private let refusalLines = LineLimit()

    /// - Parameter roots: SHA-256 of the SPKI of the roots in which the certificates of vaults end.
    package init(
        attester: GroupAttester, client: KeyReleaseClient, credential: VaultCredential, roots: Set<Digest>,
        log: Log, clock: WallClock = .system
    ) {
        self.attester = attester
        self.client = client
        self.credential = credential
        self.roots = roots
        self.log = log
        self.clock = clock
    }

    /// The key as JWK.
    ///
    /// - Throws: what attestation service or vault refuse; `endorsement-invalid` for an answer that no trusted vault of
    ///   that name signed; `too-many`.
    func release(_ wish: Wish) async throws(Refusal) -> JSON {
        try await ReleasedJWK.json(answer(wish))
    }

    /// The key as it came.
    func answer(_ wish: Wish) async throws(Refusal) -> KeyReleaseResponse {
        guard ServiceEndpoint.isKeyName(wish.key) else {
            throw Refusal(.nameInvalid, "kid is neither a key's name nor name and version")
        }
        let isAdmitted = running.withLock { count in
            guard count < Self.maximumAtOnce else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { throw Refusal(.tooMany, "too many releases at a time") }
        defer { running.withLock { $0 -= 1 } }
        do throws(Refusal) {
            let released = try await released(wish)
            log.info("key released to this group", [.key: .identifier(wish.key)])
            return released
        } catch {
            if let omitted = refusalLines.admit() {
                log.warning(
                    "key not released",
                    [
                        .key: .identifier(wish.key), .code: .identifier(error.name),
                        .detail: .refusalDetail(error.detail), .omitted: .number(omitted),
                    ])
            }
            throw error
        }
    }

    private func released(_ wish: Wish) async throws(Refusal) -> KeyReleaseResponse {
        let wrapping = try await ReleaseWrappingKey.make()
        let token = try await attester.token(over: wrapping.runtimeData, from: wish.attestation.url)
        let bearer: String
        if let given = wish.accessToken {
            bearer = given
        } else {
            bearer = try await credential.token(for: wish.vault.host)
            noteOwner(of: bearer)
        }
        return try await client.release(
            KeyReleaseClient.Wish(service: wish.vault.url, key: wish.key, targets: [token]), credential: bearer,
            wrappingKey: unsafe wrapping.key, trust: ReleaseTrust(pins: roots, host: wish.vault.host),
            at: clock.now())
    }

    /// Attestation services are told whose machine this is, once that is known and unless somebody named it otherwise.
    private func noteOwner(of token: String) {
        guard attester.userAgent == GroupAttester.defaultUserAgent, let owner = VaultCredential.owner(of: token) else {
            return
        }
        attester.userAgent = "\(GroupAttester.defaultUserAgent) \(owner)"
    }
}
