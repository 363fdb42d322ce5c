import Crypto
import CryptoExtras
import Encoding

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a released key is wrapped for its receiver: RSA-OAEP of an AES key, then AES key wrap with padding under it.
///
/// - Source: key API reference section 8.5, sidecars page section 6 step 6.
enum KeyWrapAlgorithm: String {
    /// OAEP with SHA-1, for label and mask.
    case sha1 = "CKM_RSA_AES_KEY_WRAP"
    case sha256 = "RSA_AES_KEY_WRAP_256"
    case sha384 = "RSA_AES_KEY_WRAP_384"

    /// The AES key; nil when it does not open, without a hint at why.
    func decrypt(_ ciphertext: [UInt8], with key: _RSA.Encryption.PrivateKey) -> Secret? {
        switch self {
        case .sha1: (try? key.decrypt(ciphertext, padding: .PKCS1_OAEP)).map { Secret($0) }
        case .sha256: (try? key.decrypt(ciphertext, padding: .PKCS1_OAEP_SHA256)).map { Secret($0) }
        case .sha384: OAEPSHA384.decrypt(ciphertext, with: key)
        }
    }
}

/// RSA-OAEP with SHA-384 for label and mask (RFC 8017 section 7.1.2), which the crypto library does not have.
private enum OAEPSHA384 {
    private static let hashBytes = SHA384.byteCount

    static func decrypt(_ ciphertext: [UInt8], with key: _RSA.Encryption.PrivateKey) -> Secret? {
        guard let encoded = power(ciphertext, key), encoded.count > 2 * hashBytes + 1 else { return nil }
        let seed = xor(encoded[1...hashBytes], mask(encoded[(hashBytes + 1)...], count: hashBytes))
        let block = xor(encoded[(hashBytes + 1)...], mask(seed[...], count: encoded.count - hashBytes - 1))
        // All that must hold is looked at before anything is said, so that time does not tell what failed.
        let label = Array(SHA384.hash(data: [UInt8]()))
        var difference = encoded[0]
        for (left, right) in zip(block, label) { difference |= left ^ right }
        var isInPadding: UInt8 = 0xff
        var start = 0
        for (index, byte) in block.enumerated().dropFirst(hashBytes) {
            let isOne = UInt8(byte == 1 ? 0xff : 0)
            let isZero = UInt8(byte == 0 ? 0xff : 0)
            start |= Int(isInPadding & isOne) / 0xff * (index + 1)
            difference |= isInPadding & ~isOne & ~isZero
            isInPadding &= ~isOne
        }
        difference |= isInPadding
        return difference == 0 ? Secret(block[start...]) : nil
    }

    /// RSADP: signing a blinded message is the bare private operation (RFC 9474 section 4.3), the only door to it.
    private static func power(_ number: [UInt8], _ key: _RSA.Encryption.PrivateKey) -> [UInt8]? {
        guard
            let bare = try? _RSA.BlindSigning.PrivateKey<SHA384>(
                derRepresentation: key.derRepresentation, parameters: .RSABSSA_SHA384_PSS_Deterministic),
            let result = try? bare.blindSignature(for: Data(number))
        else { return nil }
        return Array(result.rawRepresentation)
    }

    /// MGF1 (RFC 8017 appendix B.2.1).
    private static func mask(_ seed: ArraySlice<UInt8>, count: Int) -> [UInt8] {
        var mask: [UInt8] = []
        var counter: UInt32 = 0
        while mask.count < count {
            var input = Array(seed)
            input.appendBigEndian(counter)
            mask += SHA384.hash(data: input)
            counter += 1
        }
        return Array(mask.prefix(count))
    }

    private static func xor(_ left: ArraySlice<UInt8>, _ right: [UInt8]) -> [UInt8] { zip(left, right).map { $0 ^ $1 } }
}
