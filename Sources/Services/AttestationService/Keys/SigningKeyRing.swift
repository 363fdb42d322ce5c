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
    /// Seconds for which a new key is published before it signs, so that relying parties know it from lists that they
    /// fetched before.
    static let publication: Int64 = 86_400
    /// Seconds of the longest life of any token: a day.
    static let longestToken: Int64 = 86_400
    /// Seconds for which a retired key stays published: until the last token has ended that any node signed with it, one
    /// whose clock is behind and that had not heard yet.
    static let retention = longestToken + SigningKeyStore.currency + IssuedToken.leeway
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

    /// The key that signs with `algorithm` now: the oldest that is not retired. A younger one is published only.
    func active(_ algorithm: String) -> Entry? { unretired(algorithm).first }

    private func unretired(_ algorithm: String) -> [Entry] {
        entries.filter { $0.algorithm == algorithm && $0.retiredAt == nil && $0.key != nil }
    }

    /// Makes successors of keys that are nearly due, retires keys whose successors have been published long enough, and
    /// forgets keys whose tokens have all ended.
    ///
    /// - Returns: whether anything changed.
    mutating func rotate(at time: Timestamp) throws(Refusal) -> Bool {
        var changed = false
        for index in entries.indices where entries[index].retiredAt == nil && !isUsable(entries[index], at: time) {
            retire(index, at: time)
            changed = true
        }
        for algorithm in Self.algorithms {
            let present = unretired(algorithm)
            let isNearlyDue =
                present.first.map { time - $0.createdAt >= Self.rotationInterval - Self.publication } ?? true
            if present.count < 2, isNearlyDue {
                entries.append(try entry(algorithm, at: time))
                changed = true
            } else if present.count >= 2, time - present[1].createdAt >= Self.publication {
                guard let index = entries.firstIndex(where: { $0.certificate == present[0].certificate }) else {
                    continue
                }
                retire(index, at: time)
                changed = true
            }
        }
        let count = entries.count
        entries.removeAll { $0.retiredAt.map { time - $0 > Self.retention } ?? false }
        return changed || entries.count != count
    }

    /// Whether the key's certificate has the issuer's name and still outlives a succession. A service that was down for
    /// months has nothing else, and its new key signs at once.
    private func isUsable(_ entry: Entry, at time: Timestamp) -> Bool {
        isNamed(entry) && time - entry.createdAt < IssuerCertificates.leafValidity - 2 * Self.publication
    }

    private mutating func retire(_ index: Int, at time: Timestamp) {
        entries[index].retiredAt = time
        entries[index].key = nil
    }

    private func entry(_ algorithm: String, at time: Timestamp) throws(Refusal) -> Entry {
        let key = try Self.generate(algorithm)
        let certificates = IssuerCertificates(issuerURL: issuerURL, issuerKey: issuerKey)
        return Entry(
            algorithm: algorithm, key: key, certificate: try certificates.leaf(for: key, at: time), createdAt: time)
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
    /// The reply to `GET /certs`: keys that sign, then those that will, then retired ones, RS256 first in each
    /// (attestation API reference, section 3.2).
    func keySet() throws(Refusal) -> JSON {
        var keys: [JSON] = []
        let signing = Set(Self.algorithms.compactMap { active($0)?.certificate })
        func rank(_ entry: Entry) -> (Int, Int, Int64) {
            (
                entry.retiredAt != nil ? 2 : signing.contains(entry.certificate) ? 0 : 1,
                Self.algorithms.firstIndex(of: entry.algorithm) ?? Self.algorithms.count, -entry.createdAt.seconds
            )
        }
        for entry in entries.sorted(by: { rank($0) < rank($1) }) { keys.append(try published(entry)) }
        return ["keys": .array(keys)]
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
