import Crypto
import CryptoExtras
import Encoding
import Evidence

/// A token that only the machine with one TPM key can read: what AzureGuest answers.
///
/// - Source: attestation API reference, section 7.6.
enum SealedToken {
    private static let additionalData = Array("Transport Key".utf8)

    /// Base64url of the JSON that guest libraries read.
    ///
    /// RSAES-PKCS1-v1_5, because that is what the libraries ask their TPM to decrypt with. Nobody answers to ciphertexts
    /// here, so there is no oracle.
    ///
    /// - Throws: `not-ready` when the library cannot encrypt.
    static func seal(
        _ token: String, for recipient: TPMEncryptionKey, randomness: Randomness
    ) throws(Refusal) -> String {
        let secret = randomness.bytes(32)
        let nonce = randomness.bytes(12)
        do {
            let sealed = try AES.GCM.seal(
                Array(token.utf8), using: SymmetricKey(data: secret), nonce: AES.GCM.Nonce(data: nonce),
                authenticating: additionalData)
            let key = try _RSA.Encryption.PublicKey(n: recipient.modulus, e: recipient.exponent)
            let wrapped = try key.encrypt(secret, padding: ._WEAK_AND_INSECURE_PKCS_V1_5)
            func text(_ bytes: some Sequence<UInt8>) -> JSON { .string(Base64.encodeStandard(bytes)) }
            let answer: JSON = [
                "AuthenticationData": text(sealed.tag), "EncryptedInnerKey": text(wrapped),
                "EncryptionParams": [
                    "BlockMode": "ChainingModeGCM", "Cipher": "AES", "Iv": text(nonce), "KeySizeInBits": 256,
                ],
                "Jwt": text(sealed.ciphertext),
            ]
            return Base64.encodeURL(answer.canonical)
        } catch {
            throw Refusal(.notReady, "the token cannot be sealed")
        }
    }
}
