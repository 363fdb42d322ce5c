public import Crypto
public import Encoding
import Evidence

/// What one party trusts, signed by its policy key: issuers, key services, release signers, peers, and the fields
/// that may leave (`formats.md` section 6).
public struct PartyPolicy: Hashable, Sendable {
    /// Longest compact form that is parsed, in bytes.
    public static let maximumBytes = 64 * 1_024
    /// Longest time between `notBefore` and `notAfter`, in seconds: 90 days.
    public static let maximumLifetime: Int64 = 90 * 86_400
    static let type = "cloister-party-policy+jwt"
    static let format = "cloister-party-policy/1"

    public var party: Encoding.Digest
    /// Rises with each issue.
    public var sequence: Int64
    public var notBefore: Timestamp
    public var notAfter: Timestamp
    public var issuers: [Issuer]
    /// How many issuers must agree.
    public var threshold: Int64
    public var keyServices: [KeyServicePin]
    public var releaseSigners: [ReleaseSigner]
    /// Whom this party's units may talk to.
    public var peers: [Peer]
    /// Names of what may leave the platform unit to a peer.
    public var fields: [String]
    /// Digests of one-time secrets that open a tenant's first accounts.
    public var enrolment: [Encoding.Digest]

    public init(
        party: Encoding.Digest, sequence: Int64, notBefore: Timestamp, notAfter: Timestamp, issuers: [Issuer],
        threshold: Int64 = 1, keyServices: [KeyServicePin] = [], releaseSigners: [ReleaseSigner] = [],
        peers: [Peer] = [], fields: [String] = [], enrolment: [Encoding.Digest] = []
    ) {
        self.party = party
        self.sequence = sequence
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.issuers = issuers
        self.threshold = threshold
        self.keyServices = keyServices
        self.releaseSigners = releaseSigners
        self.peers = peers
        self.fields = fields
        self.enrolment = enrolment
    }
}

// MARK: Reading

extension PartyPolicy {
    /// Reads and verifies the policy of a party whose id is already known.
    ///
    /// - Parameter time: the moment at which the policy must hold.
    /// - Throws: `token-malformed` for the form; `endorsement-invalid` when it is unsigned, of another party, not
    ///   yet valid or expired.
    public init(compact: String, pinned party: Encoding.Digest, at time: Timestamp) throws(Refusal) {
        try self.init(compact: compact, expected: party, at: time)
    }

    /// Reads and verifies a policy whose party the caller learns from it.
    ///
    /// Only for a party's own policy, in its own configuration, and for tools that print one: anyone can sign a
    /// policy for a party of his own.
    public init(own compact: String, at time: Timestamp) throws(Refusal) {
        try self.init(compact: compact, expected: nil, at: time)
    }

    private init(compact: String, expected: Encoding.Digest?, at time: Timestamp) throws(Refusal) {
        let document = try SignedDocument(
            compact: compact, type: Self.type, key: .jwk, maximumBytes: Self.maximumBytes,
            unsigned: .endorsementInvalid)
        guard let jwk = document.key, let key = try? jwk.p256() else {
            throw Refusal(.endorsementInvalid, "the policy key is not a P-256 key")
        }
        let signer = partyID(of: key)
        guard expected.map({ $0 == signer }) ?? true else {
            throw Refusal(.endorsementInvalid, "the policy is signed by another party's key")
        }
        try document.verify(with: key, refusing: .endorsementInvalid)
        try self.init(json: document.payload)
        guard party == signer else { throw Refusal(.endorsementInvalid, "the policy names another party") }
        guard notBefore <= time, time <= notAfter else {
            throw Refusal(.endorsementInvalid, "the policy holds from \(notBefore) to \(notAfter), not at \(time)")
        }
    }

    private init(json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "party policy", refusing: .tokenMalformed)
        try members.format(Self.format)
        party = try members.digest("party")
        sequence = try members.sequence("sequence")
        notBefore = Timestamp(seconds: try members.sequence("notBefore"))
        notAfter = Timestamp(seconds: try members.sequence("notAfter"))
        issuers = try members.list("issuers") { value throws(Refusal) in try Issuer(json: value) }
        threshold = try members.sequence("threshold")
        keyServices = try members.list("keyServices") { value throws(Refusal) in try KeyServicePin(json: value) }
        releaseSigners = try members.list("releaseSigners") { value throws(Refusal) in try ReleaseSigner(json: value) }
        peers = try members.list("peers") { value throws(Refusal) in try Peer(json: value) }
        fields = try members.strings("fields")
        enrolment =
            members.has("enrolment")
            ? try members.list("enrolment") { value throws(Refusal) in
                guard let digest = value.string.flatMap({ Encoding.Digest($0) }) else {
                    throw Refusal(.tokenMalformed, "party policy: an enrolment is not a digest")
                }
                return digest
            } : []
        try members.finish()
        guard notBefore <= notAfter, notAfter - notBefore <= Self.maximumLifetime else {
            throw Refusal(.endorsementInvalid, "the policy's lifetime is not between 0 and 90 days")
        }
        guard Set(issuers.map(\.name)).count == issuers.count, (1...Int64(max(1, issuers.count))).contains(threshold),
            !issuers.isEmpty
        else { throw Refusal(.tokenMalformed, "party policy: issuers repeat, or are fewer than the threshold") }
    }
}

// MARK: Writing

extension PartyPolicy {
    /// The payload.
    public var json: JSON {
        var members: [String: JSON] = [
            "format": .string(Self.format), "party": .string(party.description), "sequence": .integer(sequence),
            "notBefore": .integer(notBefore.seconds), "notAfter": .integer(notAfter.seconds),
            "issuers": .array(issuers.map(\.json)), "threshold": .integer(threshold),
            "keyServices": .array(keyServices.map(\.json)), "releaseSigners": .array(releaseSigners.map(\.json)),
            "peers": .array(peers.map(\.json)), "fields": .array(fields.map { .string($0) }),
        ]
        if !enrolment.isEmpty { members["enrolment"] = .array(enrolment.map { .string($0.description) }) }
        return .object(members)
    }

    /// The signed compact form.
    ///
    /// - Throws: `endorsement-invalid` when `key` is not the party's, or the policy would be refused by a reader.
    public func sign(with key: P256.Signing.PrivateKey) throws(Refusal) -> String {
        let compact = try SignedDocument.sign(
            json, type: Self.type, keyMember: (.jwk, JWK(key.publicKey).json), with: key)
        _ = try PartyPolicy(compact: compact, pinned: party, at: notBefore)
        return compact
    }
}
