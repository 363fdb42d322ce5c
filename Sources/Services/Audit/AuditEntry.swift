package import Encoding

/// One decision, as it is written to the audit log before the answer to it leaves (formats section 9).
///
/// Holds nothing but the metadata that the threat model allows (section 5): codes, digests, public claims.
package struct AuditEntry: Hashable, Sendable {
    /// How a decision ended.
    package enum Outcome: String, Sendable {
        case allowed
        case refused
    }

    /// What was decided, for example `key.release`.
    package var event: String
    package var outcome: Outcome
    /// The request id that the caller was told: 16 random bytes in hex.
    package var id: String
    /// `code` or `code:part` of a refusal.
    package var code: String?
    /// The id or name of the key that the decision was about.
    package var key: String?
    package var party: Digest?
    /// Who asked, where callers have names: a name of ours, or a digest of an issuer's name for somebody.
    package var caller: String?
    /// Digest of the policy that was applied.
    package var policy: Digest?
    /// Digest of the token that was presented.
    package var token: Digest?
    /// What a claim should have been, and what it was; both public (key API reference, section 16).
    package var expected: String?
    package var seen: String?
    /// How many decisions the line is about, where they were counted (`StrangerRecords`); nil for one.
    package var count: Int64?
    /// Set by the log on lines of changes to state that is kept beside it.
    var isChange = false

    package init(
        event: String, outcome: Outcome, id: String, code: String? = nil, key: String? = nil, party: Digest? = nil,
        caller: String? = nil, policy: Digest? = nil, token: Digest? = nil, expected: String? = nil,
        seen: String? = nil
    ) {
        self.event = event
        self.outcome = outcome
        self.id = id
        self.code = code
        self.key = key
        self.party = party
        self.caller = caller
        self.policy = policy
        self.token = token
        self.expected = expected
        self.seen = seen
    }

    /// The most bytes that any one member is written with.
    static let maximumMemberLength = 512

    /// The members of the line without its place in the chain.
    func members(at time: Timestamp) -> [String: JSON] {
        var members: [String: JSON] = [
            "at": .integer(time.seconds), "event": .string(event), "id": .string(id),
            "outcome": .string(outcome.rawValue),
        ]
        let optional: [(String, String?)] = [
            ("caller", caller), ("code", code), ("expected", expected), ("key", key), ("party", party?.description),
            ("policy", policy?.description), ("seen", seen), ("token", token?.description),
        ]
        for (name, value) in optional {
            if let value { members[name] = .string(AuditEntry.plain(value)) }
        }
        if let count { members["count"] = .integer(count) }
        if isChange { members["change"] = true }
        return members
    }

    /// Printable ASCII of limited length: whoever asks chooses some of what is written, and every line must be read again.
    private static func plain(_ value: String) -> String {
        String(
            decoding: value.utf8.prefix(maximumMemberLength).map {
                (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?")
            },
            as: UTF8.self)
    }
}
