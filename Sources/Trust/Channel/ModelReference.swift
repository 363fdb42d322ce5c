public import Encoding

/// The model that produced an answer, as the answering unit states it.
public struct ModelReference: Hashable, Sendable {
    public var name: String
    /// SHA-256 of the model's plaintext file, 32 bytes.
    public var sha256: [UInt8]
    public var version: String

    public init(name: String, sha256: [UInt8], version: String) {
        self.name = name
        self.sha256 = sha256
        self.version = version
    }

    init(json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "model", refusing: .tokenMalformed)
        name = try members.string("name")
        let hex = try members.string("sha256")
        version = try members.string("version")
        try members.finish()
        guard let sha256 = Hex.decode(hex), sha256.count == 32, Hex.encode(sha256) == hex,
            name.utf8.count <= 256, version.utf8.count <= 256
        else { throw Refusal(.tokenMalformed, "model: a member has the wrong form") }
        self.sha256 = sha256
    }

    /// The member `model` of a hop statement.
    public var json: JSON {
        ["name": .string(name), "sha256": .string(Hex.encode(sha256)), "version": .string(version)]
    }
}
