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
    private let known: DistrustedMarks
    private let look: SharedRead<Void>
    private let revoked: RevokedState
    private let revocations: SharedRead<[StateRecord]>
    private let recorder: TokenRecorder

    /// - Parameter instance: the name under which the store keeps what is this instance's.
    package init(instance: String, store: any StateStore, audit: AuditLog) {
        self.instance = instance
        self.store = store
        self.audit = audit
        let revoked = RevokedState()
        self.revoked = revoked
        revocations = SharedRead {
            let revision = revoked.withLock { $0.revision }
            return try await store.read { reader in
                try DistrustBook.all(DistrustBook.revokedKind, of: instance, after: revision, in: reader)
            }
        }
        let known = DistrustedMarks(instance: instance)
        self.known = known
        recorder = TokenRecorder(instance: instance, store: store, distrusted: known)
        look = SharedRead { try await store.read { try known.refresh($0) } }
    }

    static let markKind = "distrust"
    static let revokedKind = "revoked"
    static let issuedKind = "issued"
    private static let page = 1_024
    /// Records of the ring in one step: each may be full.
    private static let ringPage = 64

    // MARK: Reading

    /// What is distrusted now, also by other processes.
    ///
    /// - Throws: `not-ready` when the store does not answer.
    package func entries() async throws(Refusal) -> [Entry] {
        do { try await look.value() } catch { throw DistrustBook.refusal(error) }
        return known.entries
    }

    /// The marks of `entries`.
    ///
    /// - Throws: `not-ready` when the store does not answer.
    package func marks() async throws(Refusal) -> Set<EvidenceMark> {
        do { try await look.value() } catch { throw DistrustBook.refusal(error) }
        return known.marks
    }

    /// The list of revoked tokens as it stands; unsigned.
    ///
    /// - Throws: `not-ready` when the store does not answer.
    package func list(issuer: String, at time: Timestamp) async throws(Refusal) -> RevocationList {
        _ = try await revokedRevision()
        return revoked.withLock { $0.list(issuer: issuer, at: time) }
    }

    /// The sequence that the list has now.
    func revokedRevision() async throws(Refusal) -> Int64 {
        do {
            for change in try await revocations.value() { revoked.withLock { $0.take(change) } }
            return revoked.withLock { $0.revision }
        } catch { throw DistrustBook.refusal(error) }
    }

    static func all(
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
    /// The mark holds first: from then on no token is put on record that has it. What was issued before is then looked
    /// through in steps, between which others are served.
    ///
    /// - Parameter entry: the audit line, which is part of the transaction with the mark.
    /// - Returns: how many tokens that may still be accepted are revoked for this mark.
    /// - Throws: `not-ready`, also when the mark holds but not every token could be revoked: then ask again.
    package func distrust(
        _ mark: EvidenceMark, at time: Timestamp, entry: AuditEntry
    ) async throws(Refusal) -> Int {
        let (instance, audit) = (instance, audit)
        let digest = Array(IssuedTokenRing.digest(mark).utf8)
        let listKey = StateKey(owner: instance, kind: DistrustBook.revokedKind, name: mark.description)
        do {
            try await store.write { transaction in
                let key = StateKey(owner: instance, kind: DistrustBook.markKind, name: mark.description)
                if try transaction.record(key)?.value == nil {
                    _ = try transaction.put(Array(String(time.seconds).utf8), at: key)
                }
                try audit.append(entry)
            }
            var found: [String: RevokedTokens.Token] = [:]
            var last: Int64? = 0
            while let after = last {
                let (tokens, next) = try await store.read { reader in
                    let records = try reader.records(
                        owner: instance, kind: DistrustBook.issuedKind, after: after, limit: DistrustBook.ringPage)
                    var tokens: [String: RevokedTokens.Token] = [:]
                    for value in records.compactMap(\.value) {
                        tokens.merge(IssuedTokenRing.tokens(in: value, with: digest, at: time)) { $1 }
                    }
                    return (tokens, records.count == DistrustBook.ringPage ? records.last?.revision : nil)
                }
                found.merge(tokens) { $1 }
                last = next
            }
            return try await store.write { [found] transaction in
                let former = RevokedTokens.read(try transaction.record(listKey)?.value ?? [])
                let tokens = found.merging(former.filter { $0.value.matters(at: time) }) { $1 }
                _ = try transaction.put(RevokedTokens.bytes(tokens), at: listKey)
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

/// What was revoked at the last look.
private final class RevokedState: Sendable {
    private let tokens = Mutex(RevokedTokens())

    func withLock<Value>(_ body: (inout RevokedTokens) -> Value) -> Value { tokens.withLock { body(&$0) } }
}
