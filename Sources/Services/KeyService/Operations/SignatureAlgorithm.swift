import Crypto
import Encoding

/// How a digest is signed (key API reference, section 6).
enum SignatureAlgorithm: Hashable, Sendable {
    case rsa(LibCrypto.Hash, isPSS: Bool)
    /// PKCS #1 v1.5 over the bytes as they are.
    case rsaNull
    case ec(KeyType.Curve, LibCrypto.Hash)
    case hmac(LibCrypto.Hash)

    private static let names: [String: SignatureAlgorithm] = [
        "RS256": .rsa(.sha256, isPSS: false), "RS384": .rsa(.sha384, isPSS: false),
        "RS512": .rsa(.sha512, isPSS: false), "PS256": .rsa(.sha256, isPSS: true),
        "PS384": .rsa(.sha384, isPSS: true), "PS512": .rsa(.sha512, isPSS: true), "RSNULL": .rsaNull,
        "ES256": .ec(.p256, .sha256), "ES384": .ec(.p384, .sha384), "ES512": .ec(.p521, .sha512),
        "ES256K": .ec(.p256K, .sha256), "HS256": .hmac(.sha256), "HS384": .hmac(.sha384), "HS512": .hmac(.sha512),
    ]

    /// - Throws: `request-malformed` for a name that the API does not have.
    init(_ name: String) throws(Refusal) {
        guard let algorithm = SignatureAlgorithm.names[name] else {
            throw Refusal(.requestMalformed, "Property alg is not a known signature algorithm.")
        }
        self = algorithm
    }

    /// - Throws: `request-malformed` when a digest is not as long as the algorithm's hash makes it.
    fileprivate func check(_ digest: [UInt8]) throws(Refusal) {
        let isLong =
            switch self {
            case .rsa(let hash, _), .ec(_, let hash), .hmac(let hash): digest.count == hash.length
            case .rsaNull: (1...512).contains(digest.count)
            }
        guard isLong else { throw Refusal(.requestMalformed, "The digest does not have the length of alg's hash.") }
    }
}

extension KeyMaterial {
    private static let unsuitable = Refusal(.requestMalformed, "Property alg does not suit the type of the key.")

    /// - Throws: `request-malformed` when algorithm, key and digest do not belong together.
    func sign(_ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(Refusal) -> [UInt8] {
        try algorithm.check(digest)
        let signature: [UInt8]? = try bytes.withBytes { key throws(Refusal) in
            switch (algorithm, type) {
            case (.rsa(let hash, let isPSS), .rsa):
                LibCrypto.rsaSign(digest, hash: hash, isPSS: isPSS, key: key)
            case (.rsaNull, .rsa): LibCrypto.rsaSign(digest, hash: nil, isPSS: false, key: key)
            case (.ec(let curve, _), .ec(let own)) where own == curve:
                LibCrypto.ecSign(digest, coordinate: curve.length, key: key)
            case (.hmac(let hash), .oct): KeyMaterial.hmac(digest, hash, key: key)
            default: throw KeyMaterial.unsuitable
            }
        }
        guard let signature else { throw Refusal(.requestMalformed, "The digest cannot be signed with this key.") }
        return signature
    }

    /// - Throws: as `sign`; a signature that is not of this key is no error.
    func verify(
        _ signature: [UInt8], of digest: [UInt8], _ algorithm: SignatureAlgorithm
    ) throws(Refusal) -> Bool {
        try algorithm.check(digest)
        return try bytes.withBytes { key throws(Refusal) in
            switch (algorithm, type) {
            case (.rsa(let hash, let isPSS), .rsa):
                LibCrypto.rsaVerify(signature, of: digest, hash: hash, isPSS: isPSS, key: key)
            case (.rsaNull, .rsa):
                LibCrypto.rsaVerify(signature, of: digest, hash: nil, isPSS: false, key: key)
            case (.ec(let curve, _), .ec(let own)) where own == curve:
                LibCrypto.ecVerify(signature, of: digest, coordinate: curve.length, key: key)
            case (.hmac(let hash), .oct): constantTimeEquals(signature, KeyMaterial.hmac(digest, hash, key: key))
            default: throw KeyMaterial.unsuitable
            }
        }
    }

    private static func hmac(_ digest: [UInt8], _ hash: LibCrypto.Hash, key: [UInt8]) -> [UInt8] {
        let key = SymmetricKey(data: key)
        return switch hash {
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: digest, using: key))
        case .sha384: Array(HMAC<SHA384>.authenticationCode(for: digest, using: key))
        case .sha256, .sha1: Array(HMAC<SHA256>.authenticationCode(for: digest, using: key))
        }
    }
}
