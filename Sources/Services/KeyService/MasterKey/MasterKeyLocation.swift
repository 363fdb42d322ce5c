import Encoding
import ServiceKit

/// Where the configuration says that the master key is.
package enum MasterKeyLocation: Sendable {
    /// `master.key` in the state folder, sealed under the content of a file where one is named.
    case file(secret: String?)
    /// A PKCS #11 token; `pin` is a file.
    case token(module: String, label: String, pin: String, name: String)

    /// Reads the block `masterKey`: `secret`, or `module`, `token`, `pin` and `name`.
    init(_ configuration: inout Configuration) throws(ConfigurationError) {
        guard let module = try configuration.optionalString("masterKey.module") else {
            self = .file(secret: try configuration.optionalPath("masterKey.secret"))
            return
        }
        self = .token(
            module: module, label: try configuration.string("masterKey.token"),
            pin: try configuration.path("masterKey.pin"),
            name: try configuration.string("masterKey.name", default: "cloister-master"))
    }

    func holder(state: String, randomness: Randomness) throws(Refusal) -> any MasterKeyHolder {
        switch self {
        case .file(let secret):
            let bytes = try secret.map { path throws(Refusal) in
                try MasterKeyLocation.read(path, "the secret that opens the master key")
            }
            return try MasterKeyFile(path: state + "/master.key", secret: bytes, randomness: randomness)
        case .token(let module, let label, let pin, let name):
            var bytes = try MasterKeyLocation.read(pin, "the PIN of the PKCS #11 token")
            while bytes.last == 0x0a || bytes.last == 0x0d { bytes.removeLast() }
            return try MasterKeyToken(module: module, label: label, pin: Secret(bytes), name: name)
        }
    }

    private static func read(_ path: String, _ what: String) throws(Refusal) -> [UInt8] {
        guard let bytes = try SecretFile.read(path, what: what, maximumBytes: 4_096) else {
            throw Refusal(.insecureConfiguration, "\(what) is missing")
        }
        return bytes
    }
}
