import Crypto
public import Encoding

/// A public key that messages are encapsulated to (RFC 9458 section 3.1), with exactly one KDF and AEAD.
///
/// A configuration is trusted only when it stands in the runtime data of a verified token; see `Receiver`.
///
/// - Source: formats, section 4.
public struct KeyConfiguration: Hashable, Sendable {
    /// The suite that messages to this key use.
    public let suite: Suite
    /// The KEM's serialised public key: 1,216 bytes for X-Wing, 65 (uncompressed) for P-256.
    public let publicKey: [UInt8]
    /// SHA-256 of `bytes`: what stands in `/channel/<name>` and in hop statements.
    public let name: Encoding.Digest

    /// The encoded configuration, without the length that precedes it in a list.
    public var bytes: [UInt8] { KeyConfiguration.encode(suite, publicKey) }

    init(suite: Suite, publicKey: [UInt8]) {
        self.suite = suite
        self.publicKey = publicKey
        name = Encoding.Digest(of: KeyConfiguration.encode(suite, publicKey))
    }

    /// Reads one configuration that fills `bytes`.
    ///
    /// - Throws: `suite-not-allowed` for an algorithm that Cloister does not list, `key-invalid` for a public key that
    ///   is not one, `evidence-malformed` for any other form.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        var reader = ByteReader(bytes)
        let identifier = try reader.uint8("key identifier")
        let kem = try reader.bigEndian(UInt16.self, "KEM")
        guard let suite = Suite.allCases.first(where: { $0.encapsulation.kem == kem }) else {
            throw Refusal(.suiteNotAllowed, "a key configuration names a KEM that is not listed")
        }
        let publicKey = Array(try reader.take(suite.publicKeyLength, "public key"))
        let algorithmBytes = try reader.bigEndian(UInt16.self, "length of the symmetric algorithms")
        guard algorithmBytes == 4 else {
            throw Refusal(.evidenceMalformed, "a key configuration holds one pair of KDF and AEAD")
        }
        let kdf = try reader.bigEndian(UInt16.self, "KDF")
        let aead = try reader.bigEndian(UInt16.self, "AEAD")
        try reader.finish("the key configuration")
        guard kdf == suite.encapsulation.kdf, aead == suite.encapsulation.aead else {
            throw Refusal(.suiteNotAllowed, "a key configuration names a KDF or AEAD that is not listed")
        }
        guard identifier == suite.keyIdentifier else {
            throw Refusal(.evidenceMalformed, "a key configuration has the identifier of another suite")
        }
        self.init(suite: suite, publicKey: publicKey)
        _ = try encapsulationKey()
    }

    /// Reads an `application/ohttp-keys` list to its end: at least one configuration, at most one of each suite.
    public static func parseList(_ bytes: [UInt8]) throws(Refusal) -> [KeyConfiguration] {
        var reader = ByteReader(bytes)
        var list: [KeyConfiguration] = []
        while !reader.isAtEnd {
            let length = Int(try reader.bigEndian(UInt16.self, "length of a key configuration"))
            let configuration = try KeyConfiguration(parsing: Array(try reader.take(length, "key configuration")))
            guard !list.contains(where: { $0.suite == configuration.suite }) else {
                throw Refusal(.evidenceMalformed, "two key configurations of one suite")
            }
            list.append(configuration)
        }
        guard !list.isEmpty else { throw Refusal(.evidenceMalformed, "the list of key configurations is empty") }
        return list
    }

    /// The `application/ohttp-keys` form: each configuration after its two-byte length.
    public static func encodeList(_ list: [KeyConfiguration]) -> [UInt8] {
        var bytes: [UInt8] = []
        for configuration in list {
            let encoded = configuration.bytes
            bytes.appendBigEndian(UInt16(truncatingIfNeeded: encoded.count))
            bytes.append(contentsOf: encoded)
        }
        return bytes
    }

    /// The key as HPKE takes it.
    ///
    /// - Throws: `key-invalid` for a point that is not on the curve. What only encapsulation can notice (a low-order
    ///   X25519 point, an ML-KEM key outside its modulus) is refused there, with the same code.
    func encapsulationKey() throws(Refusal) -> any EncapsulationKey {
        do {
            switch suite {
            case .xwing: return try XWingMLKEM768X25519.PublicKey(rawRepresentation: publicKey)
            case .p256: return try P256.KeyAgreement.PublicKey(x963Representation: publicKey)
            }
        } catch {
            throw Refusal(.keyInvalid, "a key configuration holds no valid public key")
        }
    }

    private static func encode(_ suite: Suite, _ publicKey: [UInt8]) -> [UInt8] {
        var bytes = [suite.keyIdentifier]
        bytes.appendBigEndian(suite.encapsulation.kem)
        bytes.append(contentsOf: publicKey)
        bytes.appendBigEndian(UInt16(4))
        bytes.appendBigEndian(suite.encapsulation.kdf)
        bytes.appendBigEndian(suite.encapsulation.aead)
        return bytes
    }
}
