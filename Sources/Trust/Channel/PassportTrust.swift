public import Encoding
public import Evidence

/// What the reader of a passport trusts beforehand; nothing inside a passport adds to it.
public struct PassportTrust: Sendable {
    /// Ids of the parties whose policies decide. With several, one of them must accept each unit.
    ///
    /// Empty: every policy inside the passport counts, and the verdict names the parties that the reader then relies on.
    public var parties: Set<Digest>
    /// Pins of attestation services' issuer keys. Empty: those that the policies name.
    public var issuerPins: Set<Digest>
    /// Roots that evidence may chain to.
    public var anchors: TrustAnchors
    /// What the reader accepts of genuine evidence.
    public var acceptance: AcceptancePolicy

    public init(
        parties: Set<Digest> = [], issuerPins: Set<Digest> = [], anchors: TrustAnchors = .vendors,
        acceptance: AcceptancePolicy = .default
    ) {
        self.parties = parties
        self.issuerPins = issuerPins
        self.anchors = anchors
        self.acceptance = acceptance
    }
}

/// What a verified passport shows.
public struct PassportVerdict: Sendable {
    /// One hop and the unit that signed it.
    public struct Hop: Hashable, Sendable {
        public let kind: HopStatement.Kind
        public let role: String
        public let party: Digest
        public let at: Timestamp
        public let suite: Suite
        public let tee: TEE
        public let grade: Grade
        /// Version and sequence of the release that the unit's measurement belongs to.
        public let version: String
        public let sequence: Int64
        /// The model that produced an answer, as the unit states it.
        public let model: ModelReference?

        var json: JSON {
            var members: [String: JSON] = [
                "kind": .string(kind.rawValue), "role": .string(role), "party": .string(party.description),
                "at": .string(at.description), "suite": .string(suite.rawValue), "tee": .string(tee.rawValue),
                "grade": .string(grade.rawValue), "version": .string(version), "sequence": .integer(sequence),
            ]
            if let model { members["model"] = model.json }
            return .object(members)
        }
    }

    /// The time of the last hop: the moment as of which all of this held.
    public let validAsOf: Timestamp
    /// `simulated` as soon as one piece of evidence is.
    public let grade: Grade
    public let hops: [Hop]
    /// The parties whose policies accepted the units.
    public let policyParties: Set<Digest>
    /// Whether those parties were pinned by the reader, and not merely named by the passport.
    public let arePartiesPinned: Bool

    /// The models that the answers name.
    public var models: [ModelReference] { hops.compactMap(\.model) }

    /// Compares with the model that a result claims (AC-130).
    ///
    /// - Throws: `receipt-invalid:model` when no answer names it.
    public func require(_ model: ModelReference) throws(Refusal) {
        guard models.contains(model) else {
            throw Refusal(.receiptInvalid, part: "model", "the result claims another model than the passport names")
        }
    }

    public var json: JSON {
        [
            "grade": .string(grade.rawValue), "validAsOf": .string(validAsOf.description),
            "hops": .array(hops.map(\.json)),
            "policyParties": .array(policyParties.map(\.description).sorted().map(JSON.string)),
            "partiesPinned": .bool(arePartiesPinned),
        ]
    }
}
