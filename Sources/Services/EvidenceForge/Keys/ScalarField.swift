import Encoding

/// Arithmetic modulo a prime, in Montgomery form inside: what deterministic ECDSA needs beside the crypto library.
///
/// Its time depends on its operands: only for keys that protect nothing.
///
/// - Source: Handbook of Applied Cryptography, algorithm 14.36.
struct ScalarField: Sendable {
    /// A value below the modulus, least significant limb first.
    typealias Value = [UInt64]

    let modulus: Value
    /// −modulus⁻¹ modulo 2⁶⁴.
    private let negatedInverse: UInt64
    /// R² modulo the modulus, where R is 2 to the length of the modulus.
    private let square: Value

    /// - Parameter modulus: an odd prime with its highest bit set, big-endian, in whole limbs.
    init(modulus bytes: [UInt8]) {
        let modulus = ScalarField.limbs(bytes)
        self.modulus = modulus
        // Newton's iteration doubles the number of right bits; an odd number is its own inverse modulo 8.
        var inverse = modulus[0]
        for _ in 0..<5 { inverse = inverse &* (2 &- modulus[0] &* inverse) }
        negatedInverse = 0 &- inverse
        var square = Value(repeating: 0, count: modulus.count)
        square[0] = 1
        for _ in 0..<2 * 64 * modulus.count { square = ScalarField.sum(square, square, modulus) }
        self.square = square
    }

    /// A value from big-endian bytes of the modulus's length, reduced.
    func value(_ bytes: [UInt8]) -> Value {
        let value = ScalarField.limbs(bytes)
        return ScalarField.isBelow(value, modulus) ? value : ScalarField.difference(value, modulus)
    }

    func bytes(_ value: Value) -> [UInt8] {
        var bytes: [UInt8] = []
        for limb in value.reversed() { bytes.appendBigEndian(limb) }
        return bytes
    }

    func isZero(_ value: Value) -> Bool { value.allSatisfy { $0 == 0 } }
    /// Whether big-endian bytes are a value that is neither zero nor the modulus or above.
    func isProper(_ bytes: [UInt8]) -> Bool {
        let value = ScalarField.limbs(bytes)
        return !isZero(value) && ScalarField.isBelow(value, modulus)
    }

    func sum(_ left: Value, _ right: Value) -> Value { ScalarField.sum(left, right, modulus) }
    func product(_ left: Value, _ right: Value) -> Value { montgomery(montgomery(left, right), square) }

    /// By Fermat: the power to modulus − 2.
    func inverse(_ value: Value) -> Value {
        var two = Value(repeating: 0, count: modulus.count)
        two[0] = 2
        let exponent = ScalarField.difference(modulus, two)
        let base = montgomery(value, square)
        var result = base
        // The highest bit of the exponent is the one that `result` begins with.
        for bit in (0..<64 * modulus.count - 1).reversed() {
            result = montgomery(result, result)
            if exponent[bit / 64] >> UInt64(bit % 64) & 1 == 1 { result = montgomery(result, base) }
        }
        var one = Value(repeating: 0, count: modulus.count)
        one[0] = 1
        return montgomery(result, one)
    }

    /// left · right · R⁻¹.
    private func montgomery(_ left: Value, _ right: Value) -> Value {
        let count = modulus.count
        var sum = Value(repeating: 0, count: count + 2)
        for factor in right {
            ScalarField.accumulate(left, times: factor, into: &sum)
            // Makes the lowest limb zero, which then falls away.
            ScalarField.accumulate(modulus, times: sum[0] &* negatedInverse, into: &sum)
            sum.removeFirst()
            sum.append(0)
        }
        let result = Value(sum.prefix(count))
        return sum[count] == 0 && ScalarField.isBelow(result, modulus)
            ? result : ScalarField.difference(result, modulus)
    }

    private static func accumulate(_ value: Value, times factor: UInt64, into sum: inout Value) {
        var carry: UInt64 = 0
        for (index, limb) in value.enumerated() {
            let product = limb.multipliedFullWidth(by: factor)
            let (first, firstCarry) = sum[index].addingReportingOverflow(product.low)
            let (second, secondCarry) = first.addingReportingOverflow(carry)
            sum[index] = second
            // The high half is at most 2⁶⁴ − 2, and both carries come only when it is less.
            carry = product.high &+ (firstCarry ? 1 : 0) &+ (secondCarry ? 1 : 0)
        }
        let (limb, overflow) = sum[value.count].addingReportingOverflow(carry)
        sum[value.count] = limb
        if overflow { sum[value.count + 1] &+= 1 }
    }

    private static func limbs(_ bytes: [UInt8]) -> Value {
        stride(from: bytes.count, to: 0, by: -8).map { end in
            bytes[max(0, end - 8)..<end].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private static func isBelow(_ left: Value, _ right: Value) -> Bool {
        for (left, right) in zip(left.reversed(), right.reversed()) where left != right { return left < right }
        return false
    }

    private static func difference(_ left: Value, _ right: Value) -> Value {
        var result = left
        var borrow: UInt64 = 0
        for index in result.indices {
            let (first, firstBorrow) = result[index].subtractingReportingOverflow(right[index])
            let (second, secondBorrow) = first.subtractingReportingOverflow(borrow)
            result[index] = second
            borrow = firstBorrow || secondBorrow ? 1 : 0
        }
        return result
    }

    private static func sum(_ left: Value, _ right: Value, _ modulus: Value) -> Value {
        var result = left
        var carry: UInt64 = 0
        for index in result.indices {
            let (first, firstCarry) = result[index].addingReportingOverflow(right[index])
            let (second, secondCarry) = first.addingReportingOverflow(carry)
            result[index] = second
            carry = firstCarry || secondCarry ? 1 : 0
        }
        return carry == 0 && isBelow(result, modulus) ? result : difference(result, modulus)
    }
}
