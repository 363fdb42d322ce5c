import AttestationToken
package import Encoding
import Synchronization

/// Signs an instance's list of revoked tokens; one signature serves every reader for seconds, unless something changed.
package final class RevocationPublisher: Sendable {
    /// Seconds for which a signed list is handed out again.
    static let reuseSeconds: Int64 = 5

    private let issuer: String
    private let book: DistrustBook
    private let keys: SigningKeyStore
    private let clock: ServiceClock
    private let last = Mutex<(list: RevocationList, compact: String)?>(nil)

    package init(issuer: String, book: DistrustBook, keys: SigningKeyStore, clock: ServiceClock) {
        self.issuer = issuer
        self.book = book
        self.keys = keys
        self.clock = clock
    }

    /// The signed compact form of what is revoked now.
    ///
    /// - Throws: `time-untrusted`; `not-ready` when the store does not answer or the key cannot sign.
    package func current() async throws(Refusal) -> String {
        let now = try clock.now()
        if let last = last.withLock({ $0 }), (0..<Self.reuseSeconds).contains(now - last.list.issuedAt),
            try await book.revokedRevision() == last.list.sequence
        {
            return last.compact
        }
        let list = try await book.list(issuer: issuer, at: now)
        try await keys.requireCurrent(at: now)
        let signer = try keys.signer("ES256")
        let compact = try list.sign(with: signer.key, keyID: signer.keyID)
        last.withLock { $0 = (list, compact) }
        return compact
    }
}
