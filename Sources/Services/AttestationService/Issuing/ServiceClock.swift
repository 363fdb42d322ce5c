package import Encoding

/// The time that goes into tokens, held against a clock that nobody can set.
///
/// A host that moves its clock while the service runs could have it issue tokens for another day, or accept collateral
/// that has ended. Beyond 60 seconds of difference nothing is issued until a restart (AC-025).
package struct ServiceClock: Sendable {
    /// Seconds by which the two clocks may drift apart.
    package static let tolerance: Int64 = 60

    private let wall: WallClock
    private let elapsed: @Sendable () -> Int64
    private let start: Timestamp
    private let startElapsed: Int64

    /// - Parameters:
    ///   - notBefore: a moment that has certainly passed, such as the making of the newest signing key.
    ///   - elapsed: seconds on a clock that only runs forward, also while the machine sleeps.
    /// - Throws: `time-untrusted` when the wall clock is behind `notBefore`.
    package init(
        wall: WallClock, notBefore: Timestamp, elapsed: @escaping @Sendable () -> Int64
    ) throws(Refusal) {
        self.wall = wall
        self.elapsed = elapsed
        start = wall.now()
        startElapsed = elapsed()
        guard start >= notBefore - Self.tolerance else {
            throw Refusal(.timeUntrusted, "the clock is before \(notBefore), when a signing key was made")
        }
    }

    /// - Throws: `time-untrusted`.
    package func now() throws(Refusal) -> Timestamp {
        let now = wall.now()
        let expected = start + (elapsed() - startElapsed)
        guard abs(now - expected) <= Self.tolerance else {
            throw Refusal(.timeUntrusted, "the clock was moved while the service ran")
        }
        return now
    }

    /// Seconds since some moment, from the system's clock that also counts sleep.
    package static func systemElapsed() -> @Sendable () -> Int64 {
        let origin = ContinuousClock.now
        return { (ContinuousClock.now - origin).components.seconds }
    }
}
