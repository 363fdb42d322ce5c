package import Encoding
import Synchronization

/// A unit's time: the host's clock, held against what verified tokens say (architecture rule 21).
package final class UnitClock: Sendable {
    /// Seconds by which the host's clock may be behind the newest verified issue time.
    package static let tolerance: Int64 = 60

    private let clock: WallClock
    private let newest = Mutex(Timestamp(seconds: 0))

    package init(_ clock: WallClock = .system) {
        self.clock = clock
    }

    /// Remembers the issue time of a token that was verified; of one ahead of the host's clock, no more than `tolerance`.
    ///
    /// Verification takes times up to `tolerance` ahead of `now()`. Without the bound an issuer could push `now()` with
    /// each of its tokens, until the unit trusted its own clock no more and refused every tenant for one that lies.
    package func witness(_ issuedAt: Timestamp) {
        let bound = clock.now() + UnitClock.tolerance
        newest.withLock { $0 = max($0, min(issuedAt, bound)) }
    }

    /// The present time.
    ///
    /// - Throws: `time-untrusted` when the host's clock is further back than `tolerance`.
    package func now() throws(Refusal) -> Timestamp {
        let now = clock.now()
        let newest = newest.withLock { $0 }
        guard now >= newest - UnitClock.tolerance else {
            throw Refusal(.timeUntrusted, "the host's clock is behind a token that was already verified")
        }
        return max(now, newest)
    }
}
