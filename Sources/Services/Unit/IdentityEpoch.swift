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
    /// One verified token per issuer, by the issuer's URL.
    package let tokens: [String: AttestationToken]
    package let createdAt: Timestamp
    private let window = Mutex(ReplayWindow())

    package init(
        wrappingKey: _RSA.Encryption.PrivateKey, hopKey: P256.Signing.PrivateKey, channelKeys: ChannelKeys,
        runtimeData: RuntimeData, evidence: AttesterEvidence, tokens: [String: AttestationToken], createdAt: Timestamp
    ) {
        unsafe self.wrappingKey = wrappingKey
        self.hopKey = hopKey
        self.channelKeys = channelKeys
        self.runtimeData = runtimeData
        self.evidence = evidence
        self.tokens = tokens
        self.createdAt = createdAt
    }

    /// The tokens of those of `issuers` that gave one, in their order: all of them, since how many a relying party asks
    /// for is written in its policy, not in this unit's.
    ///
    /// - Throws: `token-issuer` when none did.
    package func tokens(accepted issuers: [PartyPolicy.Issuer]) throws(Refusal) -> [AttestationToken] {
        let held = issuers.compactMap { tokens[$0.url] }.prefix(AuthoritySet.maximumTokens)
        guard !held.isEmpty else {
            throw Refusal(.tokenIssuer, "this unit holds no token of an issuer that the other side accepts")
        }
        return Array(held)
    }

    /// Credentials for hop statements towards relying parties that accept `issuers`.
    package func signer(accepted issuers: [PartyPolicy.Issuer]) throws(Refusal) -> HopSigner {
        try HopSigner(
            tokens: try tokens(accepted: issuers).map(\.compact), runtimeData: runtimeData, key: hopKey)
    }

    /// Until when every token may be used.
    package var usableUntil: Timestamp {
        tokens.values.map(\.usableUntil).min() ?? createdAt
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

    /// Makes a new one: keys, evidence, and tokens of the issuers, of as many as each policy wants to agree.
    ///
    /// - Parameter authorities: those of each policy by which others judge this unit.
    /// - Throws: what the evidence source, the attestation services or the verification of their tokens refuse;
    ///   `quorum-not-met` when too few of a policy's issuers vouch for this unit.
    package static func make(
        role: String, party: Encoding.Digest, source: any EvidenceSource, authorities: [AuthoritySet],
        attestation: AttestationClient, directory: IssuerDirectory, clock: UnitClock
    ) async throws(Refusal) -> IdentityEpoch {
        let wrappingKey: _RSA.Encryption.PrivateKey
        do { wrappingKey = try _RSA.Encryption.PrivateKey(keySize: .bits3072) } catch {
            throw Refusal(.keyInvalid, "no wrapping key can be made on this machine")
        }
        let hopKey = P256.Signing.PrivateKey()
        let channelKeys = try ChannelKeys.generate()
        let runtimeData = try RuntimeData(
            wrappingKey: JWK(wrappingKey.publicKey), hopKey: hopKey.publicKey, ohttp: channelKeys.ohttp, role: role,
            party: party, nonce: nil)
        let evidence = try await source.evidence(reportData: runtimeData.reportData)
        var tokens: [String: AttestationToken] = [:]
        var refused: [String: Refusal] = [:]
        for issuer in authorities.flatMap(\.issuers) where tokens[issuer.url] == nil && refused[issuer.url] == nil {
            do throws(Refusal) {
                let request = try AttestationRequest(unit: evidence, runtimeData: runtimeData.bytes)
                let compact = try await attestation.token(for: request, from: issuer.url)
                let token = try await directory.verify(compact, issuers: [issuer])
                guard token.runtimeDataBytes == runtimeData.bytes else {
                    throw Refusal(.bindingMismatch, "the token speaks of other keys than this unit's")
                }
                tokens[issuer.url] = token
            } catch { refused[issuer.url] = error }
        }
        // A unit whose evidence disagrees with its policy exits (architecture rule 3).
        guard tokens.values.allSatisfy({ $0.hostData.prefix(32).elementsEqual(party.bytes) }) else {
            throw Refusal(.configMismatch, "this unit's host data is not the party that its policy names")
        }
        for set in authorities {
            try set.requireQuorum(
                set.issuers.compactMap { tokens[$0.url]?.issued }, refused: set.issuers.compactMap { refused[$0.url] })
        }
        return IdentityEpoch(
            wrappingKey: wrappingKey, hopKey: hopKey, channelKeys: channelKeys, runtimeData: runtimeData,
            evidence: evidence, tokens: tokens, createdAt: try clock.now())
    }
}
