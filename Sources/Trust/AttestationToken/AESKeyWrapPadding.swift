public import Crypto
import CryptoExtras
public import Encoding

/// AES key wrap with padding (RFC 5649), which key release puts key material into; `Crypto` has RFC 3394 only.
///
/// Both sides of a release use it: the key service wraps, the unit unwraps.
public enum AESKeyWrapPadding {
    /// The longest content, in bytes, that is wrapped or unwrapped: a PKCS#8 RSA-4096 key has some 2,400.
    public static let maximumBytes = 65_536

    /// The constant half of the alternative initial value (RFC 5649 section 3).
    private static let constant: [UInt8] = [0xa6, 0x59, 0x59, 0xa6]

    /// Wraps 1 to `maximumBytes` bytes under an AES key of 128, 192 or 256 bits.
    ///
    /// - Throws: `key-invalid` for an empty or overlong content, or a key of another length.
    public static func wrap(_ content: [UInt8], with key: SymmetricKey) throws(Refusal) -> [UInt8] {
        guard (1...maximumBytes).contains(content.count) else {
            throw Refusal(.keyInvalid, "key material of this length cannot be wrapped")
        }
        var initial = constant
        initial.appendBigEndian(UInt32(content.count))
        let padded = content + [UInt8](repeating: 0, count: (8 - content.count % 8) % 8)
        if padded.count == 8 { return try permute(initial + padded, with: key) }
        var blocks = padded
        var register = initial
        let count = blocks.count / 8
        for round in 0..<6 {
            for block in 0..<count {
                let range = block * 8..<block * 8 + 8
                let output = try permute(register + blocks[range], with: key)
                register = xor(output[..<8], UInt64(round * count + block + 1))
                blocks.replaceSubrange(range, with: output[8...])
            }
        }
        return register + blocks
    }

    /// - Throws: `record-authentication` when `wrapped` was not made under this key, or was changed.
    public static func unwrap(_ wrapped: [UInt8], with key: SymmetricKey) throws(Refusal) -> [UInt8] {
        guard wrapped.count >= 16, wrapped.count <= maximumBytes + 16, wrapped.count.isMultiple(of: 8) else {
            throw failed
        }
        var register: [UInt8]
        var blocks: [UInt8]
        if wrapped.count == 16 {
            let output = try inversePermute(wrapped, with: key)
            register = Array(output[..<8])
            blocks = Array(output[8...])
        } else {
            register = Array(wrapped[..<8])
            blocks = Array(wrapped[8...])
            let count = blocks.count / 8
            for round in (0..<6).reversed() {
                for block in (0..<count).reversed() {
                    let range = block * 8..<block * 8 + 8
                    let input = xor(register[...], UInt64(round * count + block + 1)) + blocks[range]
                    let output = try inversePermute(input, with: key)
                    register = Array(output[..<8])
                    blocks.replaceSubrange(range, with: output[8...])
                }
            }
        }
        // RFC 5649 section 3: the constant, then a length that leaves 0 to 7 bytes of padding, then zeros only. One
        // answer for all three, after all were looked at.
        let length = register[4...].reduce(0) { $0 << 8 | Int($1) }
        let isConstant = constantTimeEquals(register[..<4], constant)
        let isLength = length <= blocks.count && length > blocks.count - 8
        let padding = isLength ? blocks[length...] : blocks[...]
        let isPadding = padding.reduce(0) { $0 | $1 } == 0
        guard isConstant, isLength, isPadding else { throw failed }
        return Array(blocks[..<length])
    }

    private static var failed: Refusal { Refusal(.recordAuthentication, "the wrapped key does not open with this key") }

    private static func xor(_ register: ArraySlice<UInt8>, _ step: UInt64) -> [UInt8] {
        let value = register.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } ^ step
        return (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }

    private static func permute(_ block: [UInt8], with key: SymmetricKey) throws(Refusal) -> [UInt8] {
        var block = block
        do { try AES.permute(&block, key: key) } catch { throw Refusal(.keyInvalid, "not an AES key") }
        return block
    }

    private static func inversePermute(_ block: [UInt8], with key: SymmetricKey) throws(Refusal) -> [UInt8] {
        var block = block
        do { try AES.inversePermute(&block, key: key) } catch { throw Refusal(.keyInvalid, "not an AES key") }
        return block
    }
}
