import Encoding
import Synchronization

/// Keys that were derived and signatures that were made before: cases of the catalogue differ in one thing, and have
/// everything else in common.
package final class KeyMemory: Sendable {
    /// Greatest number of each that is held; then all are forgotten.
    private static let capacity = 4_096

    private let keys = Memory<String, SigningKey>()
    private let signatures = Memory<Digest, [UInt8]>()

    package init() {}

    /// The key of a name, derived by `derive` unless it is known.
    func key(_ name: String, _ derive: () throws -> SigningKey) rethrows -> SigningKey {
        try keys.value(name, derive)
    }

    /// The signature of a key over `content`, made by `make` unless it is known.
    ///
    /// - Parameter key: algorithm and public key, which tell themselves apart from the content.
    func signature(_ key: [UInt8], _ content: [UInt8], _ make: () throws -> [UInt8]) rethrows -> [UInt8] {
        try signatures.value(Digest(of: key + content), make)
    }

    private final class Memory<Name: Hashable & Sendable, Value: Sendable>: Sendable {
        private let known = Mutex<[Name: Value]>([:])

        func value(_ name: Name, _ make: () throws -> Value) rethrows -> Value {
            if let value = known.withLock({ $0[name] }) { return value }
            let value = try make()
            known.withLock { known in
                if known.count >= KeyMemory.capacity { known.removeAll() }
                known[name] = value
            }
            return value
        }
    }
}
