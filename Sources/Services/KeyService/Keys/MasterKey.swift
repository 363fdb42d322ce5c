import Crypto
package import Encoding
import ServiceKit

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The key under which everything in the key service's database is encrypted: AES-256-GCM, 32 bytes in a file of mode
/// 0600 (architecture rule 35: a backup of the database is useless without it).
package struct MasterKey: Sendable {
    private let key: SymmetricKey

    package init(bytes: [UInt8]) throws(Refusal) {
        guard bytes.count == 32 else { throw Refusal(.insecureConfiguration, "the master key is not 32 bytes") }
        key = SymmetricKey(data: bytes)
    }

    /// Reads the file, or makes it.
    ///
    /// - Parameter mayCreate: false once there is a database, which a fresh key could not open.
    /// - Throws: `insecure-configuration` when others can read the file; `state-rollback` when it is missing and may
    ///   not be made.
    package init(path: String, mayCreate: Bool, randomness: Randomness) throws(Refusal) {
        if let bytes = try SecretFile.read(path, what: "the master key") {
            try self.init(bytes: bytes)
            return
        }
        guard mayCreate else {
            throw Refusal(.stateRollback, "the database is there, but the master key that opens it is missing")
        }
        let bytes = randomness.bytes(32)
        do throws(AtomicFile.Failure) { try AtomicFile.write(bytes, to: path, mode: 0o600) } catch {
            throw Refusal(.notReady, "the master key cannot be written")
        }
        try self.init(bytes: bytes)
    }

    /// nonce ‖ ciphertext ‖ tag.
    ///
    /// - Parameter place: names table, row and column; a value that was moved elsewhere does not open.
    func seal(_ content: [UInt8], place: JSON) throws(Refusal) -> [UInt8] {
        guard let box = try? AES.GCM.seal(content, using: key, authenticating: place.canonical),
            let bytes = box.combined
        else { throw Refusal(.notReady, "the master key cannot seal") }
        return Array(bytes)
    }

    /// - Throws: `block-authentication` when the value was changed, moved, or sealed under another master key.
    func open(_ sealed: [UInt8], place: JSON) throws(Refusal) -> [UInt8] {
        guard let box = try? AES.GCM.SealedBox(combined: sealed),
            let content = try? AES.GCM.open(box, using: key, authenticating: place.canonical)
        else { throw Refusal(.blockAuthentication, "a stored value does not open with the master key at its place") }
        return Array(content)
    }
}

/// Files with secrets: they must belong to nobody but their owner.
enum SecretFile {
    /// The bytes; nil when there is no such file.
    ///
    /// - Throws: `insecure-configuration` when group or others have any access (AC-148), or it cannot be read.
    static func read(_ path: String, what: String, maximumBytes: Int = 65_536) throws(Refusal) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let mode = attributes[.posixPermissions] as? Int
        else { throw Refusal(.insecureConfiguration, "\(what) cannot be read") }
        guard mode & 0o077 == 0 else {
            throw Refusal(.insecureConfiguration, "\(what) can be read by others: its file must have mode 0600")
        }
        do throws(AtomicFile.Failure) { return try AtomicFile.read(path, maximumBytes: maximumBytes) } catch {
            throw Refusal(.insecureConfiguration, "\(what) cannot be read")
        }
    }
}
