public import Encoding

/// Evidence with all that is needed to judge it, as `GET /evidence` answers it and passports embed it.
///
/// - Source: formats section 8, "Evidence document".
public struct EvidenceDocument: Hashable, Sendable {
    /// Largest document that is read (formats section 1).
    public static let maximumBytes = 1 << 20

    public var tee: TEE
    public var evidence: [UInt8]
    /// The bytes whose digest is the report data.
    public var runtimeData: [UInt8]?
    public var collateral: EvidenceCollateral?
    /// Compact attestation tokens over this evidence.
    public var tokens: [String]
    /// Compact JWS of the release manifest.
    public var manifest: String?

    public init(
        tee: TEE, evidence: [UInt8], runtimeData: [UInt8]? = nil, collateral: EvidenceCollateral? = nil,
        tokens: [String] = [], manifest: String? = nil
    ) {
        self.tee = tee
        self.evidence = evidence
        self.runtimeData = runtimeData
        self.collateral = collateral
        self.tokens = tokens
        self.manifest = manifest
    }

    /// - Throws: `too-large` above `maximumBytes`; `evidence-malformed` for anything that the format does not say.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= EvidenceDocument.maximumBytes else {
            throw Refusal(.tooLarge, "an evidence document has at most \(EvidenceDocument.maximumBytes) bytes")
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.evidenceMalformed, "evidence document: \(error)")
        }
        try self.init(json: json)
    }

    /// Reads a document that is part of a larger one.
    public init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "evidence document", refusing: .evidenceMalformed)
        try reader.format("cloister-evidence/1")
        let name = try reader.string("tee")
        guard let tee = TEE(rawValue: name) else {
            throw Refusal(.evidenceMalformed, "evidence document: unknown tee \(name.excerpt(20))")
        }
        self.tee = tee
        evidence = try reader.bytes("evidence")
        runtimeData = reader.has("runtimeData") ? try reader.bytes("runtimeData") : nil
        if let member = reader.optional("collateral") {
            collateral = try EvidenceCollateral(json: member, tee: tee)
        } else {
            collateral = nil
        }
        tokens = reader.has("tokens") ? try reader.strings("tokens") : []
        manifest = reader.has("manifest") ? try reader.string("manifest") : nil
        try reader.finish()
    }

    public var json: JSON {
        var members: [String: JSON] = [
            "format": "cloister-evidence/1", "tee": .string(tee.rawValue),
            "evidence": .string(Base64.encodeURL(evidence)),
        ]
        if let runtimeData { members["runtimeData"] = .string(Base64.encodeURL(runtimeData)) }
        if let collateral { members["collateral"] = collateral.json }
        if !tokens.isEmpty { members["tokens"] = .array(tokens.map(JSON.string)) }
        if let manifest { members["manifest"] = .string(manifest) }
        return .object(members)
    }
}
