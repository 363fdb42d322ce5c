import Crypto
import Encoding
import FoundationEssentials
import ServiceKit
import Storage

/// The key ring of an instance that several nodes serve: one record of their shared state, sealed with AES-256-GCM
/// under a key that only the nodes have. Whoever holds the database alone can sign nothing.
struct SharedKeyRing: Sendable {
    private let store: any StateStore
    private let key: StateKey
    private let issuer: String
    private let wrapping: SymmetricKey

    /// - Parameters:
    ///   - instance: whose keys they are.
    ///   - wrapping: 32 bytes, the same on every node.
    /// - Throws: `insecure-configuration` for a wrapping key of another length.
    init(store: any StateStore, instance: String, issuer: String, wrapping: [UInt8]) throws(Refusal) {
        guard wrapping.count == 32 else {
            throw Refusal(.insecureConfiguration, "the key that encrypts signing keys is not 32 bytes")
        }
        self.store = store
        self.issuer = issuer
        key = StateKey(owner: instance, kind: "signing-keys", name: "")
        self.wrapping = SymmetricKey(data: wrapping)
    }

    /// Reads a wrapping key from a file of 32 bytes and mode 0600.
    ///
    /// - Throws: `insecure-configuration` (AC-148).
    static func wrappingKey(file path: String) throws(Refusal) -> [UInt8] {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o077 == 0 else {
            throw Refusal(
                .insecureConfiguration,
                "the file of the key that encrypts signing keys is missing, or its mode is not 0600")
        }
        do throws(AtomicFile.Failure) { return try AtomicFile.read(path, maximumBytes: 32) } catch {
            throw Refusal(.insecureConfiguration, "the key that encrypts signing keys cannot be read")
        }
    }

    /// The ring as it is now, with the number of its last change; nil where `revision` is that number.
    func read(after revision: Int64) async throws(Refusal) -> (ring: SigningKeyRing, revision: Int64)? {
        do {
            guard let record = try await store.read({ [key] in try $0.record(key) }), record.revision != revision
            else { return nil }
            return (try open(record.value ?? []), record.revision)
        } catch { throw InstancePolicies.apiError(error).refusal }
    }

    /// The ring after what is due was rotated, which one node does for all; the first one makes it.
    func rotated(at time: Timestamp) async throws(Refusal) -> (ring: SigningKeyRing, revision: Int64) {
        do {
            return try await store.write { [self] transaction in
                if let record = try transaction.record(key), let value = record.value {
                    var ring = try open(value)
                    guard time >= ring.newest, try ring.rotate(at: time) else { return (ring, record.revision) }
                    return (ring, try transaction.put(seal(ring), at: key))
                }
                let ring = try SigningKeyRing(issuerURL: issuer, at: time)
                return (ring, try transaction.put(seal(ring), at: key))
            }
        } catch { throw InstancePolicies.apiError(error).refusal }
    }

    /// What binds the sealed ring to its place.
    private var place: [UInt8] {
        (["format": "cloister-signing-keys/1", "instance": .string(key.owner)] as JSON).canonical
    }

    private func seal(_ ring: SigningKeyRing) throws(Refusal) -> [UInt8] {
        guard let box = try? AES.GCM.seal(SigningKeyFile.encode(ring), using: wrapping, authenticating: place),
            let bytes = box.combined
        else { throw Refusal(.notReady, "the signing keys cannot be sealed") }
        return Array(bytes)
    }

    private func open(_ sealed: [UInt8]) throws(Refusal) -> SigningKeyRing {
        guard let box = try? AES.GCM.SealedBox(combined: sealed),
            let bytes = try? AES.GCM.open(box, using: wrapping, authenticating: place)
        else {
            throw Refusal(.blockAuthentication, "the shared signing keys do not open with this node's key")
        }
        return try SigningKeyFile.decode(Array(bytes), issuerURL: issuer)
    }
}
