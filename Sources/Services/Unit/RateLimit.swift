import Synchronization

/// A token bucket over the continuous clock.
package final class RateLimit: Sendable {
    private let perSecond: Double
    private let burst: Double
    private let state: Mutex<(tokens: Double, last: ContinuousClock.Instant)>

    package init(perSecond: Double, burst: Double, from start: ContinuousClock.Instant = .now) {
        self.perSecond = perSecond
        self.burst = burst
        state = Mutex((burst, start))
    }

    /// Whether one more event may happen now.
    package func admit(at now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            let elapsed = (now - state.last) / .seconds(1)
            state.tokens = min(burst, state.tokens + max(0, elapsed) * perSecond)
            state.last = max(now, state.last)
            guard state.tokens >= 1 else { return false }
            state.tokens -= 1
            return true
        }
    }

    /// Gives an admitted event back, because it turned out not to be one of those that are limited.
    package func restore() {
        state.withLock { $0.tokens = min(burst, $0.tokens + 1) }
    }
}
