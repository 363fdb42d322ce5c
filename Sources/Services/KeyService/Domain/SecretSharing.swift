import Encoding

/// Shamir's secret sharing over GF(2⁸) with the polynomial of AES: any `threshold` of the shares give the secret, fewer
/// say nothing about it (A. Shamir, How to share a secret, 1979).
enum SecretSharing {
    /// One holder's part.
    struct Share: Hashable, Sendable {
        /// From 1; the place at which the polynomials were evaluated.
        let index: UInt8
        /// As many as the secret has.
        let bytes: [UInt8]
    }

    /// - Parameters:
    ///   - count: of shares, at most 255.
    ///   - threshold: how many give the secret, from 1 to `count`.
    static func split(_ secret: [UInt8], count: Int, threshold: Int, randomness: Randomness) -> [Share] {
        precondition((1...255).contains(count) && (1...count).contains(threshold))
        // One polynomial for each byte: the byte, then random coefficients.
        let coefficients = [secret] + (1..<threshold).map { _ in randomness.bytes(secret.count) }
        return (1...UInt8(count)).map { index in
            let bytes = secret.indices.map { position in
                coefficients.reversed().reduce(0 as UInt8) { multiply($0, index) ^ $1[position] }
            }
            return Share(index: index, bytes: bytes)
        }
    }

    /// The secret of as many shares as their threshold was; of fewer, or of shares that do not belong together,
    /// something else.
    ///
    /// - Throws: `request-malformed` for shares of one index, and of different lengths.
    static func combine(_ shares: [Share]) throws(Refusal) -> [UInt8] {
        guard let length = shares.first?.bytes.count, shares.allSatisfy({ $0.bytes.count == length && $0.index > 0 }),
            Set(shares.map(\.index)).count == shares.count
        else { throw Refusal(.requestMalformed, "the shares do not belong together, or one was given twice") }
        var secret = [UInt8](repeating: 0, count: length)
        for share in shares {
            // Lagrange's basis polynomial at 0: the product of x / (x - own), where minus is plus.
            let factor = shares.reduce(1 as UInt8) { product, other in
                other.index == share.index
                    ? product : multiply(product, multiply(other.index, inverse(other.index ^ share.index)))
            }
            for position in secret.indices { secret[position] ^= multiply(share.bytes[position], factor) }
        }
        return secret
    }

    /// Takes the same time for all numbers.
    static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var (product, left) = (0 as UInt8, left)
        for bit in 0..<8 as Range<UInt8> {
            product ^= left & (0 &- (right >> bit & 1))
            left = (left << 1) ^ (0x1b & (0 &- (left >> 7)))
        }
        return product
    }

    /// The 254th power; 0 for 0.
    static func inverse(_ number: UInt8) -> UInt8 {
        var (result, power) = (1 as UInt8, number)
        for _ in 0..<7 {
            power = multiply(power, power)
            result = multiply(result, power)
        }
        return result
    }
}
