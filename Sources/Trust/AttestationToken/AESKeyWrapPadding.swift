public import Crypto
import CryptoExtras
public import Encoding

/// Takes AES key wrap with padding (RFC 5649) apart, into which key release puts key material; `Crypto` has RFC 3394
/// only. The key service wraps with OpenSSL, which no unit needs to have.
public enum AESKeyWrapPadding {
    /// The longest content, in bytes, that is unwrapped: a PKCS#8 RSA-4096 key has some 2,400.
    public static let maximumBytes = 65_536

    /// The constant half of the alternative initial value (RFC 5649 section 3).
    private static let constant: [UInt8] = [0xa6, 0x59, 0x59, 0xa6]

    /// - Throws: `record-authentication` when `wrapped` was not made under this key, or was changed.
    public static func unwrap(_ wrapped: [UInt8], with key: SymmetricKey) throws(Refusal) -> [UInt8] {
        guard wrapped.count >= 16, wrapped.count <= maximumBytes + 16, wrapped.count.isMultiple(of: 8) else {
            throw failed
        }
        var opened = wrapped
        if opened.count == 16 {
            try inversePermute(&opened, with: key)
        } else {
            let count = opened.count / 8 - 1
            var block = Array(opened[..<16])
            for step in (0..<6 * count).reversed() {
                let start = 8 + step % count * 8
                for index in 0..<8 { block[8 + index] = opened[start + index] }
                xor(&block, UInt64(step + 1))
                try inversePermute(&block, with: key)
                for index in 0..<8 { opened[start + index] = block[8 + index] }
            }
            opened.replaceSubrange(..<8, with: block[..<8])
        }
        let blocks = opened[8...]
        // RFC 5649 section 3: the constant, then a length that leaves 0 to 7 bytes of padding, then zeros only. One
        // answer for all three, after all were looked at.
        let length = opened[4..<8].reduce(0) { $0 << 8 | Int($1) }
        let isConstant = constantTimeEquals(opened[..<4], constant)
        let isLength = length <= blocks.count && length > blocks.count - 8
        let padding = isLength ? blocks.dropFirst(length) : blocks
        let isPadding = padding.reduce(0) { $0 | $1 } == 0
        guard isConstant, isLength, isPadding else { throw failed }
        return Array(blocks.prefix(length))
    }

    private static var failed: Refusal { Refusal(.recordAuthentication, "the wrapped key does not open with this key") }

    /// Into the first half of the block.
    private static func xor(_ block: inout [UInt8], _ step: UInt64) {
        for index in 0..<8 { block[index] ^= UInt8(truncatingIfNeeded: step >> (56 - 8 * UInt64(index))) }
    }

    private static func inversePermute(_ block: inout [UInt8], with key: SymmetricKey) throws(Refusal) {
        do { try AES.inversePermute(&block, key: key) } catch { throw Refusal(.keyInvalid, "not an AES key") }
    }
}
