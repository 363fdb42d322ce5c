public import Crypto
public import CryptoExtras
public import Encoding
public import Evidence

/// A public key as JSON (RFC 7517, RFC 7518 section 6): EC on P-256 or P-384, or RSA.
public struct JWK: Hashable, Sendable {
    /// The key itself, every number in its one canonical length.
    public enum Key: Hashable, Sendable {
        case p256(x: [UInt8], y: [UInt8])
        case p384(x: [UInt8], y: [UInt8])
        /// Big-endian without leading zeros.
        case rsa(modulus: [UInt8], exponent: [UInt8])
    }

    /// How much of a JWK a reader must know.
    public enum Strictness: Sendable {
        /// Our own formats: the members of the key, `kid` and `use`, and no other; numbers in canonical length.
        case exact
        /// Documents of others: further members are ignored, leading zeros are dropped, and base64 is lenient.
        case lenient
    }

    public let key: Key
    public let keyID: String?
    public let use: String?

    public init(_ key: Key, keyID: String? = nil, use: String? = nil) {
        self.key = key
        self.keyID = keyID
        self.use = use
    }

    /// - Throws: `Refusal` with `code` for a missing, unknown or oddly encoded member. Whether the point is on its
    ///   curve is checked by `publicKey`.
    public init(
        json: JSON, _ strictness: Strictness = .exact, refusing code: RefusalCode = .tokenMalformed
    ) throws(Refusal) {
        var members = try ObjectReader(json, "JWK", refusing: code)
        func number(_ name: String, length: Int? = nil) throws(Refusal) -> [UInt8] {
            let text = try members.string(name)
            guard var bytes = Base64.decode(text, strictness == .exact ? .exact : .lenient) else {
                throw Refusal(code, "JWK: member \(name) is not base64url")
            }
            if strictness == .lenient, length == nil { bytes = Array(bytes.drop { $0 == 0 }) }
            guard length.map({ bytes.count == $0 }) ?? (bytes.first.map { $0 != 0 } ?? false), bytes.count <= 1_024
            else { throw Refusal(code, "JWK: member \(name) is not in its canonical length") }
            return bytes
        }
        let kind = try members.string("kty")
        switch kind {
        case "EC":
            switch try members.string("crv") {
            case "P-256": key = .p256(x: try number("x", length: 32), y: try number("y", length: 32))
            case "P-384": key = .p384(x: try number("x", length: 48), y: try number("y", length: 48))
            default: throw Refusal(code, "JWK: curve is neither P-256 nor P-384")
            }
        case "RSA": key = .rsa(modulus: try number("n"), exponent: try number("e"))
        default: throw Refusal(code, "JWK: kty is neither EC nor RSA")
        }
        keyID = members.has("kid") ? try members.string("kid") : nil
        use = members.has("use") ? try members.string("use") : nil
        if strictness == .exact { try members.finish() }
    }

    /// The members of the key, and `kid` and `use` where set.
    public var json: JSON {
        var members = required
        if let keyID { members["kid"] = .string(keyID) }
        if let use { members["use"] = .string(use) }
        return .object(members)
    }

    /// SHA-256 over the required members in their lexical order, base64url (RFC 7638).
    public var thumbprint: String { Encoding.Digest(of: JSON.object(required).canonical).description }

    private var required: [String: JSON] {
        func curve(_ name: JSON, _ x: [UInt8], _ y: [UInt8]) -> [String: JSON] {
            ["crv": name, "kty": "EC", "x": .string(Base64.encodeURL(x)), "y": .string(Base64.encodeURL(y))]
        }
        return switch key {
        case .p256(let x, let y): curve("P-256", x, y)
        case .p384(let x, let y): curve("P-384", x, y)
        case .rsa(let modulus, let exponent):
            [
                "e": .string(Base64.encodeURL(exponent)), "kty": "RSA", "n": .string(Base64.encodeURL(modulus)),
            ]
        }
    }
}

// MARK: From and to keys

extension JWK {
    /// - Parameter use: `sig`, `enc`, or nil; with a use, `kid` is the thumbprint.
    public init(_ key: P256.Signing.PublicKey, use: String? = nil) {
        let raw = Array(key.rawRepresentation)
        self.init(.p256(x: Array(raw[..<32]), y: Array(raw[32...])), use: use)
    }

