public import Encoding

/// What a party hands to others so that they can write it into their policies; unsigned, exchanged by hand
/// (`formats.md` section 6).
public struct PartyCard: Hashable, Sendable {
    /// Longest form that is parsed, in bytes.
    public static let maximumBytes = 64 * 1_024
    private static let format = "cloister-party-card/1"

    public var party: Digest
    /// For people; at most 200 characters.
    public var name: String
    public var issuers: [PartyPolicy.Issuer]
    public var keyServices: [PartyPolicy.KeyServicePin]
    public var releaseSigners: [PartyPolicy.ReleaseSigner]

    public init(
        party: Digest, name: String, issuers: [PartyPolicy.Issuer] = [],
        keyServices: [PartyPolicy.KeyServicePin] = [], releaseSigners: [PartyPolicy.ReleaseSigner] = []
    ) {
        self.party = party
        self.name = name
        self.issuers = issuers
        self.keyServices = keyServices
        self.releaseSigners = releaseSigners
    }

    /// - Throws: `token-malformed` for anything but the format.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= Self.maximumBytes else { throw Refusal(.tokenMalformed, "the party card is too long") }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.tokenMalformed, "the party card is not JSON: \(error)")
        }
        var members = try ObjectReader(json, "party card", refusing: .tokenMalformed)
        try members.format(Self.format)
        party = try members.digest("party")
        name = try members.string("name")
        issuers = try members.list("issuers") { value throws(Refusal) in try .init(json: value) }
        keyServices = try members.list("keyServices") { value throws(Refusal) in try .init(json: value) }
        releaseSigners = try members.list("releaseSigners") { value throws(Refusal) in try .init(json: value) }
        try members.finish()
        guard name.count <= 200 else { throw Refusal(.tokenMalformed, "the party card's name is too long") }
    }

    public var json: JSON {
        [
            "format": .string(Self.format), "party": .string(party.description), "name": .string(name),
            "issuers": .array(issuers.map(\.json)), "keyServices": .array(keyServices.map(\.json)),
            "releaseSigners": .array(releaseSigners.map(\.json)),
        ]
    }
}
