import ServiceKit
import Synchronization

/// How many requests each client may make: a bucket of tokens for every network (`ClientNetwork`).
final class ClientLimits: Sendable {
    /// Most clients that are remembered; then all start anew, which only ever lets more through.
    static let maximumClients = 10_000

    private struct Bucket {
        var tokens: Double
        var last: ContinuousClock.Instant
    }

    private let perSecond: Double
    private let burst: Double
    private let now: @Sendable () -> ContinuousClock.Instant
    private let buckets = Mutex<[ClientNetwork: Bucket]>([:])

    /// - Parameter perSecond: requests a second that go on; 0 for no limit.
    init(perSecond: Double, burst: Double, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.perSecond = perSecond
        self.burst = burst
        self.now = now
    }

    /// Nil for a request that may go on; otherwise whole seconds until the next one may.
    func wait(_ client: ClientNetwork) -> Int? {
        guard perSecond > 0 else { return nil }
        let now = now()
        return buckets.withLock { buckets in
            if buckets.count >= Self.maximumClients, buckets[client] == nil { buckets.removeAll() }
            var bucket = buckets[client] ?? Bucket(tokens: burst, last: now)
            let elapsed = max(0, (now - bucket.last) / .seconds(1))
            bucket.tokens = min(burst, bucket.tokens + elapsed * perSecond)
            bucket.last = max(now, bucket.last)
            defer { buckets[client] = bucket }
            guard bucket.tokens >= 1 else { return max(1, Int(((1 - bucket.tokens) / perSecond).rounded(.up))) }
            bucket.tokens -= 1
            return nil
        }
    }
}
