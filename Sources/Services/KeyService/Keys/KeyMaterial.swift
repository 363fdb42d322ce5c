import Crypto
import CryptoExtras
package import Encoding

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The private part of one key version, in the form in which it is stored and released: PKCS#8 DER for RSA and EC,
/// raw bytes for symmetric keys (key API reference, section 8.5).
package struct KeyMaterial: Sendable {
    package let type: KeyType
    package let bytes: Secret
    /// The public members of the JWK beside `kid`, `kty` and `key_ops`; none for symmetric keys.
    package let publicMembers: [String: JSON]

    /// Makes a fresh key. Takes seconds for the larger RSA sizes.
    package static func generate(_ type: KeyType, randomness: Randomness) throws(Refusal) -> KeyMaterial {
        switch type {
        case .rsa(let bits):
            guard let key = try? _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits)) else {
                throw Refusal(.keyInvalid, "an RSA key of \(bits) bits cannot be made")
            }
            return try KeyMaterial(key)
        case .ec(.p256): return KeyMaterial(P256.Signing.PrivateKey())
        case .ec(.p384): return KeyMaterial(P384.Signing.PrivateKey())
        case .ec(.p521): return KeyMaterial(P521.Signing.PrivateKey())
        case .ec(.p256K): return try KeyMaterial(Secp256k1PrivateKey(randomness: randomness))
        case .oct(let bits):
            return KeyMaterial(type: type, bytes: Secret(randomness.bytes(bits / 8)), publicMembers: [:])
        }
    }

    /// Takes a key back from the store.
    ///
    /// - Throws: `key-invalid` when the bytes are not a key of that type.
    package init(stored bytes: [UInt8], type: KeyType) throws(Refusal) {
        do {
            switch type {
            case .rsa: try self.init(_RSA.Signing.PrivateKey(derRepresentation: bytes))
            case .ec(.p256): try self.init(P256.Signing.PrivateKey(derRepresentation: bytes))
            case .ec(.p384): try self.init(P384.Signing.PrivateKey(derRepresentation: bytes))
            case .ec(.p521): try self.init(P521.Signing.PrivateKey(derRepresentation: bytes))
            case .ec(.p256K): try self.init(Secp256k1PrivateKey(pkcs8: bytes))
            case .oct: self.init(type: type, bytes: Secret(bytes), publicMembers: [:])
            }
        } catch {
            throw Refusal(.keyInvalid, "the stored key is not of its type")
        }
        guard self.type == type else { throw Refusal(.keyInvalid, "the stored key is not of its type") }
    }

    private init(type: KeyType, bytes: Secret, publicMembers: [String: JSON]) {
        self.type = type
        self.bytes = bytes
        self.publicMembers = publicMembers
    }

    private init(_ key: _RSA.Signing.PrivateKey) throws(Refusal) {
        guard let numbers = try? key.publicKey.getKeyPrimitives() else {
            throw Refusal(.keyInvalid, "the RSA key has no readable numbers")
        }
        func number(_ bytes: some Sequence<UInt8>) -> JSON { .string(Base64.encodeURL(Array(bytes.drop { $0 == 0 }))) }
        self.init(
            type: .rsa(bits: key.keySizeInBits), bytes: Secret(key.pkcs8DERRepresentation),
            publicMembers: ["n": number(numbers.modulus), "e": number(numbers.publicExponent)])
    }

    private init(_ key: P256.Signing.PrivateKey) {
        self.init(.p256, pkcs8: Array(key.derRepresentation), point: Array(key.publicKey.rawRepresentation))
    }

    private init(_ key: P384.Signing.PrivateKey) {
        self.init(.p384, pkcs8: Array(key.derRepresentation), point: Array(key.publicKey.rawRepresentation))
    }

    private init(_ key: P521.Signing.PrivateKey) {
        self.init(.p521, pkcs8: Array(key.derRepresentation), point: Array(key.publicKey.rawRepresentation))
    }

    private init(_ key: Secp256k1PrivateKey) { self.init(.p256K, pkcs8: key.pkcs8, point: key.point) }

    private init(_ curve: KeyType.Curve, pkcs8: [UInt8], point: [UInt8]) {
        let (x, y) = (point.prefix(curve.length), point.dropFirst(curve.length))
        self.init(
            type: .ec(curve), bytes: Secret(pkcs8),
            publicMembers: [
                "crv": .string(curve.rawValue), "x": .string(Base64.encodeURL(x)), "y": .string(Base64.encodeURL(y)),
            ])
    }
}

