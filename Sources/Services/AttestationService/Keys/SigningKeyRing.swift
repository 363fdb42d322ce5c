import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence

/// The issuer key of an attestation service and the signing keys below it, with the rules of their rotation.
///
/// A value: changing it is deciding, and `SigningKeyStore` makes the decision durable.
struct SigningKeyRing: Sendable {
    /// Seconds after which an algorithm gets a new signing key.
    static let rotationInterval: Int64 = 30 * 86_400
    /// Seconds for which a retired key stays published: three times the life of a token, since clients also cache.
    static let retention: Int64 = 3 * AttestationAuthority.tokenLifetime
    /// What is offered, with the SDKs' own algorithm first.
    static let algorithms = ["RS256", "ES256", "ES384"]

    struct Entry: Sendable {
        let algorithm: String
        /// Nil once retired: then only the certificate is kept.
        var key: SigningKey?
        /// DER.
        let certificate: [UInt8]
        let createdAt: Timestamp
        var retiredAt: Timestamp?
    }

    let issuerURL: String
    let issuerKey: P256.Signing.PrivateKey
    /// DER.
    let issuerCertificate: [UInt8]
    private(set) var entries: [Entry]

    /// A new issuer with a first key for each algorithm.
    init(issuerURL: String, at time: Timestamp) throws(Refusal) {
        let key = P256.Signing.PrivateKey()
        self.issuerURL = issuerURL
        issuerKey = key
        issuerCertificate = try IssuerCertificates(issuerURL: issuerURL, issuerKey: key).issuer(at: time)
        entries = []
        _ = try rotate(at: time)
    }

    init(
        issuerURL: String, issuerKey: P256.Signing.PrivateKey, issuerCertificate: [UInt8], entries: [Entry]
    ) {
        self.issuerURL = issuerURL
        self.issuerKey = issuerKey
        self.issuerCertificate = issuerCertificate
        self.entries = entries
    }

    /// SHA-256 of the issuer key's SPKI: what relying parties pin.
    var pin: Encoding.Digest { Encoding.Digest(of: issuerKey.publicKey.derRepresentation) }

    /// When the newest key was made; the time cannot be before.
    var newest: Timestamp { entries.map(\.createdAt).max() ?? Timestamp(seconds: 0) }

    /// The key that signs with `algorithm` now.
    func active(_ algorithm: String) -> Entry? {
        entries.first { $0.algorithm == algorithm && $0.retiredAt == nil && $0.key != nil }
    }

    /// Retires keys that are due, makes their successors, and forgets keys whose tokens have all ended.
    ///
    /// - Returns: whether anything changed.
    mutating func rotate(at time: Timestamp) throws(Refusal) -> Bool {
        var changed = false
        for index in entries.indices where entries[index].retiredAt == nil {
            guard time - entries[index].createdAt >= Self.rotationInterval || !isNamed(entries[index]) else { continue }
            entries[index].retiredAt = time
            entries[index].key = nil
            changed = true
        }
        for algorithm in Self.algorithms where active(algorithm) == nil {
            let key = try Self.generate(algorithm)
            let certificate = try IssuerCertificates(issuerURL: issuerURL, issuerKey: issuerKey)
                .leaf(for: key, at: time)
            entries.append(Entry(algorithm: algorithm, key: key, certificate: certificate, createdAt: time))
            changed = true
        }
        let count = entries.count
        entries.removeAll { $0.retiredAt.map { time - $0 > Self.retention } ?? false }
        return changed || entries.count != count
    }

    /// Whether a key's certificate carries the issuer's present URL, which the operator may have changed.
    private func isNamed(_ entry: Entry) -> Bool {
        (try? Certificate(der: entry.certificate))?.subjectCommonName == issuerURL
    }

    private static func generate(_ algorithm: String) throws(Refusal) -> SigningKey {
        switch algorithm {
        case "ES256": return .es256(P256.Signing.PrivateKey())
        case "ES384": return .es384(P384.Signing.PrivateKey())
        default:
            guard let key = try? _RSA.Signing.PrivateKey(keySize: .bits2048) else {
                throw Refusal(.notReady, "an RSA key cannot be made")
            }
            return .rs256(key)
        }
    }
}

// MARK: Publishing

extension SigningKeyRing {
    /// The reply to `GET /certs`: active keys before retired ones, RS256 first (attestation API reference,
    /// section 3.2).
    func keySet() throws(Refusal) -> JSON {
        var keys: [JSON] = []
        for entry in entries.sorted(by: Self.publishedBefore) { keys.append(try published(entry)) }
        return ["keys": .array(keys)]
    }

    private static func publishedBefore(_ left: Entry, _ right: Entry) -> Bool {
        func rank(_ entry: Entry) -> (Int, Int, Int64) {
            (
                entry.retiredAt == nil ? 0 : 1, algorithms.firstIndex(of: entry.algorithm) ?? algorithms.count,
                -entry.createdAt.seconds
            )
        }
        return rank(left) < rank(right)
    }

    private func published(_ entry: Entry) throws(Refusal) -> JSON {
        let key = try Certificate(der: entry.certificate).publicKey
        var members = try JWK(key).json.object ?? [:]
        members["alg"] = .string(entry.algorithm)
        members["use"] = "sig"
        members["kid"] = .string(key.attestationKeyID)
        members["x5c"] = .array([entry.certificate, issuerCertificate].map { .string(Base64.encodeStandard($0)) })
        return .object(members)
    }
}
