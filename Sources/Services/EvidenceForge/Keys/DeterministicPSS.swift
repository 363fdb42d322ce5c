import Crypto
import CryptoExtras
import Encoding

/// RSASSA-PSS with SHA-384 whose 48 bytes of salt come from the message instead of chance.
///
/// The crypto library chooses its salts itself, but raises a number of our making to the private exponent as part of
/// blind signing (RFC 9474), so only the encoding is made here.
///
/// - Source: RFC 8017 sections 8.1.1, 9.1.1 and B.2.1.
enum DeterministicPSS {
    /// As long as the modulus, whose length is a multiple of 8 bits.
    static func signature(_ key: _RSA.Signing.PrivateKey, over content: [UInt8]) throws -> [UInt8] {
        let raw = try _RSA.BlindSigning.PrivateKey<SHA384>(
            derRepresentation: key.derRepresentation, parameters: .RSABSSA_SHA384_PSS_Deterministic)
        let encoded = encode(content, byteCount: key.keySizeInBits / 8)
        return Array(try raw.blindSignature(for: encoded).rawRepresentation)
    }

    private static func encode(_ content: [UInt8], byteCount: Int) -> [UInt8] {
        let digest = Array(SHA384.hash(data: content))
        let salt = Array(SHA384.hash(data: Array("cloister forge salt".utf8) + digest))
        let hash = Array(SHA384.hash(data: [UInt8](repeating: 0, count: 8) + digest + salt))
        let block = [UInt8](repeating: 0, count: byteCount - salt.count - hash.count - 2) + [1] + salt
        var encoded = zip(block, mask(hash, byteCount: block.count)).map { $0 ^ $1 }
        // One bit less than the modulus has.
        encoded[0] &= 0x7f
        return encoded + hash + [0xbc]
    }

    /// MGF1.
    private static func mask(_ seed: [UInt8], byteCount: Int) -> [UInt8] {
        var mask: [UInt8] = []
        var counter: UInt32 = 0
        while mask.count < byteCount {
            var input = seed
            input.appendBigEndian(counter)
            mask += Array(SHA384.hash(data: input))
            counter += 1
        }
        return Array(mask.prefix(byteCount))
    }
}
