import Crypto
public import Encoding
import Evidence

extension PartyPolicy {
    /// An attestation service that a party accepts.
    public struct Issuer: Hashable, Sendable {
        /// SHA-256 of the SPKI of the current issuer key, and of the next one.
        public var pins: [Encoding.Digest]
        /// Whether tokens of grade `simulated` are accepted from it.
        public var simulated: Bool
        /// The issuer string: `https`, without a trailing slash.
        public var url: String

        public init(pins: [Encoding.Digest], simulated: Bool, url: String) {
            self.pins = pins
            self.simulated = simulated
            self.url = url
        }

        /// The same for every spelling of `url`, so that one service never counts as two.
        var name: String { AuthorityURL(url)?.description ?? url }

        init(json: JSON) throws(Refusal) {
            var members = try ObjectReader(json, "issuer", refusing: .tokenMalformed)
            pins = try members.pins("pins")
            simulated = try members.bool("simulated")
            url = try members.url("url")
            try members.finish()
        }

        public var json: JSON {
            ["pins": .array(pins.map { .string($0.description) }), "simulated": .bool(simulated), "url": .string(url)]
        }
    }

    /// A key service that a party uses.
    public struct KeyServicePin: Hashable, Sendable {
        /// SHA-256 of the SPKI of the root of the release JWS's `x5c`.
        public var pins: [Encoding.Digest]
        public var url: String

        public init(pins: [Encoding.Digest], url: String) {
            self.pins = pins
            self.url = url
        }

        init(json: JSON) throws(Refusal) {
            var members = try ObjectReader(json, "key service", refusing: .tokenMalformed)
            pins = try members.pins("pins")
            url = try members.url("url")
            try members.finish()
        }

        public var json: JSON {
            ["pins": .array(pins.map { .string($0.description) }), "url": .string(url)]
        }
    }

    /// A vendor's release key for one unit, and which of its releases still count.
    public struct ReleaseSigner: Hashable, Sendable {
        public var key: JWK
        /// Releases with a lower sequence are refused with `svn-too-low`.
        public var leastSequence: Int64
        public var unit: String
        /// Sequences that are refused with `measurement-revoked`.
        public var withdrawn: [Int64]

        public init(key: JWK, leastSequence: Int64, unit: String, withdrawn: [Int64] = []) {
            self.key = key
            self.leastSequence = leastSequence
            self.unit = unit
            self.withdrawn = withdrawn
        }

        init(json: JSON) throws(Refusal) {
            var members = try ObjectReader(json, "release signer", refusing: .tokenMalformed)
            key = try JWK(json: try members.value("key"))
            leastSequence = try members.sequence("leastSequence")
            unit = try members.unit("unit")
            withdrawn = try members.list("withdrawn") { value throws(Refusal) in
                guard let sequence = value.integer, sequenceRange.contains(sequence) else {
                    throw Refusal(.tokenMalformed, "release signer: a withdrawn sequence is not one")
                }
                return sequence
            }
            try members.finish()
            guard (try? key.p256()) != nil else {
                throw Refusal(.tokenMalformed, "release signer: the key is not a P-256 key")
            }
        }

        public var json: JSON {
            [
                "key": key.json, "leastSequence": .integer(leastSequence), "unit": .string(unit),
                "withdrawn": .array(withdrawn.map { .integer($0) }),
            ]
        }
    }

    /// A party, in a role, that this party's units may talk to.
    public struct Peer: Hashable, Sendable {
        public var party: Encoding.Digest
        public var role: String

        public init(party: Encoding.Digest, role: String) {
            self.party = party
            self.role = role
        }

        init(json: JSON) throws(Refusal) {
            var members = try ObjectReader(json, "peer", refusing: .tokenMalformed)
            party = try members.digest("party")
            role = try members.unit("role")
            try members.finish()
        }

        public var json: JSON { ["party": .string(party.description), "role": .string(role)] }
    }
}

// MARK: Kinds of members

/// Integers that every JSON reader keeps exact.
let sequenceRange: ClosedRange<Int64> = 0...(1 << 53) - 1

extension ObjectReader {
    /// A non-negative integer below 2^53.
    mutating func sequence(_ name: String) throws(Refusal) -> Int64 {
        let value = try integer(name)
        guard sequenceRange.contains(value) else { throw Refusal(.tokenMalformed, "\(name) is out of range") }
        return value
    }

    /// An array of at most 1,024 elements.
    mutating func list<Element>(
        _ name: String, _ read: (JSON) throws(Refusal) -> Element
    ) throws(Refusal) -> [Element] {
        let values = try array(name)
        guard values.count <= 1_024 else { throw Refusal(.tokenMalformed, "\(name) has too many entries") }
        var elements: [Element] = []
        for value in values { elements.append(try read(value)) }
        return elements
    }

    /// The current pin, and perhaps the next one.
    mutating func pins(_ name: String) throws(Refusal) -> [Encoding.Digest] {
        let pins = try strings(name)
        let digests = pins.compactMap { Encoding.Digest($0) }
        guard (1...2).contains(pins.count), digests.count == pins.count else {
            throw Refusal(.tokenMalformed, "\(name) is not one or two digests")
        }
        return digests
    }

    /// An `https` URL in the one form that can be compared as text: printable ASCII, no trailing slash.
    mutating func url(_ name: String) throws(Refusal) -> String {
        let url = try string(name)
        guard url.hasPrefix("https://"), url.utf8.count > 8, url.utf8.count <= 2_048, !url.hasSuffix("/"),
            url.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw Refusal(.tokenMalformed, "\(name) is not an https URL without a trailing slash") }
        return url
    }

    mutating func unit(_ name: String) throws(Refusal) -> String {
        let unit = try string(name)
        guard isUnitName(unit) else { throw Refusal(.tokenMalformed, "\(name) is not a unit's name") }
        return unit
    }
}
