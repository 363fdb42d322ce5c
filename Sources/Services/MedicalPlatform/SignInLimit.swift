import Encoding
import Synchronization
import Unit

/// Slows down guessing: each user name has a few attempts, refilled slowly.
final class SignInLimit: Sendable {
    private static let maximumNames = 10_000
    private let limits = Mutex<[Digest: RateLimit]>([:])

    /// - Throws: `too-many` after five quick wrong attempts; one more every twelve seconds.
    func admit(tenant: Digest, user: String) throws(Refusal) {
        guard limit(tenant: tenant, user: user).admit() else {
            throw Refusal(.tooMany, "too many attempts for this user; wait a minute")
        }
    }

    /// The attempt was right: it does not count.
    func succeeded(tenant: Digest, user: String) {
        limit(tenant: tenant, user: user).restore()
    }

    private func limit(tenant: Digest, user: String) -> RateLimit {
        let name = Digest(of: tenant.bytes + Array(user.utf8))
        return limits.withLock { limits in
            if limits.count >= SignInLimit.maximumNames { limits.removeAll() }
            if let limit = limits[name] { return limit }
            let limit = RateLimit(perSecond: 1.0 / 12, burst: 5)
            limits[name] = limit
            return limit
        }
    }
}
