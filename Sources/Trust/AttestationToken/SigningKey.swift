public import Crypto
public import CryptoExtras
public import Encoding
public import Evidence

/// A private key that signs compact JWS with the one algorithm that its type fixes.
public enum SigningKey: Sendable {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256(_RSA.Signing.PrivateKey)
    /// ECDSA P-256 with SHA-256.
    case es256(P256.Signing.PrivateKey)
    /// ECDSA P-384 with SHA-384.
    case es384(P384.Signing.PrivateKey)

    /// The `alg` of what this key signs.
    public var algorithm: String {
        switch self {
        case .rs256: "RS256"
        case .es256: "ES256"
        case .es384: "ES384"
        }
    }

    public var publicKey: PublicKey {
        switch self {
        case .rs256(let key): .rsa(key.publicKey)
        case .es256(let key): .p256(key.publicKey)
        case .es384(let key): .p384(key.publicKey)
        }
    }

    /// Signs `payload` and returns the compact form; the header is written as JCS, with `alg` set by the key.
    ///
    /// - Parameter header: every member but `alg`.
    /// - Throws: `not-ready` when the library cannot sign.
    public func sign(header: [String: JSON], payload: [UInt8]) throws(Refusal) -> String {
        try sign(encodedHeader: encode(header), payload: payload)
    }

    /// The first part of the compact form, for a key that signs much under the same header.
    ///
    /// - Parameter header: every member but `alg`.
    public func encode(_ header: [String: JSON]) -> String {
        Base64.encodeURL(JSON.object(header.merging(["alg": .string(algorithm)]) { $1 }).canonical)
    }

    /// - Parameter encodedHeader: made by `encode`.
    /// - Throws: `not-ready` when the library cannot sign.
    public func sign(encodedHeader: String, payload: [UInt8]) throws(Refusal) -> String {
        let signingInput = encodedHeader + "." + Base64.encodeURL(payload)
        let signature = try signature(over: Array(signingInput.utf8))
        return signingInput + "." + Base64.encodeURL(signature)
    }

    /// The signature as JWS carries it: RSA as is, ECDSA as r ‖ s (RFC 7518 section 3.4).
    func signature(over input: [UInt8]) throws(Refusal) -> [UInt8] {
        do {
            return switch self {
            case .rs256(let key):
                Array(try key.signature(for: SHA256.hash(data: input), padding: .insecurePKCS1v1_5).rawRepresentation)
            case .es256(let key): Array(try key.signature(for: input).rawRepresentation)
            case .es384(let key): Array(try key.signature(for: input).rawRepresentation)
            }
        } catch {
            throw Refusal(.notReady, "the signing key cannot sign")
        }
    }
}
