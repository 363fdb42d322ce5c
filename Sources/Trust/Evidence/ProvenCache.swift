import Encoding
import Synchronization

/// A bounded map from the digest of exact bytes to what was proven of them; the oldest entry leaves first.
///
/// Only successes are kept, and only what holds at any time: an entry can neither be planted (its key is the digest of
/// what was verified) nor outlive a validity (time is compared on each use).
final class ProvenCache<Value: Sendable>: Sendable {
    private struct State {
        var entries: [Digest: Value] = [:]
        var order: [Digest] = []
        var next = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    func value(_ key: Digest) -> Value? { state.withLock { $0.entries[key] } }

    func insert(_ value: Value, _ key: Digest) {
        state.withLock { state in
            guard state.entries.updateValue(value, forKey: key) == nil else { return }
            if state.order.count < capacity {
                state.order.append(key)
            } else {
                // A ring: the slot of the oldest key takes the new one.
                state.entries[state.order[state.next]] = nil
                state.order[state.next] = key
                state.next = (state.next + 1) % capacity
            }
        }
    }

    var count: Int { state.withLock { $0.entries.count } }
}
