import Encoding
import ServiceKit

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

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
