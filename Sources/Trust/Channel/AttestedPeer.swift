public import AttestationToken
public import Crypto
public import Encoding

/// The other side of an exchange as its verified token describes it: who it is, which key signs its hop statements,
/// and to which keys one may encapsulate.
///
/// Made from a verified `AttestationToken` only, so that a key that no token vouches for cannot be used by mistake
/// (architecture, section 11, rule 22). Whether the token's measurement is acceptable is `Acceptance`'s decision,
/// before.
public struct AttestedPeer: Sendable {
    /// Digests of the compact tokens, one for each attestation service that vouches for it; never empty.
    public let tokenDigests: [Encoding.Digest]
    public let role: String
    public let party: Encoding.Digest
    public let hopKey: P256.Signing.PublicKey
    /// RFC 7638 thumbprint of `hopKey`, the `kid` of its hop statements.
    public let hopKeyThumbprint: String
    /// The key configurations of the runtime data.
    public let configurations: [KeyConfiguration]
    private let ohttp: [UInt8]

    /// - Throws: as `KeyConfiguration.parseList`, when the runtime data's list is not one.
    public init(_ token: AttestationToken) throws(Refusal) {
        try self.init(runtimeData: token.runtimeData, tokenDigests: [token.digest])
    }

    /// A peer that shows several tokens.
    ///
    /// - Parameters:
    ///   - tokens: those that were verified and accepted; all of one unit.
    ///   - shown: digests of all tokens that the peer sent, in their order, some of which may count for others only.
    /// - Throws: `quorum-not-met` without a token, `token-not-bound` when they are of different units.
    public init(_ tokens: [AttestationToken], shown: [Encoding.Digest]) throws(Refusal) {
        guard let first = tokens.first else { throw Refusal(.quorumNotMet, "no token of the peer is accepted") }
        guard tokens.allSatisfy({ $0.runtimeDataBytes == first.runtimeDataBytes }) else {
            throw Refusal(.tokenNotBound, "the peer's tokens are of different units")
        }
        try self.init(runtimeData: first.runtimeData, tokenDigests: shown)
    }

    /// The parts of a token that matter here; for tests, which have no token.
    init(runtimeData: RuntimeData, tokenDigests: [Encoding.Digest]) throws(Refusal) {
        self.tokenDigests = tokenDigests
        role = runtimeData.role
        party = runtimeData.party
        hopKey = runtimeData.hopKey
        hopKeyThumbprint = runtimeData.hopKeyThumbprint
        ohttp = runtimeData.ohttp
        configurations = try KeyConfiguration.parseList(runtimeData.ohttp)
    }

    /// The strongest configuration of the token among the suites that the sender accepts.
    ///
    /// - Throws: `suite-not-allowed` when the token lists none of them.
    public func configuration(allowing allowed: Set<Suite> = [.xwing]) throws(Refusal) -> KeyConfiguration {
        for suite in Suite.allCases where allowed.contains(suite) {
            if let configuration = configurations.first(where: { $0.suite == suite }) { return configuration }
        }
        throw Refusal(.suiteNotAllowed, "the token lists no key of an accepted suite")
    }

    /// Refuses a list of keys that came by another way than the token: a relay offers one of its own.
    ///
    /// - Parameter list: an `application/ohttp-keys` list.
    /// - Throws: `binding-mismatch` unless it is the list in the runtime data.
    public func require(offered list: [UInt8]) throws(Refusal) {
        guard list == ohttp else {
            throw Refusal(.bindingMismatch, "the offered key configuration is not the one in the runtime data")
        }
    }

    /// Whether `name` is one of this peer's keys.
    func has(_ name: Encoding.Digest) -> Bool { configurations.contains { $0.name == name } }
}

/// A unit's own credentials for the statements that it signs: one identity epoch's token and hop key.
///
/// An answer is signed with the epoch that opened the request, since the token must name the key that was sealed to.
public struct HopSigner: Sendable {
    /// The compact tokens, sent as `cloister-token`; never empty.
    public let tokens: [String]
    /// What the others learn from them.
    public let identity: AttestedPeer
    let key: P256.Signing.PrivateKey

    /// - Parameter tokens: one of each attestation service that vouches for this unit, all about `runtimeData`.
    /// - Throws: `token-not-bound` unless `key` is the hop key of `runtimeData`, and there is a token.
    public init(tokens: [String], runtimeData: RuntimeData, key: P256.Signing.PrivateKey) throws(Refusal) {
        guard key.publicKey.rawRepresentation == runtimeData.hopKey.rawRepresentation, !tokens.isEmpty else {
            throw Refusal(.tokenNotBound, "the hop key is not the one in the runtime data")
        }
        self.tokens = tokens
        self.key = key
        identity = try AttestedPeer(
            runtimeData: runtimeData, tokenDigests: tokens.map { Encoding.Digest(of: $0) })
    }
}
