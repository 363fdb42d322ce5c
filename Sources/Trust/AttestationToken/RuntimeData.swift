public import Crypto
public import Encoding
import Evidence

/// The JSON whose SHA-256 is the first half of a unit's report data: its public keys, its role and its party
/// (`formats.md` section 2).
public struct RuntimeData: Sendable {
    /// Longest form that is parsed, in bytes.
    public static let maximumBytes = 16 * 1_024
    /// Least size of the wrapping key's modulus.
    public static let minimumWrappingKeyBits = 3_072
    private static let format = "cloister-runtime-data/1"

    /// RSA, `use` `enc`: released keys are wrapped to it.
    public let wrappingKey: JWK
    /// P-256, `use` `sig`: signs hop statements and nothing else.
    public let hopKey: P256.Signing.PublicKey
    /// The `application/ohttp-keys` list; module Channel reads what is in it.
    public let ohttp: [UInt8]
    /// The unit's name.
    public let role: String
    /// Who runs the unit; equal to the evidence's host data.
    public let party: Encoding.Digest
    /// The challenger's 32 bytes.
    public let nonce: [UInt8]?
    /// The JCS form, exactly what is hashed.
    public let bytes: [UInt8]

    /// Builds the runtime data of one identity epoch or challenge.
    ///
    /// - Parameter wrappingKey: RSA of at least 3,072 bits; its `kid` and `use` are set here.
    /// - Throws: `evidence-malformed` when a part is not of this format.
    public init(
        wrappingKey: JWK, hopKey: P256.Signing.PublicKey, ohttp: [UInt8], role: String, party: Encoding.Digest,
        nonce: [UInt8]? = nil
    ) throws(Refusal) {
        let wrapping = JWK(wrappingKey.key, keyID: wrappingKey.thumbprint, use: "enc")
        var members: [String: JSON] = [
            "format": .string(Self.format), "keys": [wrapping.json, JWK(hopKey, use: "sig").json],
            "ohttp": .string(Base64.encodeURL(ohttp)), "party": .string(party.description), "role": .string(role),
        ]
        if let nonce { members["nonce"] = .string(Base64.encodeURL(nonce)) }
        try self.init(parsing: JSON.object(members).canonical)
    }

    /// - Throws: `evidence-malformed` for anything but the exact format in JCS form.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        let code = RefusalCode.evidenceMalformed
        guard bytes.count <= Self.maximumBytes else {
            throw Refusal(code, "runtime data is longer than \(Self.maximumBytes) bytes")
        }
        let json = try JSON.parseCanonical(bytes, "runtime data", refusing: code)
        var members = try ObjectReader(json, "runtime data", refusing: code)
        try members.format(Self.format)
        let keys = try members.array("keys")
        ohttp = try members.bytes("ohttp")
        role = try members.string("role")
        party = try members.digest("party")
        nonce = members.has("nonce") ? try members.bytes("nonce") : nil
        try members.finish()
        guard nonce.map({ $0.count == 32 }) ?? true else { throw Refusal(code, "the nonce is not 32 bytes") }
        guard isUnitName(role) else { throw Refusal(code, "the role is not a unit's name") }
        try Self.requireList(ohttp)
        (wrappingKey, hopKey) = try Self.keys(keys)
        self.bytes = bytes
    }

    /// The same keys answering a challenge.
    public func answering(nonce: [UInt8]) throws(Refusal) -> RuntimeData {
        try RuntimeData(
            wrappingKey: wrappingKey, hopKey: hopKey, ohttp: ohttp, role: role, party: party, nonce: nonce)
    }

    /// SHA-256 of the JCS form, then 32 zero bytes: what the evidence must carry.
    public var reportData: [UInt8] { Encoding.Digest(of: bytes).bytes + [UInt8](repeating: 0, count: 32) }

    /// RFC 7638 thumbprint of the hop key, the `kid` of hop statements.
    public var hopKeyThumbprint: String { JWK(hopKey).thumbprint }

    private static func keys(_ array: [JSON]) throws(Refusal) -> (JWK, P256.Signing.PublicKey) {
        let code = RefusalCode.evidenceMalformed
        guard array.count == 2 else { throw Refusal(code, "runtime data has \(array.count) keys where two must be") }
        var wrapping: JWK?
        var hop: P256.Signing.PublicKey?
        for json in array {
            let key = try JWK(json: json, refusing: code)
            guard key.keyID == key.thumbprint else { throw Refusal(code, "a kid is not its key's thumbprint") }
            switch (key.key, key.use) {
            case (.rsa, "enc"):
                guard key.modulusBits ?? 0 >= minimumWrappingKeyBits else {
                    throw Refusal(code, "the wrapping key has fewer than \(minimumWrappingKeyBits) bits")
                }
                guard (try? key.rsaEncryption()) != nil else { throw Refusal(code, "the wrapping key is not usable") }
                wrapping = key
            case (.p256, "sig"):
                guard let point = try? key.p256() else { throw Refusal(code, "the hop key is not on its curve") }
                hop = point
            default: throw Refusal(code, "a key is neither RSA for enc nor P-256 for sig")
            }
        }
        guard let wrapping, let hop else { throw Refusal(code, "one key must be for enc and one for sig") }
        return (wrapping, hop)
    }

    /// The list is at least one configuration, each behind its 2-byte length, up to the end (RFC 9458 section 3.2).
    private static func requireList(_ bytes: [UInt8]) throws(Refusal) {
        var reader = ByteReader(bytes)
        guard !reader.isAtEnd else { throw Refusal(.evidenceMalformed, "the list of channel keys is empty") }
        while !reader.isAtEnd {
            let length = try reader.bigEndian(UInt16.self, "length of a key configuration")
            guard length > 0 else { throw Refusal(.evidenceMalformed, "a key configuration is empty") }
            _ = try reader.take(Int(length), "key configuration")
        }
    }
}

/// Whether `name` has the form of a unit's name: lower-case letters, digits and inner hyphens, at most 64.
func isUnitName(_ name: String) -> Bool {
    let characters = Array(name.utf8)
    guard (1...64).contains(characters.count), characters.first != UInt8(ascii: "-"),
        characters.last != UInt8(ascii: "-")
    else { return false }
    return characters.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || $0 == UInt8(ascii: "-")
    }
}
