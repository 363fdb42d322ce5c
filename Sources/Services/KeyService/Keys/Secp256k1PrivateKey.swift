import Encoding

/// A private key of secp256k1, the API's P-256K, as PKCS#8 of the one shape that is written here (RFC 5208, RFC 5915).
struct Secp256k1PrivateKey: Sendable {
    let pkcs8: [UInt8]
    /// x ‖ y of the public key.
    let point: [UInt8]

    /// Up to the private number: version, id-ecPublicKey with secp256k1, ECPrivateKey version 1.
    private static let head: [UInt8] = [
        0x30, 0x81, 0x84, 0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
        0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
    ]
    /// Between private number and public point: context tag 1, BIT STRING, uncompressed.
    private static let middle: [UInt8] = [0xa1, 0x44, 0x03, 0x42, 0x00, 0x04]

    /// - Throws: `key-invalid` unless the 32 bytes are a number from 1 to the order of the curve.
    init(number: [UInt8]) throws(Refusal) {
        guard let point = LibCrypto.secp256k1Point(number) else {
            throw Refusal(.keyInvalid, "the number is no private key of P-256K")
        }
        self.point = point
        pkcs8 = Secp256k1PrivateKey.head + number + Secp256k1PrivateKey.middle + point
    }

    /// A fresh key. Of random numbers one in 2^128 is out of range; more than two such are no randomness.
    init(randomness: Randomness) throws(Refusal) {
        for _ in 0..<2 {
            if let key = try? Secp256k1PrivateKey(number: randomness.bytes(32)) {
                self = key
                return
            }
        }
        throw Refusal(.keyInvalid, "a P-256K key cannot be made")
    }

    /// - Throws: `key-invalid` for anything but what `pkcs8` writes.
    init(pkcs8 bytes: [UInt8]) throws(Refusal) {
        let start = Secp256k1PrivateKey.head.count
        guard bytes.count > start + 32 else { throw Refusal(.keyInvalid, "not a P-256K key") }
        self = try Secp256k1PrivateKey(number: Array(bytes[start..<start + 32]))
        guard pkcs8 == bytes else { throw Refusal(.keyInvalid, "not a P-256K key") }
    }
}
