import AttestationToken
import CryptoExtras
import Encoding

/// How key material is wrapped for its receiver (key API reference, section 8.5).
enum WrappingAlgorithm: String, Sendable {
    /// RSA-OAEP with SHA-1; what clients mean that say nothing.
    case sha1 = "CKM_RSA_AES_KEY_WRAP"
    case sha256 = "RSA_AES_KEY_WRAP_256"

    case sha384 = "RSA_AES_KEY_WRAP_384"
}

/// The key inside the attested environment to which a release is wrapped: it comes from the verified token and from
/// nowhere else.
struct WrappingKey: Sendable {
    /// Name of the key, for the answer; empty when the token gives none.
    let keyID: String
    /// SubjectPublicKeyInfo.
    private let key: [UInt8]

    static let sizes = 2_048...4_096

    /// The first RSA key in `x-ms-runtime` → `keys` with `use` `enc`, or `encrypt` among its `key_ops`.
    ///
    /// - Throws: `claim-mismatch:x-ms-runtime.keys` when there is none, or that first one cannot be used.
    /// - Source: key API reference, section 8.4.
    init(claims: JSON) throws(Refusal) {
        let keys = claims["x-ms-runtime"]?["keys"]?.array ?? []
        guard let key = keys.first(where: WrappingKey.isForEncryption) else {
            throw WrappingKey.refusal("the token carries no RSA key for encryption")
        }
        guard let jwk = try? JWK(json: key, .lenient), let encryption = try? jwk.rsaEncryption(),
            let bits = jwk.modulusBits, WrappingKey.sizes.contains(bits)
        else { throw WrappingKey.refusal("the token's key for encryption is not an RSA key of 2048 to 4096 bits") }
        self.key = Array(encryption.derRepresentation)
        keyID = jwk.keyID ?? ""
    }

    private static func isForEncryption(_ key: JSON) -> Bool {
        guard key["kty"]?.string == "RSA" else { return false }
        if key["use"]?.string == "enc" { return true }
        // One JWT library writes a list of one entry as plain text.
        return key["key_ops"]?.string == "encrypt" || key["key_ops"]?.array?.contains("encrypt") == true
    }

    private static func refusal(_ detail: String) -> Refusal {
        Refusal(.claimMismatch, part: "x-ms-runtime.keys", detail)
    }

    /// RSA-OAEP of a fresh AES-256 key, followed by the material wrapped under that key.
    func wrap(
        _ material: Secret, _ algorithm: WrappingAlgorithm, randomness: Randomness
    ) throws(Refusal) -> [UInt8] {
        let fresh = Secret(randomness.bytes(32))
        return try fresh.withBytes { bytes throws(Refusal) in
            guard let encrypted = encrypt(bytes, algorithm) else {
                throw WrappingKey.refusal("the token's key for encryption cannot be used")
            }
            guard let wrapped = material.withBytes({ LibCrypto.aesWrapPadded($0, key: bytes) }) else {
                throw Refusal(.keyInvalid, "the key material cannot be wrapped")
            }
            return encrypted + wrapped
        }
    }

    private func encrypt(_ bytes: [UInt8], _ algorithm: WrappingAlgorithm) -> [UInt8]? {
        // Where the Swift library can, it does: OpenSSL takes milliseconds to read a key.
        let padding: _RSA.Encryption.Padding? =
            switch algorithm {
            case .sha1: .PKCS1_OAEP
            case .sha256: .PKCS1_OAEP_SHA256
            case .sha384: nil
            }
        guard let padding else { return LibCrypto.rsaEncrypt(bytes, hash: .sha384, key: key) }
        return (try? _RSA.Encryption.PublicKey(derRepresentation: key).encrypt(bytes, padding: padding)).map {
            Array($0)
        }
    }
}
