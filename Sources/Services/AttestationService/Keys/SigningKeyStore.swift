package import AttestationToken
import Crypto
package import Encoding
import FoundationEssentials
import ServiceKit
import Synchronization

/// Holds the key ring of a running service and keeps it durable: in the state folder, or, where several nodes serve one
/// instance, in the state that they share.
///
/// The file has mode 0600 and is replaced atomically; a new key signs only after it is on the disk, so that a restart
/// never loses a key whose tokens are out.
package final class SigningKeyStore: Sendable {
    /// What signs now, its `kid`, and its certificate chain in DER, leaf first.
    package typealias Signer = (key: SigningKey, keyID: String, chain: [[UInt8]])

    private struct State {
        let ring: SigningKeyRing
        /// The published form.
        let keySet: JSON
        /// By algorithm.
        let signers: [String: Signer]
        /// The number of the shared ring's last change.
        let revision: Int64

        init(_ ring: SigningKeyRing, revision: Int64 = 0) throws(Refusal) {
            self.ring = ring
            self.revision = revision
            keySet = try ring.keySet()
            var signers: [String: Signer] = [:]
            for algorithm in SigningKeyRing.algorithms {
                guard let entry = ring.active(algorithm), let key = entry.key else { continue }
                signers[algorithm] = (
                    key, key.publicKey.attestationKeyID, [entry.certificate, ring.issuerCertificate]
                )
            }
            self.signers = signers
        }
    }

    /// Seconds for which a node signs without comparing its ring with the shared one.
    package static let currency: Int64 = 60

    /// The file; unused where the ring is shared.
    private let path: String
    private let shared: SharedKeyRing?
    private let state: Mutex<State>
    /// When the shared ring was last compared; nil before the first time.
    private let compared = Mutex<Timestamp?>(nil)

    /// Reads the ring from `folder`, or makes a new one there; rotates what is due.
    ///
    /// Also writes `issuer.json` with the URL and the pin that party cards carry.
    ///
    /// - Throws: `insecure-configuration` when the file is broken, open to others, or cannot be written.
    package init(folder: String, issuer: String, at time: Timestamp) throws(Refusal) {
        path = folder + "/signing-keys.json"
        shared = nil
        var ring: SigningKeyRing
        if try Self.isThere(path) {
            let bytes: [UInt8]
            do throws(AtomicFile.Failure) {
                bytes = try AtomicFile.read(path, maximumBytes: SigningKeyFile.maximumBytes)
            } catch {
                throw Refusal(.insecureConfiguration, "the signing key file cannot be read (\(error))")
            }
            ring = try SigningKeyFile.decode(bytes, issuerURL: issuer)
            if time >= ring.newest, try ring.rotate(at: time) { try Self.save(ring, to: path) }
        } else {
            ring = try SigningKeyRing(issuerURL: issuer, at: time)
            try Self.save(ring, to: path)
        }
        try Self.describe(ring, folder: folder)
        state = Mutex(try State(ring))
    }

    /// Takes part in a ring that several nodes share, or makes it; rotates what is due.
    ///
    /// - Parameter folder: gets `issuer.json`.
    /// - Throws: `block-authentication` when this node's wrapping key is another one; `not-ready` when the state does not
    ///   answer.
    init(shared: SharedKeyRing, folder: String, at time: Timestamp) async throws(Refusal) {
        path = folder + "/signing-keys.json"
        self.shared = shared
        let (ring, revision) = try await shared.rotated(at: time)
        try Self.describe(ring, folder: folder)
        state = Mutex(try State(ring, revision: revision))
    }

    private static func describe(_ ring: SigningKeyRing, folder: String) throws(Refusal) {
        let card: JSON = ["pins": [.string(ring.pin.description)], "url": .string(ring.issuerURL)]
        try write(card.canonical, to: folder + "/issuer.json", mode: 0o644)
    }

    /// SHA-256 of the issuer key's SPKI.
    package var pin: Encoding.Digest { state.withLock { $0.ring.pin } }

    /// When the newest key was made.
    package var newest: Timestamp { state.withLock { $0.ring.newest } }

    /// The reply to `GET /certs`.
    package var keySet: JSON { state.withLock { $0.keySet } }

    /// The key that signs with `algorithm` now.
    ///
    /// - Throws: `token-algorithm` for one that is not offered.
    package func signer(_ algorithm: String) throws(Refusal) -> Signer {
        guard let signer = state.withLock({ $0.signers[algorithm] }) else {
            throw Refusal(.tokenAlgorithm, "no key signs with \(algorithm.prefix(20))")
        }
        return signer
    }

    /// Authenticates what the service gives out to get back; the same wherever the issuer key is.
    var contextKey: SymmetricKey {
        let issuer = state.withLock { SymmetricKey(data: $0.ring.issuerKey.rawRepresentation) }
        return HKDF<SHA256>.deriveKey(
            inputKeyMaterial: issuer, info: Array("cloister attestation context 1".utf8), outputByteCount: 32)
    }

    /// Rotates what is due; when the disk fails, the former keys go on.
    ///
    /// - Returns: whether anything changed.
    @discardableResult
    package func rotate(at time: Timestamp) throws(Refusal) -> Bool {
        var ring = state.withLock { $0.ring }
        guard try ring.rotate(at: time) else { return false }
        let changed = try State(ring)
        try Self.save(ring, to: path)
        state.withLock { $0 = changed }
        return true
    }

    /// `rotate`, wherever the ring is.
    func renew(at time: Timestamp) async throws(Refusal) -> Bool {
        guard let shared else { return try rotate(at: time) }
        return adopt(try await shared.rotated(at: time))
    }

    /// Makes sure that no key signs that another node retired more than `currency` seconds ago.
    ///
    /// - Throws: `not-ready` when the shared state does not answer: then nothing may be signed.
    package func requireCurrent(at time: Timestamp) async throws(Refusal) {
        let isCurrent = compared.withLock { $0.map { (0..<Self.currency).contains(time - $0) } ?? false }
        guard shared != nil, !isCurrent else { return }
        try await refresh()
        compared.withLock { $0 = time }
    }

    /// Takes over what another node has rotated, so that every node publishes every key that signs.
    func refresh() async throws(Refusal) {
        guard let shared else { return }
        if let changed = try await shared.read(after: state.withLock({ $0.revision })) { _ = adopt(changed) }
    }

    private func adopt(_ changed: (ring: SigningKeyRing, revision: Int64)) -> Bool {
        guard let changed = try? State(changed.ring, revision: changed.revision) else { return false }
        return state.withLock { state in
            guard changed.revision > state.revision else { return false }
            state = changed
            return true
        }
    }

    private static func save(_ ring: SigningKeyRing, to path: String) throws(Refusal) {
        try write(SigningKeyFile.encode(ring), to: path, mode: 0o600)
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(Refusal) {
        do throws(AtomicFile.Failure) { try AtomicFile.write(bytes, to: path, mode: mode) } catch {
            throw Refusal(.insecureConfiguration, "a file of the state folder cannot be written (\(error))")
        }
    }

    /// - Throws: `insecure-configuration` when others can read or write it.
    private static func isThere(_ path: String) throws(Refusal) -> Bool {
        guard FileManager.default.fileExists(atPath: path) else { return false }
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let mode = attributes[.posixPermissions] as? Int
        else { throw Refusal(.insecureConfiguration, "the signing key file cannot be looked at") }
        guard mode & 0o077 == 0 else {
            throw Refusal(.insecureConfiguration, "others can read the signing key file; its mode must be 0600")
        }
        return true
    }
}
