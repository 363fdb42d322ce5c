public import Encoding
import Evidence

/// The reply to `GET /certs` of an attestation service: keys by `kid`, each with its certificate chain.
///
/// The set itself proves nothing. A key counts only when its chain ends in an issuer key that the relying party
/// pinned, so whoever replaces the reply on the way gains nothing (AC-035).
public struct IssuerKeySet: Sendable {
    /// Longest reply that is parsed, in bytes: real sets carry evidence of some 30 kB per key.
    public static let maximumBytes = 1_024 * 1_024
    private static let maximumKeys = 64

    private struct Entry: Sendable {
        let keyID: String
        /// DER, leaf first; empty when a certificate is not base64.
        let chain: [[UInt8]]
        /// Read once: a set serves many tokens.
        let certificates: Result<IssuerChain, Refusal>
        /// Of a set that is trusted as a whole.
        var trusted: VerificationKey?

        init(keyID: String, chain: [[UInt8]]) {
            self.keyID = keyID
            self.chain = chain
            do throws(Refusal) { certificates = .success(try IssuerChain(chain)) } catch {
                certificates = .failure(error)
            }
        }
    }

    /// A signing certificate and the one that vouches for it, which may be itself; whether to believe that one is for
    /// who pinned keys.
    private struct IssuerChain: Sendable {
        let leaf: Certificate
        let issuer: Certificate
        let isSigned: Bool

        /// - Throws: `issuer-keys-untrusted`.
        init(_ chain: [[UInt8]]) throws(Refusal) {
            guard (1...2).contains(chain.count) else {
                throw Refusal(.issuerKeysUntrusted, "x5c is not a leaf and its issuer")
            }
            do throws(Refusal) {
                leaf = try Certificate(der: chain[0])
                issuer = chain.count == 1 ? leaf : try Certificate(der: chain[1])
            } catch {
                throw Refusal(.issuerKeysUntrusted, "x5c: \(error.detail)")
            }
            isSigned = (chain.count == 1 || issuer.isCertificateAuthority) && leaf.isSigned(by: issuer)
        }
    }

    private let entries: [Entry]

    /// - Throws: `issuer-keys-untrusted` when the reply is no key set at all. Unknown members, and keys without
    ///   `kid` or `x5c`, are ignored, as other people's services may list such.
    public init(json bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= Self.maximumBytes else { throw Refusal(.issuerKeysUntrusted, "the key set is too long") }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.issuerKeysUntrusted, "the key set is not JSON: \(error)")
        }
        try self.init(json: json)
    }

    public init(json: JSON) throws(Refusal) {
        guard let keys = json["keys"]?.array, keys.count <= Self.maximumKeys else {
            throw Refusal(.issuerKeysUntrusted, "the key set has no list of at most \(Self.maximumKeys) keys")
        }
        entries = keys.compactMap { key in
            guard let keyID = key["kid"]?.string else { return nil }
            let texts = key["x5c"]?.strings ?? []
            let chain = texts.compactMap { Base64.decode($0, .lenient) }
            return Entry(keyID: keyID, chain: chain.count == texts.count ? chain : [])
        }
    }

    /// A set that came over a connection which only the issuer's own server can have: its keys, from their numbers or
    /// else from `x5c`, count without a pinned certificate.
    ///
    /// - Throws: `issuer-keys-untrusted` as the other. Keys that are not understood are ignored.
    public init(trusted bytes: [UInt8]) throws(Refusal) {
        let set = try IssuerKeySet(json: bytes)
        let keys = (try? JSON.parse(bytes))?["keys"]?.array ?? []
        entries = set.entries.compactMap { entry in
            guard let json = keys.first(where: { $0["kid"]?.string == entry.keyID }) else { return nil }
            var entry = entry
            entry.trusted = (try? JWK(json: json, .lenient)).flatMap { try? VerificationKey($0) }
            if entry.trusted == nil, let leaf = entry.chain.first {
                entry.trusted = (try? Certificate(der: leaf)).map { VerificationKey($0.publicKey) }
            }
            return entry.trusted == nil ? nil : entry
        }
    }

    /// Whether a key of this name is listed, trusted or not.
    public func contains(kid: String) -> Bool { entries.contains { $0.keyID == kid } }

    /// The chains of every listed key, leaf first, DER: what a passport embeds.
    public var chains: [[[UInt8]]] { entries.map(\.chain) }

    /// The signing key of that name, if its chain is [leaf, issuer] with the issuer's key pinned, or one
    /// self-signed certificate whose own key is pinned (services of others publish such).
    ///
    /// - Throws: `token-key-unknown` when no key, or more than one, has that name; `issuer-keys-untrusted` when its
    ///   chain does not verify, is not valid at `time`, or ends in a key that is not pinned.
    public func key(kid: String, pins: [Digest], at time: Timestamp) throws(Refusal) -> VerificationKey {
        try pinnedKey(kid: kid, pins: pins, at: time).key
    }

    /// As `key`, with the pin that vouched for it.
    func pinnedKey(
        kid: String, pins: [Digest], at time: Timestamp
    ) throws(Refusal) -> (key: VerificationKey, pin: Digest) {
        let named = entries.filter { $0.keyID == kid }
        guard let entry = named.first else { throw Refusal(.tokenKeyUnknown, "the issuer lists no key of that name") }
        guard named.count == 1 else { throw Refusal(.tokenKeyUnknown, "the issuer lists several keys of that name") }
        if let trusted = entry.trusted { return (trusted, trusted.pin) }
        let chain = try entry.certificates.get()
        guard pins.contains(chain.issuer.pin) else {
            throw Refusal(.issuerKeysUntrusted, "the key of the last certificate in x5c is not pinned")
        }
        guard chain.isSigned else {
            throw Refusal(.issuerKeysUntrusted, "the signing certificate is not signed by the pinned issuer")
        }
        for certificate in [chain.leaf, chain.issuer] {
            guard certificate.notBefore <= time, time <= certificate.notAfter else {
                throw Refusal(.issuerKeysUntrusted, "a certificate of the issuer is not valid at \(time)")
            }
        }
        return (VerificationKey(chain.leaf.publicKey), chain.issuer.pin)
    }
}
