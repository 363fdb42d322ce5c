import Encoding
import Synchronization

/// Signatures that were made before: cases of the catalogue differ in one thing, and have everything else in common.
package final class SignatureMemory: Sendable {
    /// Greatest number that is held; then all are forgotten.
    private static let capacity = 4_096

    private let known = Mutex<[Digest: [UInt8]]>([:])

    package init() {}

    /// The signature of a key over `content`, made by `make` unless it is known.
    func signature(_ key: [UInt8], _ content: [UInt8], _ make: () throws -> [UInt8]) rethrows -> [UInt8] {
        let name = Digest(of: Digest(of: key).bytes + content)
        if let signature = known.withLock({ $0[name] }) { return signature }
        let signature = try make()
        known.withLock { known in
            if known.count >= SignatureMemory.capacity { known.removeAll() }
            known[name] = signature
        }
        return signature
    }
}
