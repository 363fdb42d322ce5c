import Synchronization

/// Counts calls that are being worked on, and lets so many in at a time.
package final class CallLimit: Sendable {
    private let maximum: Int
    private let count = Mutex(0)

    package init(maximum: Int) {
        self.maximum = maximum
    }

    /// A place, or nil when all are taken.
    package func enter() -> Slot? {
        count.withLock { count in
            guard count < maximum else { return nil }
            count += 1
            return Slot(limit: self)
        }
    }

    package struct Slot {
        fileprivate let limit: CallLimit
        package func leave() { limit.count.withLock { $0 -= 1 } }
    }
}
