package import AttestationToken
package import Attester
package import Channel
package import Crypto
package import CryptoExtras
package import Encoding
package import KeyRelease
import Synchronization

/// Everything that a unit is for twenty minutes: keys born together, the evidence that names them, and the tokens over
/// that evidence. Immutable, renewed as a whole (architecture rule 13).
package final class IdentityEpoch: Sendable {
    /// RSA-3072; key services wrap released keys to it.
    // Immutable; BoringSSL lets several threads use one RSA key, its blinding is behind a lock of its own.
    package nonisolated(unsafe) let wrappingKey: _RSA.Encryption.PrivateKey
    package let hopKey: P256.Signing.PrivateKey
    package let channelKeys: ChannelKeys
    package let runtimeData: RuntimeData
    package let evidence: AttesterEvidence
    /// The verified token of each issuer that gave one; policies may pin different keys for one URL.
    package let tokens: [PartyPolicy.Issuer: AttestationToken]
    /// Why tenants whose policies have these authorities cannot be served.
    package let unavailable: [AuthoritySet: Refusal]
    private let own: AuthoritySet
    package let createdAt: Timestamp
    private let window = Mutex(ReplayWindow())

    private init(
        _ keys: Keys, evidence: AttesterEvidence, own: AuthoritySet, tokens: [PartyPolicy.Issuer: AttestationToken],
        unavailable: [AuthoritySet: Refusal], createdAt: Timestamp
    ) {
        unsafe wrappingKey = keys.wrappingKey
        hopKey = keys.hopKey
        channelKeys = keys.channelKeys
        runtimeData = keys.runtimeData
        self.evidence = evidence
        self.own = own
        self.tokens = tokens
        self.unavailable = unavailable
        self.createdAt = createdAt
    }

    /// The tokens of those issuers of a policy that gave one, in their order: all of them, since how many a relying party
    /// asks for is written in its policy, not in this unit's.
    ///
    /// - Throws: why too few of a tenant's issuers vouch for this unit; `token-issuer` when none does.
    package func tokens(accepted authorities: AuthoritySet) throws(Refusal) -> [AttestationToken] {
        if let refusal = unavailable[authorities] { throw refusal }
        let held = authorities.issuers.compactMap { tokens[$0] }.prefix(AuthoritySet.maximumTokens)
        guard !held.isEmpty else {
            throw Refusal(.tokenIssuer, "this unit holds no token of an issuer that the other side accepts")
        }
        return Array(held)
    }

    /// Credentials for hop statements towards relying parties that accept `authorities`.
    package func signer(accepted authorities: AuthoritySet) throws(Refusal) -> HopSigner {
        try HopSigner(
            tokens: try tokens(accepted: authorities).map(\.compact), runtimeData: runtimeData, key: hopKey)
    }

    /// Until when every token of this unit's own issuers may be used.
    package var usableUntil: Timestamp {
        own.issuers.compactMap { tokens[$0]?.usableUntil }.min() ?? createdAt
    }

    /// Whether each tenant's policy is satisfied, by tokens that may be used until `time`.
    package func servesEveryTenant(until time: Timestamp) -> Bool {
        unavailable.isEmpty && tokens.values.allSatisfy { $0.usableUntil >= time }
    }

    /// Records an exchange before it has any effect.
    ///
    /// - Throws: `record-replay` when it was seen; `not-ready` when the window is full and a new epoch must begin.
    package func admit(_ exchange: ServerExchange) throws(Refusal) {
        switch window.withLock({ $0.insert(exchange.enc16) }) {
        case .fresh: return
        case .replayed: throw Refusal(.recordReplay, "this sealed request was already received")
        case .full: throw Refusal(.notReady, "the replay window is full; a new identity epoch begins")
        }
    }
}

// MARK: Making one

extension IdentityEpoch {
    /// Makes a new one: keys, evidence, and tokens of the issuers, of as many as each policy wants to agree.
    ///
    /// What a tenant wrote into its policy can only fail that tenant: its issuers may be down or its pins out of date.
    ///
    /// - Throws: what the evidence source, this unit's own attestation services or the verification of their tokens
    ///   refuse; `quorum-not-met` when too few of its own policy's issuers vouch for this unit, `config-mismatch` when
    ///   one of them says that it is another party's.
    package static func make(
        role: String, party: Encoding.Digest, source: any EvidenceSource, authorities: UnitAuthorities,
        attestation: AttestationClient, directory: IssuerDirectory, clock: UnitClock
    ) async throws(Refusal) -> IdentityEpoch {
        let keys = try Keys(role: role, party: party)
        let evidence = try await source.evidence(reportData: keys.runtimeData.reportData)
        let witnesses = Witnesses(
            request: try AttestationRequest(unit: evidence, runtimeData: keys.runtimeData.bytes),
            runtimeData: keys.runtimeData.bytes, party: party, attestation: attestation, directory: directory)
        let answers = await witnesses.answers(of: Set(authorities.all.flatMap(\.issuers)))
        var tokens: [PartyPolicy.Issuer: AttestationToken] = [:]
        for (issuer, answer) in answers { tokens[issuer] = try? answer.get() }
        // A unit whose evidence disagrees with its policy exits (architecture rule 3).
        let faults = authorities.own.issuers.compactMap { answers[$0]?.refusal }
        if let fault = faults.first(where: { $0.code == .configMismatch }) { throw fault }
        try authorities.own.requireQuorum(answers)
        var unavailable: [AuthoritySet: Refusal] = [:]
        for set in authorities.tenants where set != authorities.own {
            do throws(Refusal) { try set.requireQuorum(answers) } catch { unavailable[set] = error }
        }
        return IdentityEpoch(
            keys, evidence: evidence, own: authorities.own, tokens: tokens, unavailable: unavailable,
            createdAt: try clock.now())
    }

    /// Keys born together, and the data that names them.
    private struct Keys {
        let wrappingKey: _RSA.Encryption.PrivateKey
        let hopKey = P256.Signing.PrivateKey()
        let channelKeys: ChannelKeys
        let runtimeData: RuntimeData

        init(role: String, party: Encoding.Digest) throws(Refusal) {
            do { wrappingKey = try _RSA.Encryption.PrivateKey(keySize: .bits3072) } catch {
                throw Refusal(.keyInvalid, "no wrapping key can be made on this machine")
            }
            channelKeys = try ChannelKeys.generate()
            runtimeData = try RuntimeData(
                wrappingKey: JWK(wrappingKey.publicKey), hopKey: hopKey.publicKey, ohttp: channelKeys.ohttp, role: role,
                party: party, nonce: nil)
        }
    }
}
