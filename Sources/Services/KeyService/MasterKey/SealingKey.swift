import Crypto
import Encoding

/// An AES-256-GCM key in this process's memory.
struct SealingKey: Sendable {
    static let length = 32
    static let nonceLength = 12

    private let key: SymmetricKey

    /// - Throws: `insecure-configuration` for any other number of bytes.
    init(bytes: [UInt8]) throws(Refusal) {
        guard bytes.count == SealingKey.length else {
            throw Refusal(.insecureConfiguration, "a sealing key is not \(SealingKey.length) bytes")
        }
        key = SymmetricKey(data: bytes)
    }

    /// A key out of a secret of any length, for one purpose (HKDF-SHA-256, RFC 5869).
    init(secret: [UInt8], purpose: String) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Array(purpose.utf8),
            outputByteCount: SealingKey.length)
    }

    /// nonce ‖ ciphertext ‖ tag.
    func seal(_ content: [UInt8], nonce: [UInt8], context: [UInt8]) throws(Refusal) -> [UInt8] {
        guard let number = try? AES.GCM.Nonce(data: nonce),
            let box = try? AES.GCM.seal(content, using: key, nonce: number, authenticating: context),
            let bytes = box.combined
        else { throw Refusal(.notReady, "the key cannot seal") }
        return Array(bytes)
    }

    /// - Throws: `block-authentication` when the value was changed, moved, or sealed under another key.
    func open(_ sealed: [UInt8], context: [UInt8]) throws(Refusal) -> [UInt8] {
        guard let box = try? AES.GCM.SealedBox(combined: sealed),
            let content = try? AES.GCM.open(box, using: key, authenticating: context)
        else { throw Refusal(.blockAuthentication, "a sealed value does not open at its place") }
        return Array(content)
    }
}
