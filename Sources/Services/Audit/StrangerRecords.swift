package import Encoding
import Synchronization

/// Decisions about callers whom nobody knows, written so that no flood of them fills the disk (AC-161).
///
/// Each minute the first of a kind (event, outcome and code) get a line each. The others are counted, and one line with
/// their number follows when the minute has ended, and when the service ends. It holds nothing that a caller chose.
package final class StrangerRecords: Sendable {
    /// Lines of a kind in a minute, before the line that counts the others.
    package static let linesPerMinute = 10

    private struct Kind: Hashable {
        var event: String
        var outcome: AuditEntry.Outcome
        var code: String?
    }

    /// Decisions that have no line yet.
    private struct Uncounted {
        var count: Int64 = 0
        /// The request id of the newest.
        var id: String
    }

    private struct State {
        var minute: Int64?
        /// Of this minute; there are as many kinds as the service has events and codes.
        var counts: [Kind: Int] = [:]
        var uncounted: [Kind: Uncounted] = [:]
    }

    private let audit: AuditLog
    private let clock: WallClock
    private let state = Mutex(State())

    package init(_ audit: AuditLog, clock: WallClock) {
        self.audit = audit
        self.clock = clock
    }

    /// Writes one decision, or counts it.
    ///
    /// - Throws: `audit-unavailable`; then the decision must not be answered as made.
    package func record(_ entry: AuditEntry) async throws(Refusal) {
        // The part of a code may come from the request.
        let code = entry.code.map { String($0.prefix { $0 != ":" }) }
        let kind = Kind(event: entry.event, outcome: entry.outcome, code: code)
        let minute = clock.now().seconds / 60
        let (hasMinuteEnded, isWritten) = state.withLock { state in
            let hasMinuteEnded = state.minute.map { $0 != minute } ?? false
            if hasMinuteEnded { state.counts = [:] }
            state.minute = minute
            state.counts[kind, default: 0] += 1
            let isWritten = state.counts[kind, default: 0] <= Self.linesPerMinute
            if !isWritten { Self.add(1, entry.id, to: &state.uncounted[kind]) }
            return (hasMinuteEnded, isWritten)
        }
        if hasMinuteEnded { try await flush() }
        if isWritten { try await audit.record(entry) }
    }

    /// Writes a line for each kind of which decisions were only counted.
    ///
    /// - Throws: `audit-unavailable`; then they stay counted.
    package func flush() async throws(Refusal) {
        let uncounted = state.withLock { state in
            defer { state.uncounted = [:] }
            return state.uncounted
        }
        var failure: Refusal?
        for (kind, one) in uncounted {
            var entry = AuditEntry(event: kind.event, outcome: kind.outcome, id: one.id, code: kind.code)
            entry.count = one.count
            do throws(Refusal) { try await audit.record(entry) } catch {
                state.withLock { Self.add(one.count, one.id, to: &$0.uncounted[kind]) }
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private static func add(_ count: Int64, _ id: String, to uncounted: inout Uncounted?) {
        uncounted = Uncounted(count: (uncounted?.count ?? 0) + count, id: id)
    }
}
