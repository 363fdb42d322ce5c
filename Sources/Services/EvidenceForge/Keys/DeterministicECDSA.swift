import Crypto
import Encoding

/// ECDSA whose secret number comes from key and message instead of chance: the same signature every time.
///
/// The crypto library makes randomised signatures only, so the number and the two modular steps after it are made here;
/// the point on the curve is the library's.
///
/// - Source: RFC 6979 section 3.2, where hash and order have the same length; FIPS 186-5 section 6.4.1.
enum DeterministicECDSA {
    /// r and s, 32 big-endian bytes each.
    static func signature(_ key: P256.Signing.PrivateKey, over content: [UInt8]) throws -> [UInt8] {
        try signature(scalar: Array(key.rawRepresentation), SHA256.self, over: content, order: p256) { number in
            try Array(P256.Signing.PrivateKey(rawRepresentation: number).publicKey.rawRepresentation.prefix(32))
        }
    }

    /// r and s, 48 big-endian bytes each.
    static func signature(_ key: P384.Signing.PrivateKey, over content: [UInt8]) throws -> [UInt8] {
        try signature(scalar: Array(key.rawRepresentation), SHA384.self, over: content, order: p384) { number in
            try Array(P384.Signing.PrivateKey(rawRepresentation: number).publicKey.rawRepresentation.prefix(48))
        }
    }

    // The orders of the groups (NIST SP 800-186 section 3.2.1).
    private static let p256 = ScalarField(
        modulus: Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") ?? [])
    private static let p384 = ScalarField(
        modulus: Hex.decode(
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973") ?? [])

    /// - Parameter abscissa: the x coordinate of that multiple of the base point.
    private static func signature<Hash: HashFunction>(
        scalar: [UInt8], _ hash: Hash.Type, over content: [UInt8], order: ScalarField,
        abscissa: ([UInt8]) throws -> [UInt8]
    ) throws -> [UInt8] {
        let digest = order.value(Array(Hash.hash(data: content)))
        var numbers = SecretNumbers<Hash>(scalar: scalar, digest: order.bytes(digest))
        while true {
            let number = numbers.next()
            guard order.isProper(number) else { continue }
            let r = order.value(try abscissa(number))
            let s = order.product(
                order.inverse(order.value(number)), order.sum(digest, order.product(r, order.value(scalar))))
            if !order.isZero(r), !order.isZero(s) { return order.bytes(r) + order.bytes(s) }
        }
    }

    /// The candidates for the secret number, step by step as RFC 6979 section 3.2 names its variables.
    private struct SecretNumbers<Hash: HashFunction> {
        private var k = [UInt8](repeating: 0, count: Hash.Digest.byteCount)
        private var v = [UInt8](repeating: 1, count: Hash.Digest.byteCount)

        init(scalar: [UInt8], digest: [UInt8]) {
            for step in UInt8(0)...1 { update([step] + scalar + digest) }
        }

        mutating func next() -> [UInt8] {
            v = authenticated(v)
            defer { update([0]) }
            return v
        }

        private mutating func update(_ content: [UInt8]) {
            k = authenticated(v + content)
            v = authenticated(v)
        }

        private func authenticated(_ content: [UInt8]) -> [UInt8] {
            Array(HMAC<Hash>.authenticationCode(for: content, using: SymmetricKey(data: k)))
        }
    }
}
