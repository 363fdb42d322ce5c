import Synchronization

/// A bounded map from exact bytes, or their digest, to what was proven of them; the oldest entry leaves first.
///
/// Only successes are kept, and only what holds at any time: an entry can neither be planted (its key is what was
/// verified, or the digest of it) nor outlive a validity (time is compared on each use).
///
/// What is kept for every evidence is an object each time: the parts of a structure would be counted as one more use, one by
/// one, of what all threads use, which costs a tenth of a verification.
final class ProvenCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var entries: [Key: Value] = [:]
        var order: [Key] = []
        var next = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    func value(_ key: Key) -> Value? { state.withLock { $0.entries[key] } }

    func insert(_ value: Value, _ key: Key) {
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
