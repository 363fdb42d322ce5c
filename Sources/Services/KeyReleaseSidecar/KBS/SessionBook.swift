import AttestationToken
import Encoding
import Synchronization

/// Sessions of the KBS protocol: bounded in number and in time (AC-160), each with a nonce that counts once.
final class SessionBook: Sendable {
    struct Session: Sendable {
        /// Base64 of 32 bytes, as the client repeats it; nil once it was used.
        var nonce: String?
        var ends: Timestamp
        /// The client's key, once it has proven where it runs.
        var key: EncryptionKey?
    }

    private struct State {
        var sessions: [String: Session] = [:]
        /// Names, oldest first.
        var order: [String] = []
    }

    /// Seconds for which a session counts.
    static let lifetime: Int64 = 300
    private static let capacity = 1_024

    private let state = Mutex(State())
    private let clock: WallClock
    private let randomness: Randomness

    init(clock: WallClock, randomness: Randomness) {
        self.clock = clock
        self.randomness = randomness
    }

    /// A new session; the oldest gives way where there are too many.
    func begin() -> (name: String, nonce: String) {
        let name = Hex.encode(randomness.bytes(16))
        let nonce = Base64.encodeStandard(randomness.bytes(32))
        let session = Session(nonce: nonce, ends: clock.now() + Self.lifetime)
        state.withLock { state in
            if state.order.count >= Self.capacity {
                state.sessions[state.order.removeFirst()] = nil
            }
            state.order.append(name)
            state.sessions[name] = session
        }
        return (name, nonce)
    }

    /// Takes a session's nonce away, whatever comes of it.
    ///
    /// - Throws: `nonce-replayed`, `challenge-expired`, `token-not-bound` for a session that there is not.
    func spend(_ nonce: String, of name: String) throws(Refusal) {
        _ = try current(name)
        let taken = state.withLock { state in
            defer { state.sessions[name]?.nonce = nil }
            return state.sessions[name]?.nonce
        }
        guard let expected = taken else {
            throw Refusal(.nonceReplayed, "the nonce of this session has been used")
        }
        guard constantTimeEquals(Array(nonce.utf8), Array(expected.utf8)) else {
            throw Refusal(.bindingMismatch, "the nonce is not the one of this session")
        }
    }

    /// Notes that the session's client has proven where it runs.
    func prove(_ name: String, _ key: EncryptionKey) {
        state.withLock { $0.sessions[name]?.key = key }
    }

    /// The key of a client that has proven itself.
    func key(of name: String) throws(Refusal) -> EncryptionKey {
        guard let key = try current(name).key else {
            throw Refusal(.peerUnattested, "this session has not been attested")
        }
        return key
    }

    private func current(_ name: String) throws(Refusal) -> Session {
        guard let session = state.withLock({ $0.sessions[name] }) else {
            throw Refusal(.tokenNotBound, "there is no such session")
        }
        guard clock.now() < session.ends else { throw Refusal(.challengeExpired, "the session has ended") }
        return session
    }
}

extension RefusalCode {
    static let nonceReplayed = RefusalCode("nonce-replayed", status: 409)
    static let challengeExpired = RefusalCode("challenge-expired", status: 410)
}
