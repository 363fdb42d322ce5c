package import Encoding

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Files with one bearer token each.
package enum TokenFile {
    /// Reads a file with one bearer token, of mode 0600.
    ///
    /// - Throws: `insecure-configuration` when it is missing or others can read it (AC-148).
    package static func read(_ path: String) throws(Refusal) -> String {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let mode = attributes[.posixPermissions] as? Int
        else { throw Refusal(.insecureConfiguration, "a file with a bearer token is missing") }
        guard mode & 0o077 == 0 else {
            throw Refusal(.insecureConfiguration, "a bearer token can be read by others: its file must have mode 0600")
        }
        do throws(AtomicFile.Failure) {
            let bytes = try AtomicFile.read(path, maximumBytes: 4_096)
            return String(decoding: bytes, as: UTF8.self).filter { !$0.isNewline }
        } catch { throw Refusal(.insecureConfiguration, "a file with a bearer token cannot be read") }
    }
}
