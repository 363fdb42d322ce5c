import CryptoExtras
package import Encoding
import EvidenceForge

/// The file that keeps a development root between starts: one JSON object with private keys, mode 0600.
extension DevelopmentRoot {
    private static let format = "cloister-development-root/2"
    private static let name = "development-root.json"

    /// Reads the root kept in `folder`, or makes one and keeps it there.
    ///
    /// - Throws: `insecure-configuration` when the file is there but is not a root, or cannot be written.
    package static func keptIn(
        _ folder: String, at time: Timestamp, keys: RSAKeys = .vendor, randomness: Randomness = .system
    ) throws(Refusal) -> DevelopmentRoot {
        try PrivateFiles.makeFolder(folder)
        let path = folder + "/" + name
        if let content = try PrivateFiles.read(path) {
            let json: JSON
            do throws(JSON.ParseError) {
                json = try JSON.parse(content)
            } catch {
                throw Refusal(.insecureConfiguration, "the development root is not JSON: \(error)")
            }
            return try DevelopmentRoot(json: json)
        }
        let root: DevelopmentRoot
        do {
            root = try make(at: time, keys: keys, randomness: randomness)
        } catch {
            throw Refusal(.notReady, "the crypto library made no development root")
        }
        try PrivateFiles.write(root.json.canonical, to: path, mode: 0o600)
        return root
    }

    private var json: JSON {
        var keys: [String: JSON] = [:]
        for (name, key) in rsa { keys[name.rawValue] = .string(Base64.encodeURL(key.derRepresentation)) }
        return [
            "format": .string(Self.format), "secret": .string(Base64.encodeURL(secret)),
            "madeAt": .integer(madeAt.seconds), "rsa": .object(keys),
        ]
    }

    private init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "the development root", refusing: .insecureConfiguration)
        try reader.format(Self.format)
        secret = try reader.bytes("secret")
        madeAt = try reader.time("madeAt")
        var keyReader = try ObjectReader(
            try reader.value("rsa"), "keys of the development root", refusing: .insecureConfiguration)
        var rsa: [KeyRing.RSAName: _RSA.Signing.PrivateKey] = [:]
        for name in KeyRing.RSAName.allCases {
            let bytes = try keyReader.bytes(name.rawValue)
            guard let key = try? _RSA.Signing.PrivateKey(derRepresentation: bytes) else {
                throw Refusal(.insecureConfiguration, "key \(name.rawValue) of the development root cannot be read")
            }
            rsa[name] = key
        }
        try keyReader.finish()
        try reader.finish()
        self.rsa = rsa
    }
}