// MARK: Import

extension KeyMaterial {
    /// Takes the private key of an import body, with base64 of either alphabet.
    ///
    /// - Throws: `key-invalid`, with what is wrong, for a key that is incomplete, of an unsupported kind or size, or
    ///   whose numbers do not belong together.
    package init(jwk: JSON) throws(Refusal) {
        func number(_ name: String) throws(Refusal) -> [UInt8] {
            guard let text = jwk[name]?.string, text.utf8.count <= 2_048, let bytes = Base64.decode(text, .lenient),
                !bytes.isEmpty
            else { throw Refusal(.keyInvalid, "JSON Web Key: \(name) property is missing or not base64url") }
            return bytes
        }
        switch jwk["kty"]?.string {
        case "RSA", "RSA-HSM":
            let numbers = (
                n: try number("n"), e: try number("e"), d: try number("d"), p: try number("p"), q: try number("q")
            )
            guard
                let key = try? _RSA.Signing.PrivateKey(
                    n: numbers.n, e: numbers.e, d: numbers.d, p: numbers.p, q: numbers.q)
            else { throw Refusal(.keyInvalid, "JSON Web Key: the RSA numbers are not a usable private key") }
            guard KeyType.rsaSizes.contains(key.keySizeInBits) else {
                throw Refusal(.keyInvalid, "JSON Web Key: RSA keys have 2048, 3072 or 4096 bits")
            }
            try self.init(key)
        case "EC", "EC-HSM":
            guard let curve = jwk["crv"]?.string.flatMap(KeyType.Curve.init(rawValue:)) else {
                throw Refusal(.keyInvalid, "JSON Web Key: crv is not P-256, P-384, P-521 or P-256K")
            }
            try self.init(
                curve, privateNumber: try number("d"), x: try number("x"), y: try number("y"))
        case "oct", "oct-HSM":
            let bytes = try number("k")
            guard bytes.count <= 64 else {
                throw Refusal(
                    .keyInvalid, "JSON Web Key: k property of oct key is too large, maximum size is 64")
            }
            guard bytes.count >= 16 else {
                throw Refusal(
                    .keyInvalid, "JSON Web Key: k property of oct key is too small, minimum size is 16")
            }
            self.init(type: .oct(bits: bytes.count * 8), bytes: Secret(bytes), publicMembers: [:])
        case nil: throw Refusal(.keyInvalid, "JSON Web Key: kty property is missing")
        case .some: throw Refusal(.keyInvalid, "JSON Web Key: kty is not RSA, EC or oct")
        }
    }

    private init(
        _ curve: KeyType.Curve, privateNumber: [UInt8], x: [UInt8], y: [UInt8]
    ) throws(Refusal) {
        let unusable = Refusal(.keyInvalid, "JSON Web Key: the EC numbers are not a usable private key")
        /// Leading zeros are often dropped.
        func padded(_ number: [UInt8]) throws(Refusal) -> [UInt8] {
            let trimmed = Array(number.drop { $0 == 0 })
            guard trimmed.count <= curve.length else { throw unusable }
            return [UInt8](repeating: 0, count: curve.length - trimmed.count) + trimmed
        }
        let raw = try padded(privateNumber)
        do {
            switch curve {
            case .p256: try self.init(P256.Signing.PrivateKey(rawRepresentation: raw))
            case .p384: try self.init(P384.Signing.PrivateKey(rawRepresentation: raw))
            case .p521: try self.init(P521.Signing.PrivateKey(rawRepresentation: raw))
            case .p256K: try self.init(Secp256k1PrivateKey(number: raw))
            }
        } catch {
            throw unusable
        }
        let (givenX, givenY) = (Base64.encodeURL(try padded(x)), Base64.encodeURL(try padded(y)))
        guard publicMembers["x"]?.string == givenX, publicMembers["y"]?.string == givenY else {
            throw Refusal(.keyInvalid, "JSON Web Key: x and y are not the public key of d")
        }
    }
}
