package import Encoding
import ServiceKit
import Synchronization

/// A master key in a file of mode 0600: `{"format":"cloister-master-key/1","generations":{"1":BASE64URL,…}}`, or that
/// document sealed under a secret that lies elsewhere: `{"format":"cloister-master-key/1","sealed":BASE64URL}`.
package final class MasterKeyFile: MasterKeyHolder {
    private static let format = "cloister-master-key/1"
    private static let context = Array(format.utf8)
    private static let maximumBytes = 65_536

    private let path: String
    private let randomness: Randomness
    private let seal: SealingKey?
    private let keys: Mutex<[UInt32: Secret]>

    /// - Parameter secret: what the file is sealed under, at least 32 bytes; nil for a file that is only its owner's.
    /// - Throws: `insecure-configuration` when others can read the file, it does not open with the secret, or is no
    ///   master key.
    package init(path: String, secret: [UInt8]? = nil, randomness: Randomness = .system) throws(Refusal) {
        self.path = path
        self.randomness = randomness
        if let secret, secret.count < SealingKey.length {
            throw Refusal(.insecureConfiguration, "the secret that opens the master key has less than 32 bytes")
        }
        let seal = secret.map { SealingKey(secret: $0, purpose: MasterKeyFile.format) }
        self.seal = seal
        let bytes = try SecretFile.read(path, what: "the master key", maximumBytes: MasterKeyFile.maximumBytes)
        keys = Mutex(try bytes.map { bytes throws(Refusal) in try MasterKeyFile.read(bytes, seal) } ?? [:])
    }

    package func generations() -> [UInt32] { keys.withLock { $0.keys.sorted() } }

    package func add(_ generation: UInt32) throws(Refusal) {
        let key = Secret(randomness.bytes(SealingKey.length))
        try keys.withLock { keys throws(Refusal) in
            guard keys[generation] == nil else {
                throw Refusal(.notReady, "the master key has a generation \(generation) already")
            }
            var changed = keys
            changed[generation] = key
            try keep(changed)
            keys = changed
        }
    }

    package func remove(_ generation: UInt32) throws(Refusal) {
        try keys.withLock { keys throws(Refusal) in
            var changed = keys
            changed[generation] = nil
            try keep(changed)
            keys = changed
        }
    }

    package func seal(
        _ content: [UInt8], nonce: [UInt8], context: [UInt8], under generation: UInt32
    ) throws(Refusal) -> [UInt8] {
        try key(generation).seal(content, nonce: nonce, context: context)
    }

    package func open(_ sealed: [UInt8], context: [UInt8], under generation: UInt32) throws(Refusal) -> [UInt8] {
        try key(generation).open(sealed, context: context)
    }

    private func key(_ generation: UInt32) throws(Refusal) -> SealingKey {
        guard let key = keys.withLock({ $0[generation] }) else {
            throw Refusal(.blockAuthentication, "the master key has no generation \(generation)")
        }
        return try key.withBytes { bytes throws(Refusal) in try SealingKey(bytes: bytes) }
    }

    private func keep(_ changed: [UInt32: Secret]) throws(Refusal) {
        var members: [String: JSON] = [:]
        for (generation, key) in changed {
            members[String(generation)] = .string(key.withBytes { Base64.encodeURL($0) })
        }
        var document: JSON = ["format": .string(MasterKeyFile.format), "generations": .object(members)]
        if let seal {
            let sealed = try seal.seal(
                document.canonical, nonce: randomness.bytes(SealingKey.nonceLength), context: MasterKeyFile.context)
            document = ["format": .string(MasterKeyFile.format), "sealed": .string(Base64.encodeURL(sealed))]
        }
        do throws(AtomicFile.Failure) { try AtomicFile.write(document.canonical, to: path, mode: 0o600) } catch {
            throw Refusal(.notReady, "the master key cannot be written")
        }
    }

    private static func read(_ bytes: [UInt8], _ seal: SealingKey?) throws(Refusal) -> [UInt32: Secret] {
        let json = try JSON.parseCanonical(bytes, "master key", refusing: .insecureConfiguration)
        var members = try ObjectReader(json, "master key", refusing: .insecureConfiguration)
        try members.format(format)
        if members.has("sealed") {
            let sealed = try members.bytes("sealed")
            try members.finish()
            guard let seal else {
                throw Refusal(.insecureConfiguration, "the master key is sealed, and no secret is configured for it")
            }
            guard let content = try? seal.open(sealed, context: context) else {
                throw Refusal(.insecureConfiguration, "the master key does not open with the configured secret")
            }
            return try read(content, nil)
        }
        guard seal == nil else {
            throw Refusal(.insecureConfiguration, "the master key is not sealed, though a secret is configured for it")
        }
        var keys: [UInt32: Secret] = [:]
        for (name, value) in try members.value("generations").object ?? [:] {
            guard let generation = UInt32(name), let key = value.string.flatMap({ Base64.decode($0) }),
                key.count == SealingKey.length
            else { throw Refusal(.insecureConfiguration, "the file of the master key is damaged") }
            keys[generation] = Secret(key)
        }
        try members.finish()
        guard !keys.isEmpty else { throw Refusal(.insecureConfiguration, "the file of the master key is empty") }
        return keys
    }
}
