import Access
import AttestationToken
import Audit
package import Encoding
import HTTPTypes
import ServiceKit
import ServiceLifecycle
package import Telemetry

#if canImport(Glibc)
    import Glibc
#endif

/// A key service as a process: reads its state folder, or makes it at the first start, and serves.
///
/// The state folder holds `keys.sqlite`, `master.key`, `sequences.json` and `audit.jsonl`, and gets `keyservice.json`,
/// which the owner's party card quotes: `{"pins":[…],"url"}`.
package struct KeyService: Sendable {
    private let server: Server
    private let client: Client
    private let strangers: StrangerRecords

    /// Opens everything that the service needs; it needs no other service to start (architecture rule 19).
    ///
    /// - Throws: `Refusal` with the one thing that keeps it from starting.
    package init(
        _ configuration: KeyServiceConfiguration, log: Log, clock: WallClock = .system, randomness: Randomness = .system
    ) throws {
        let state = configuration.state
        if unsafe mkdir(state, 0o700) != 0, errno != EEXIST {
            throw Refusal(.notReady, "the state folder cannot be made")
        }
        let policy = try KeyService.policy(configuration, at: clock.now())
        try SequenceMemory(path: state + "/sequences.json").admit(policy)
        let database = state + "/keys.sqlite"
        let isFirstStart = unsafe access(database, F_OK) != 0
        ProcessMemory.protect(log)
        let masterKey = try MasterKey(
            in: configuration.masterKey.holder(state: state, randomness: randomness), mayCreate: isFirstStart,
            randomness: randomness)
        let store = try KeyStore(path: database, masterKey: masterKey)
        let audit = try AuditLog(path: state + "/audit.jsonl", after: store.audited(), clock: clock)
        let signer = try ReleaseSigner(
            store: store, former: state + "/release-signing.json", host: configuration.host,
            flavour: configuration.settings.flavour, at: clock.now())
        let credentials = try Credentials(
            administratorToken: KeyService.token(configuration.administratorToken),
            releaseToken: KeyService.token(configuration.releaseToken),
            issuer: try configuration.access.map(KeyService.accessTokens))
        let client = try Client(authorities: configuration.authorities)
        // An authority that the policy pins stays pinned: the configuration adds others, it loosens nothing.
        let pinned = policy.issuers.compactMap { AuthorityURL($0.url) }
        guard configuration.furtherAuthorities.allSatisfy({ AuthorityURL($0.url).map(pinned.contains) == false })
        else {
            throw Refusal(
                .insecureConfiguration, "the configuration names an authority that the party policy pins already")
        }
        var trusted: [String: AuthorityKeyCache.Fetch] = [:]
        for authority in configuration.furtherAuthorities {
            trusted[authority.url] = KeyService.fetch(
                with: try Client(authorities: authority.authorities, allowsTLS12: true))
        }
        let keys = AuthorityKeyCache(clock: clock, trusted: trusted, fetch: KeyService.fetch(with: client))
        let metrics = Metrics()
        let vault = KeyVault(
            store: store, audit: audit, signer: signer, policy: policy, keys: keys,
            furtherAuthorities: configuration.furtherAuthorities.map(\.issuer), credentials: credentials,
            challenge: configuration.challenge, settings: configuration.settings, metrics: metrics, clock: clock,
            randomness: randomness)
        try audit.append(
            AuditEntry(
                event: "service.start", outcome: .allowed, id: Hex.encode(randomness.bytes(16)), party: policy.party))
        try KeyService.describe(configuration, pin: signer.pin)
        if policy.issuers.contains(where: \.simulated) {
            log.warning("the party policy accepts tokens of simulated environments, which protect nothing")
        }
        server = Server(
            vault, listen: configuration.listen, log: log, metrics: metrics, background: [KeySchedule(vault: vault)])
        self.client = client
        strangers = vault.strangers
    }

    /// Serves until SIGTERM or SIGINT.
    package func run() async throws {
        do {
            try await server.run()
        } catch {
            await close()
            throw error
        }
        await close()
    }

    private func close() async {
        try? await strangers.flush()
        await client.shutdown()
    }

    /// Serves until the surrounding task is cancelled.
    package func run(onPort: @escaping @Sendable (Int) -> Void) async throws {
        try await server.run(onPort: onPort)
        try await strangers.flush()
    }

    private static func fetch(with client: Client) -> AuthorityKeyCache.Fetch {
        { url, maximumBytes throws(Refusal) in
            let answer = try await client.send(.get, url, maximumBytes: maximumBytes)
            guard answer.status == 200 else {
                throw Refusal(.issuerKeysUnavailable, "the authority answered \(answer.status)")
            }
            return answer.body
        }
    }

    private static func accessTokens(_ access: KeyServiceConfiguration.Access) throws -> AccessTokens {
        let client =
            access.keys.hasPrefix("https://")
            ? try Client(authorities: access.authorities, allowsTLS12: true) : nil
        return AccessTokens(
            issuer: access.issuer, audiences: access.audiences, subjectClaim: access.subjectClaim,
            keys: AccessTokenKeys(source: access.keys, client: client))
    }

    // MARK: Files

    private static func policy(
        _ configuration: KeyServiceConfiguration, at time: Timestamp
    ) throws(Refusal) -> PartyPolicy {
        let bytes: [UInt8]
        do throws(AtomicFile.Failure) {
            bytes = try AtomicFile.read(configuration.policy, maximumBytes: PartyPolicy.maximumBytes + 2)
        } catch {
            throw Refusal(.insecureConfiguration, "the party policy cannot be read")
        }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return try PartyPolicy(compact: text, pinned: configuration.party, at: time)
    }

    private static func token(_ path: String) throws(Refusal) -> String {
        guard let bytes = try SecretFile.read(path, what: "a bearer token", maximumBytes: 4_096) else {
            throw Refusal(.insecureConfiguration, "a file with a bearer token is missing")
        }
        return String(decoding: bytes, as: UTF8.self).filter { !$0.isNewline }
    }

    private static func describe(_ configuration: KeyServiceConfiguration, pin: Digest) throws(Refusal) {
        let json: JSON = ["pins": [.string(pin.description)], "url": .string(configuration.url)]
        do throws(AtomicFile.Failure) {
            try AtomicFile.write(json.canonical, to: configuration.state + "/keyservice.json", mode: 0o644)
        } catch {
            throw Refusal(.notReady, "the description of the key service cannot be written")
        }
    }
}

/// Does what is due while the service runs: rotations by policy, and purges of what was deleted long enough ago.
private struct KeySchedule: Service {
    let vault: KeyVault

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await vault.keepUp()
                // What cannot be written stays counted.
                try? await vault.strangers.flush()
                try await Task.sleep(for: .seconds(60))
            }
        }
    }
}
