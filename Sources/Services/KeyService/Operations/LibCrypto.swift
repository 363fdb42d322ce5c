import COpenSSL

/// OpenSSL's libcrypto, for what the Swift library does not offer: signatures over digests that somebody else computed,
/// RSA-OAEP with SHA-384, RSAES-PKCS1-v1_5, AES key wrap with padding, and secp256k1.
///
/// Keys are DER, PKCS#8 or for public operations SubjectPublicKeyInfo. Every failure is nil or false: why an operation
/// with a private key failed is nobody's business.
enum LibCrypto {
    enum Hash: Int32, Sendable {
        case sha1 = 1
        case sha256 = 256
        case sha384 = 384
        case sha512 = 512

        /// Bytes of a digest.
        var length: Int { self == .sha1 ? 20 : Int(rawValue) / 8 }
    }

    /// Largest result of an RSA operation, in bytes.
    private static let maximumBytes = 1_024

    // MARK: RSA

    /// - Parameter hash: that made the digest; nil to sign the bytes as they are.
    static func rsaSign(_ digest: [UInt8], hash: Hash?, isPSS: Bool, key: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: maximumBytes)
        var length = output.count
        let done = unsafe cloister_rsa_sign(
            key, key.count, hash?.rawValue ?? 0, isPSS ? 1 : 0, digest, digest.count, &output, &length)
        return done == 1 ? Array(output.prefix(length)) : nil
    }

    static func rsaVerify(_ signature: [UInt8], of digest: [UInt8], hash: Hash?, isPSS: Bool, key: [UInt8]) -> Bool {
        unsafe cloister_rsa_verify(
            key, key.count, hash?.rawValue ?? 0, isPSS ? 1 : 0, digest, digest.count, signature, signature.count) == 1
    }

    /// - Parameter hash: of OAEP; nil for PKCS #1 v1.5.
    static func rsaEncrypt(_ input: [UInt8], hash: Hash?, key: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: maximumBytes)
        var length = output.count
        let done = unsafe cloister_rsa_encrypt(
            key, key.count, hash?.rawValue ?? 0, input, input.count, &output, &length)
        return done == 1 ? Array(output.prefix(length)) : nil
    }

    static func rsaDecrypt(_ input: [UInt8], hash: Hash?, key: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: maximumBytes)
        var length = output.count
        let done = unsafe cloister_rsa_decrypt(
            key, key.count, hash?.rawValue ?? 0, input, input.count, &output, &length)
        return done == 1 ? Array(output.prefix(length)) : nil
    }

    // MARK: Elliptic curves

    /// r ‖ s, each of `coordinate` bytes.
    static func ecSign(_ digest: [UInt8], coordinate: Int, key: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: 2 * coordinate)
        let done = unsafe cloister_ec_sign(key, key.count, coordinate, digest, digest.count, &output)
        return done == 1 ? output : nil
    }

    static func ecVerify(_ signature: [UInt8], of digest: [UInt8], coordinate: Int, key: [UInt8]) -> Bool {
        guard signature.count == 2 * coordinate else { return false }
        return unsafe cloister_ec_verify(key, key.count, coordinate, digest, digest.count, signature) == 1
    }

    /// x ‖ y of the public key; nil when the 32 bytes are no private number of secp256k1.
    static func secp256k1Point(_ number: [UInt8]) -> [UInt8]? {
        guard number.count == 32 else { return nil }
        var output = [UInt8](repeating: 0, count: 64)
        return unsafe cloister_secp256k1_point(number, &output) == 1 ? output : nil
    }

    // MARK: Key wrap

    /// AES key wrap with padding (RFC 5649).
    ///
    /// - Parameter key: 16, 24 or 32 bytes.
    static func aesWrapPadded(_ content: [UInt8], key: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: content.count + 16)
        var length = output.count
        let done = unsafe cloister_aes_wrap_padded(key, key.count, content, content.count, &output, &length)
        return done == 1 ? Array(output.prefix(length)) : nil
    }
}
