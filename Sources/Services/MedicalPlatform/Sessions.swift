import Encoding
import Synchronization

/// Who is signed in. In memory only: a restart signs everybody out, and no host can restore a session.
final class Sessions: Sendable {
    /// Seconds after which a session ends whatever happens.
    static let lifetime: Int64 = 8 * 3_600
    /// Seconds after which an unused session ends.
    static let idleLifetime: Int64 = 1_800
    /// Sessions of all tenants together.
    static let maximumCount = 10_000

    struct Session: Sendable {
        var tenant: Digest
        var user: String
        var expires: Timestamp
        var lastUsed: Timestamp
    }

    private let sessions = Mutex<[Digest: Session]>([:])
    private let randomness: Randomness

    init(randomness: Randomness = .system) {
        self.randomness = randomness
    }

    /// Begins a session and returns its bearer token.
    ///
    /// - Throws: `too-many` at the bound.
    func begin(tenant: Digest, user: String, at time: Timestamp) throws(Refusal) -> (token: String, expires: Timestamp)
    {
        let token = Base64.encodeURL(randomness.bytes(32))
        let session = Session(tenant: tenant, user: user, expires: time + Sessions.lifetime, lastUsed: time)
        let isAdmitted = sessions.withLock { sessions in
            if sessions.count >= Sessions.maximumCount {
                sessions = sessions.filter { Sessions.isLive($0.value, at: time) }
            }
            guard sessions.count < Sessions.maximumCount else { return false }
            // By digest, so that looking one up compares nothing of the secret.
            sessions[Digest(of: token)] = session
            return true
        }
        guard isAdmitted else { throw Refusal(.tooMany, "too many people are signed in") }
        return (token, session.expires)
    }

    /// The session of a bearer token of this tenant.
    ///
    /// - Throws: `login-invalid` for an unknown or ended session, and for one of another tenant.
    func session(_ token: String, tenant: Digest, at time: Timestamp) throws(Refusal) -> Session {
        let session = sessions.withLock { sessions -> Session? in
            guard var session = sessions[Digest(of: token)], session.tenant == tenant,
                Sessions.isLive(session, at: time)
            else { return nil }
            session.lastUsed = time
            sessions[Digest(of: token)] = session
            return session
        }
        guard let session else { throw Refusal(.loginInvalid, "sign in again: the session is unknown or has ended") }
        return session
    }

    func end(_ token: String) {
        sessions.withLock { _ = $0.removeValue(forKey: Digest(of: token)) }
    }

    private static func isLive(_ session: Session, at time: Timestamp) -> Bool {
        time < session.expires && time - session.lastUsed < idleLifetime
    }
}