    /// - Parameter use: `sig`, `enc`, or nil; with a use, `kid` is the thumbprint.
    public init(_ key: P384.Signing.PublicKey, use: String? = nil) {
        let raw = Array(key.rawRepresentation)
        self.init(.p384(x: Array(raw[..<48]), y: Array(raw[48...])), use: use)
    }

    /// - Throws: `key-invalid` when the library cannot say the key's numbers.
    public init(_ key: _RSA.Signing.PublicKey, use: String? = nil) throws(Refusal) {
        guard let numbers = try? key.getKeyPrimitives() else {
            throw Refusal(.keyInvalid, "the RSA key has no readable numbers")
        }
        self.init(
            .rsa(modulus: Self.trimmed(numbers.modulus), exponent: Self.trimmed(numbers.publicExponent)), use: use)
    }

    /// - Throws: `key-invalid` when the library cannot say the key's numbers.
    public init(_ key: _RSA.Encryption.PublicKey, use: String? = "enc") throws(Refusal) {
        guard let numbers = try? key.getKeyPrimitives() else {
            throw Refusal(.keyInvalid, "the RSA key has no readable numbers")
        }
        self.init(
            .rsa(modulus: Self.trimmed(numbers.modulus), exponent: Self.trimmed(numbers.publicExponent)), use: use)
    }

    /// Any key that evidence or certificates carry.
    public init(_ key: PublicKey, use: String? = nil) throws(Refusal) {
        switch key {
        case .p256(let key): self.init(key, use: use)
        case .p384(let key): self.init(key, use: use)
        case .rsa(let key): try self.init(key, use: use)
        }
    }

    private init(_ key: Key, use: String?) {
        let bare = JWK(key, keyID: nil, use: nil)
        self.init(key, keyID: use == nil ? nil : bare.thumbprint, use: use)
    }

    private static func trimmed(_ number: some Sequence<UInt8>) -> [UInt8] { Array(number.drop { $0 == 0 }) }

    /// - Throws: `key-invalid` when the point is not on its curve, or the RSA key is under 2,048 bits or broken.
    public func publicKey() throws(Refusal) -> PublicKey {
        do {
            switch key {
            case .p256(let x, let y): return .p256(try P256.Signing.PublicKey(rawRepresentation: x + y))
            case .p384(let x, let y): return .p384(try P384.Signing.PublicKey(rawRepresentation: x + y))
            case .rsa(let modulus, let exponent):
                guard modulusBits ?? 0 >= 2_048 else { throw Refusal(.keyInvalid, "") }
                return .rsa(try _RSA.Signing.PublicKey(n: modulus, e: exponent))
            }
        } catch {
            throw Refusal(.keyInvalid, "the JWK is not a usable public key")
        }
    }

    /// - Throws: `key-invalid` for any other kind of key, and for a point that is not on the curve.
    public func p256() throws(Refusal) -> P256.Signing.PublicKey {
        guard case .p256(let key) = try publicKey() else { throw Refusal(.keyInvalid, "the JWK is not a P-256 key") }
        return key
    }

    /// The RSA key for encryption.
    ///
    /// - Throws: `key-invalid` for any other kind of key, and under 2,048 bits.
    public func rsaEncryption() throws(Refusal) -> _RSA.Encryption.PublicKey {
        guard case .rsa(let modulus, let exponent) = key, modulusBits ?? 0 >= 2_048,
            let key = try? _RSA.Encryption.PublicKey(n: modulus, e: exponent)
        else { throw Refusal(.keyInvalid, "the JWK is not a usable RSA key") }
        return key
    }

    /// Bits of the RSA modulus; nil for EC keys.
    public var modulusBits: Int? {
        guard case .rsa(let modulus, _) = key, let first = modulus.first else { return nil }
        return modulus.count * 8 - first.leadingZeroBitCount
    }

    /// SHA-256 of the SPKI DER, the form in which release keys and issuers are pinned.
    ///
    /// - Throws: `key-invalid` as `publicKey`.
    public func pin() throws(Refusal) -> Encoding.Digest {
        switch try publicKey() {
        case .p256(let key): Encoding.Digest(of: key.derRepresentation)
        case .p384(let key): Encoding.Digest(of: key.derRepresentation)
        case .rsa(let key): Encoding.Digest(of: key.derRepresentation)
        }
    }
}

/// The id of the party whose policy key this is: SHA-256 of its SPKI DER (`formats.md` section 6).
public func partyID(of key: P256.Signing.PublicKey) -> Encoding.Digest { Encoding.Digest(of: key.derRepresentation) }
