public import Crypto
public import CryptoExtras
public import Encoding
public import Evidence

/// A public key that verifies compact JWS with the one algorithm that its type fixes.
///
/// The algorithm of a header only ever has to agree with the key; it never chooses how the key is used.
public enum VerificationKey: Sendable {
    case rs256(_RSA.Signing.PublicKey)
    case es256(P256.Signing.PublicKey)
    case es384(P384.Signing.PublicKey)

    public init(_ key: PublicKey) {
        self =
            switch key {
            case .p256(let key): .es256(key)
            case .p384(let key): .es384(key)
            case .rsa(let key): .rs256(key)
            }
    }

    /// - Throws: `key-invalid` when the JWK is no point of its curve or no usable RSA key.
    public init(_ jwk: JWK) throws(Refusal) {
        self.init(try jwk.publicKey())
    }

    /// The algorithms that a relying party accepts at all (`formats.md` section 3).
    public static let algorithms: Set<String> = ["RS256", "ES256", "ES384"]

    /// The only `alg` that this key verifies.
    public var algorithm: String {
        switch self {
        case .rs256: "RS256"
        case .es256: "ES256"
        case .es384: "ES384"
        }
    }

    /// SHA-256 of the key's SPKI.
    var pin: Encoding.Digest {
        switch self {
        case .rs256(let key): Digest(of: key.derRepresentation)
        case .es256(let key): Digest(of: key.derRepresentation)
        case .es384(let key): Digest(of: key.derRepresentation)
        }
    }

    /// - Throws: `token-algorithm` when `alg` is not this key's, `token-signature` when the signature is not its.
    public func verify(_ jws: JWS) throws(Refusal) {
        guard jws.algorithm == algorithm else {
            throw Refusal(.tokenAlgorithm, "alg \(jws.algorithm.excerpt(20)) does not suit a key for \(algorithm)")
        }
        let valid =
            switch self {
            case .rs256(let key):
                key.isValidSignature(
                    _RSA.Signing.RSASignature(rawRepresentation: jws.signature),
                    for: SHA256.hash(data: jws.signingInput), padding: .insecurePKCS1v1_5)
            case .es256(let key):
                (try? P256.Signing.ECDSASignature(rawRepresentation: jws.signature)).map {
                    key.isValidSignature($0, for: jws.signingInput)
                } ?? false
            case .es384(let key):
                (try? P384.Signing.ECDSASignature(rawRepresentation: jws.signature)).map {
                    key.isValidSignature($0, for: jws.signingInput)
                } ?? false
            }
        guard valid else { throw Refusal(.tokenSignature, "the signature is not of this key") }
    }
}
