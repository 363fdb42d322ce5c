/// Type and size of a key (key API reference, section 4).
package enum KeyType: Hashable, Sendable {
    case rsa(bits: Int)
    case ec(Curve)
    /// A symmetric key.
    case oct(bits: Int)

    package enum Curve: String, Sendable {
        case p256 = "P-256"
        case p384 = "P-384"
        case p521 = "P-521"
        case p256K = "P-256K"

        /// Bytes of a coordinate and of the private number.
        package var length: Int {
            switch self {
            case .p256, .p256K: 32
            case .p384: 48
            case .p521: 66
            }
        }
    }

    /// `kty` without `-HSM`.
    package var name: String {
        switch self {
        case .rsa: "RSA"
        case .ec: "EC"
        case .oct: "oct"
        }
    }

    package static let rsaSizes = [2_048, 3_072, 4_096]
    package static let octetSizes = 128...512

    /// Every operation that the API knows for the type; what a key may do when nothing else is asked.
    package var operations: [String] {
        switch self {
        case .rsa: ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
        case .ec: ["sign", "verify"]
        case .oct: ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
        }
    }
}
