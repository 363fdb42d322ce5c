import Synchronization

/// How many log lines callers may cause in a minute, so that nobody fills the disk by being refused (AC-161).
package final class LineLimit: Sendable {
    private struct State {
        var begun: ContinuousClock.Instant
        var lines = 0
        var omitted = 0
    }

    private let perMinute: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    package init(perMinute: Int = 60, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.perMinute = perMinute
        self.now = now
        state = Mutex(State(begun: now()))
    }

    /// How many lines were left out since the last one, for the line that is written now; nil when it is left out too.
    package func admit() -> Int? {
        let now = now()
        return state.withLock { state in
            if now - state.begun >= .seconds(60) {
                state.begun = now
                state.lines = 0
            }
            guard state.lines < perMinute else {
                state.omitted += 1
                return nil
            }
            state.lines += 1
            defer { state.omitted = 0 }
            return state.omitted
        }
    }
}
