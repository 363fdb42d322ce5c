import Encoding
import Synchronization

@testable import KeyService

/// A master key that is nowhere but in the test.
final class MemoryMasterKey: MasterKeyHolder {
    private let keys: Mutex<[UInt32: [UInt8]]>

    init(byte: UInt8) { keys = Mutex([1: [UInt8](repeating: byte, count: 32)]) }

    func generations() -> [UInt32] { keys.withLock { $0.keys.sorted() } }
    func add(_ generation: UInt32) {
        keys.withLock { $0[generation] = [UInt8](repeating: UInt8(100 + generation), count: 32) }
    }
    func remove(_ generation: UInt32) { keys.withLock { $0[generation] = nil } }

    private func key(_ generation: UInt32) throws(Refusal) -> SealingKey {
        try SealingKey(bytes: keys.withLock { $0[generation] } ?? [])
    }
    func seal(
        _ content: [UInt8], nonce: [UInt8], context: [UInt8], under generation: UInt32
    ) throws(Refusal) -> [UInt8] { try key(generation).seal(content, nonce: nonce, context: context) }
    func open(_ sealed: [UInt8], context: [UInt8], under generation: UInt32) throws(Refusal) -> [UInt8] {
        try key(generation).open(sealed, context: context)
    }
}

extension MasterKey {
    static func ofBytes(_ byte: UInt8) throws(Refusal) -> MasterKey {
        try MasterKey(in: MemoryMasterKey(byte: byte), mayCreate: false)
    }
}
