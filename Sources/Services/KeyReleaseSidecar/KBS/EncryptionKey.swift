import AttestationToken
import Crypto
import CryptoExtras
import Encoding

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A client's public key, and how an answer is encrypted for it: JWE in the flattened form (RFC 7516 section 7.2.2).
struct EncryptionKey: Sendable {
    private enum Kind: Sendable {
        case rsa(JWK)
        /// Key agreement on P-256.
        case agreement(P256.KeyAgreement.PublicKey)
    }

    /// The JWK as it came, for the runtime data and the token.
    let json: JSON
    private let kind: Kind

    /// - Throws: `key-invalid` for anything but RSA of 2,048 to 4,096 bits and P-256 (AC-045), and for RSA with the
    ///   padding of PKCS#1 version 1.5.
    init(_ json: JSON) throws(Refusal) {
        self.json = json
        let jwk = try JWK(json: json, .lenient, refusing: .keyInvalid)
        switch (jwk.key, json["alg"]?.string) {
        case (.rsa, "RSA-OAEP-256"), (.rsa, nil):
            _ = try jwk.rsaEncryption()
            guard let bits = jwk.modulusBits, (2_048...4_096).contains(bits) else {
                throw Refusal(.keyInvalid, "tee-pubkey is not an RSA key of 2048 to 4096 bits")
            }
            kind = .rsa(jwk)
        case (.p256, "ECDH-ES+A256KW"), (.p256, nil):
            guard let key = try? P256.KeyAgreement.PublicKey(derRepresentation: jwk.p256().derRepresentation) else {
                throw Refusal(.keyInvalid, "tee-pubkey is no point of P-256")
            }
            kind = .agreement(key)
        default:
            throw Refusal(.keyInvalid, "tee-pubkey is of no algorithm but RSA-OAEP-256 and ECDH-ES+A256KW")
        }
    }

    /// `content` for the holder of the key alone: a fresh AES-256-GCM key, wrapped.
    func encrypt(_ content: [UInt8]) throws(Refusal) -> JSON {
        let key = SymmetricKey(size: .bits256)
        do {
            let (header, encryptedKey) = try wrap(key)
            let protected = Base64.encodeURL(header.canonical)
            let box = try AES.GCM.seal(content, using: key, authenticating: Array(protected.utf8))
            return [
                "protected": .string(protected), "encrypted_key": .string(Base64.encodeURL(encryptedKey)),
                "iv": .string(Base64.encodeURL(box.nonce)), "ciphertext": .string(Base64.encodeURL(box.ciphertext)),
                "tag": .string(Base64.encodeURL(box.tag)),
            ]
        } catch {
            throw Refusal(.keyInvalid, "the answer cannot be encrypted for tee-pubkey")
        }
    }

    private func wrap(_ key: SymmetricKey) throws -> (header: JSON, encryptedKey: [UInt8]) {
        switch kind {
        case .rsa(let jwk):
            let bytes = unsafe key.withUnsafeBytes { unsafe [UInt8]($0) }
            let wrapped = try jwk.rsaEncryption().encrypt(bytes, padding: .PKCS1_OAEP_SHA256)
            return (["alg": "RSA-OAEP-256", "enc": "A256GCM"], [UInt8](wrapped))
        case .agreement(let peer):
            let ephemeral = P256.KeyAgreement.PrivateKey()
            let secret = try ephemeral.sharedSecretFromKeyAgreement(with: peer)
            let algorithm = "ECDH-ES+A256KW"
            let wrapping = Self.derived(secret, algorithm: algorithm)
            let point = JWK(try P256.Signing.PublicKey(derRepresentation: ephemeral.publicKey.derRepresentation))
            return (
                ["alg": .string(algorithm), "enc": "A256GCM", "epk": point.json],
                [UInt8](try AES.KeyWrap.wrap(key, using: wrapping))
            )
        }
    }

    /// Concat KDF without party information (RFC 7518 section 4.6.2): one round of SHA-256 gives the 256 bits.
    private static func derived(_ secret: SharedSecret, algorithm: String) -> SymmetricKey {
        var input: [UInt8] = [0, 0, 0, 1]
        input += unsafe secret.withUnsafeBytes { unsafe [UInt8]($0) }
        input.appendBigEndian(UInt32(algorithm.utf8.count))
        input += algorithm.utf8
        for length in [UInt32(0), 0, 256] { input.appendBigEndian(length) }
        return SymmetricKey(data: SHA256.hash(data: input))
    }
}
