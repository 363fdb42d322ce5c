package import AttestationToken
package import Audit
package import Encoding
package import Evidence
package import Storage
import Synchronization

/// What one instance no longer trusts, which tokens it issued, and which of them it revoked.
///
/// A token is on record before it leaves. To record one and to distrust a mark are transactions of the same store, which
/// takes them one after the other, also those of several processes: either the record sees the mark and the token is not
/// issued, or the command sees the token and revokes it. Nothing lies between.
package final class DistrustBook: Sendable {
    /// A mark that is distrusted.
    package struct Entry: Hashable, Sendable {
        package let mark: EvidenceMark
        package let since: Timestamp

        package var json: JSON { ["mark": .string(mark.description), "since": .integer(since.seconds)] }
    }

    private let instance: String
    private let store: any StateStore
    private let audit: AuditLog
    private let marks: SharedRead<[Entry]>
    private let revoked = Mutex(RevokedTokens())
    private let recorder: TokenRecorder

    /// - Parameter instance: the name under which the store keeps what is this instance's.
    package init(instance: String, store: any StateStore, audit: AuditLog) {
        self.instance = instance
        self.store = store
        self.audit = audit
        recorder = TokenRecorder(instance: instance, store: store)
        let known = DistrustedMarks()
        marks = SharedRead {
            let revision = known.revision
            return known.take(
                try await store.read { reader in
                    try DistrustBook.all(DistrustBook.markKind, of: instance, after: revision, in: reader)
                })
        }
    }

    static let markKind = "distrust"
    static let revokedKind = "revoked"
    static let issuedKind = "issued"
    private static let page = 1_024

    // MARK: Reading

    /// What is distrusted now, also by other processes.
    ///
    /// - Throws: `not-ready` when the store does not answer.
    package func entries() async throws(Refusal) -> [Entry] {
        do { return try await marks.value() } catch { throw DistrustBook.refusal(error) }
    }

    /// The list of revoked tokens as it stands; unsigned.
    ///
    /// - Throws: `not-ready` when the store does not answer.
    package func list(issuer: String, at time: Timestamp) async throws(Refusal) -> RevocationList {
        let known = revoked.withLock { $0.revision }
        let changes = try await changes(DistrustBook.revokedKind, after: known)
        return revoked.withLock { revoked in
            for change in changes { revoked.take(change) }
            return revoked.list(issuer: issuer, at: time)
        }
    }

    private func changes(_ kind: String, after revision: Int64) async throws(Refusal) -> [StateRecord] {
        let instance = instance
        do {
            return try await store.read { reader in
                try DistrustBook.all(kind, of: instance, after: revision, in: reader)
            }
        } catch { throw DistrustBook.refusal(error) }
    }

    private static func all(
        _ kind: String, of instance: String, after revision: Int64, in reader: any StateReader
    ) throws -> [StateRecord] {
        var all: [StateRecord] = []
        var last = revision
        while true {
            let some = try reader.records(owner: instance, kind: kind, after: last, limit: page)
            all += some
            guard some.count == page, let end = some.last else { return all }
            last = end.revision
        }
    }

    // MARK: Issuing

    /// Puts a token on record before it leaves.
    ///
    /// - Throws: the refusal of a mark that was distrusted meanwhile; `not-ready` when the store does not answer. Then the
    ///   token must not leave.
    package func record(
        token id: String, issuedAt: Timestamp, expires: Timestamp, marks: [EvidenceMark]
    ) async throws(Refusal) {
        try await recorder.record(
            TokenRecorder.Issue(id: id, issuedAt: issuedAt, expires: expires, marks: marks))
    }

    // MARK: Commands

    /// Distrusts a mark, and revokes every token that was issued to evidence with it.
    ///
    /// - Parameter entry: the audit line, which is part of the same transaction.
    /// - Returns: how many tokens that have not expired are revoked for this mark.
    package func distrust(
        _ mark: EvidenceMark, at time: Timestamp, entry: AuditEntry
    ) async throws(Refusal) -> Int {
        let instance = instance
        let audit = audit
        let digest = Array(IssuedTokenRing.digest(mark).utf8)
        do {
            return try await store.write { transaction in
                let key = StateKey(owner: instance, kind: DistrustBook.markKind, name: mark.description)
                if try transaction.record(key)?.value == nil {
                    _ = try transaction.put(Array(String(time.seconds).utf8), at: key)
                }
                let listKey = StateKey(owner: instance, kind: DistrustBook.revokedKind, name: mark.description)
                var tokens = RevokedTokens.read(try transaction.record(listKey)?.value ?? []).filter {
                    time <= $0.value
                }
                let records = try DistrustBook.all(DistrustBook.issuedKind, of: instance, after: 0, in: transaction)
                for record in records {
                    guard let value = record.value else { continue }
                    tokens.merge(IssuedTokenRing.tokens(in: value, with: digest, at: time)) { $1 }
                }
                _ = try transaction.put(RevokedTokens.bytes(tokens), at: listKey)
                try audit.append(entry)
                return tokens.count
            }
        } catch { throw DistrustBook.refusal(error) }
    }

    /// Trusts a mark again. Tokens that were revoked stay so: their holders attest anew.
    ///
    /// - Throws: `not-found` when the mark is not distrusted.
    package func trust(_ mark: EvidenceMark, entry: AuditEntry) async throws(Refusal) {
        let key = StateKey(owner: instance, kind: DistrustBook.markKind, name: mark.description)
        let audit = audit
        do {
            try await store.write { transaction in
                guard try transaction.record(key)?.value != nil else {
                    throw Refusal(.notFound, "\(mark) is not distrusted")
                }
                _ = try transaction.put(nil, at: key)
                try audit.append(entry)
            }
        } catch { throw DistrustBook.refusal(error) }
    }

    static func refusal(_ error: any Error) -> Refusal {
        (error as? Refusal) ?? Refusal(.notReady, "the state does not answer: \(error)")
    }
}

/// The marks that were distrusted at the last look, with which the next one goes on.
private final class DistrustedMarks: Sendable {
    private let state = Mutex<(revision: Int64, entries: [EvidenceMark: Timestamp])>((0, [:]))

    var revision: Int64 { state.withLock { $0.revision } }

    func take(_ changes: [StateRecord]) -> [DistrustBook.Entry] {
        state.withLock { state in
            for change in changes {
                guard let mark = try? EvidenceMark(parsing: change.key.name) else { continue }
                state.entries[mark] = change.value.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
                    .map { Timestamp(seconds: $0) }
                state.revision = max(state.revision, change.revision)
            }
            return state.entries.map { DistrustBook.Entry(mark: $0.key, since: $0.value) }
                .sorted { $0.mark < $1.mark }
        }
    }
}
