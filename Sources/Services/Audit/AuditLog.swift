import Dispatch
package import Encoding
import Synchronization

/// The append-only record of every decision, one JCS object a line, chained by hashes (formats section 9).
///
/// A line is on the disk before `append` returns, so an answer that waits for it can never outrun its record. Where a
/// line cannot be written, nothing may be answered but `audit-unavailable`.
///
/// What opening finds out: a line changed, removed from the middle, doubled or forked is `state-rollback`. An
/// unfinished last line (no line feed) is what a crash in the middle of a write leaves; its answer never left, so it is
/// cut off and the chain goes on. Whole lines missing at the end cannot be told from a log that never had them, unless
/// the state that belongs to the log keeps the place of its newest change (`append(change:after:)`).
package final class AuditLog: Sendable {
    private struct State {
        var chain: AuditChain
        /// Bytes that are known to be good; anything beyond is left over from a failed write.
        var length: Int64
        var hasLeftovers: Bool
        /// The newest change, until the state beside the log is known to have it.
        var open: OpenChange?
    }

    /// A call that waits until its line is on the disk.
    private struct Waiting {
        let entry: AuditEntry
        let continuation: CheckedContinuation<Result<Void, Refusal>, Never>
    }

    private let file: any AuditFile
    private let clock: WallClock
    private let state: Mutex<State>
    private let waiting = Mutex<[Waiting]>([])
    private let queue = DispatchQueue(label: "cloister.audit")

    /// Opens or creates the log at `path` (mode 0600) and checks the whole chain.
    ///
    /// - Parameter kept: the place that the state beside the log keeps; nil where there is no such state. One change
    ///   after it is what a crash between line and commit leaves; a line `state.unfinished` then says so.
    /// - Throws: `state-rollback` for a broken chain, for two changes or more after `kept`, and for a log without
    ///   `kept`; `audit-unavailable` when the file cannot be used, or is open in another process.
    package convenience init(
        path: String, after kept: AuditPlace? = nil, clock: WallClock = .system
    ) throws(Refusal) {
        let file: SystemAuditFile
        do throws(AuditFileError) {
            file = try SystemAuditFile(path: path)
        } catch {
            throw AuditLog.unavailable(error)
        }
        try self.init(file: file, after: kept, clock: clock)
    }

    /// Over any file; see `init(path:after:clock:)`.
    package init(file: any AuditFile, after kept: AuditPlace? = nil, clock: WallClock) throws(Refusal) {
        self.file = file
        self.clock = clock
        let found = try AuditScan(file, after: kept)
        if found.hasLeftovers {
            do throws(AuditFileError) {
                try file.truncate(to: found.length)
                try file.synchronize()
            } catch {
                throw AuditLog.unavailable(error)
            }
        }
        state = Mutex(State(chain: found.chain, length: found.length, hasLeftovers: false))
        if let open = found.open { try append(open.closing) }
    }

    /// Number of lines.
    package var count: Int64 { state.withLock { $0.chain.sequence } }

    /// Writes one decision and returns when it is on the disk. Blocks; see `record` for use in asynchronous code.
    ///
    /// - Throws: `audit-unavailable`; then the decision must not take effect. The log recovers by itself once the file
    ///   can be written again.
    package func append(_ entry: AuditEntry) throws(Refusal) { _ = try append([entry], after: nil) }

    /// Writes the line of a change. The caller then makes the change and keeps the returned place, both in one step;
    /// changes come one after the other.
    ///
    /// - Parameter kept: the place of the last change that was made. When that is not the last one written here, the one
    ///   written here was not made, and a line `state.unfinished` says so first.
    /// - Throws: `audit-unavailable`; then the change must not be made.
    package func append(change entry: AuditEntry, after kept: AuditPlace) throws(Refusal) -> AuditPlace {
        var entry = entry
        entry.isChange = true
        return try append([entry], after: kept)
    }

    /// `append` on a thread that may block. What comes while the disk is busy is written together by whoever is next, so
    /// that many calls share one wait for the disk.
    package func record(_ entry: AuditEntry) async throws(Refusal) {
        let result: Result<Void, Refusal> = await withCheckedContinuation { continuation in
            let isFirst = waiting.withLock { waiting in
                waiting.append(Waiting(entry: entry, continuation: continuation))
                return waiting.count == 1
            }
            if isFirst { queue.async { self.appendWaiting() } }
        }
        try result.get()
    }

    private func appendWaiting() {
        let batch = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        let result: Result<Void, Refusal>
        do throws(Refusal) {
            _ = try append(batch.map(\.entry), after: nil)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for one in batch { one.continuation.resume(returning: result) }
    }

    /// All of them or none.
    ///
    /// - Parameter kept: for a change, the place of the one before; nil for what changes nothing.
    private func append(_ entries: [AuditEntry], after kept: AuditPlace?) throws(Refusal) -> AuditPlace {
        let time = clock.now()
        let result: Result<AuditPlace, AuditFileError> = state.withLock { state in
            do throws(AuditFileError) {
                if state.hasLeftovers {
                    try file.truncate(to: state.length)
                    try file.synchronize()
                    state.hasLeftovers = false
                }
                var chain = state.chain
                var lines: [UInt8] = []
                if let kept, let open = state.open, open.place != kept {
                    lines += chain.line(open.closing.members(at: time)) + [UInt8(ascii: "\n")]
                }
                for entry in entries { lines += chain.line(entry.members(at: time)) + [UInt8(ascii: "\n")] }
                state.hasLeftovers = true
                try file.write(lines, at: state.length)
                try file.synchronize()
                state.hasLeftovers = false
                state.chain = chain
                state.length += Int64(lines.count)
                if kept != nil, let change = entries.last { state.open = OpenChange(place: chain.place, change) }
                return .success(chain.place)
            } catch {
                return .failure(error)
            }
        }
        do throws(AuditFileError) { return try result.get() } catch { throw AuditLog.unavailable(error) }
    }

    // MARK: Opening

    /// What a log says about itself.
    package struct Summary: Hashable, Sendable {
        /// Number of whole lines.
        package var lines: Int64
        /// Hash of the newest line: whoever keeps it can later tell a log from an older state of it.
        package var head: Digest
        /// Whether something without a line feed stands at the end, as a crash or a write under way leaves it.
        package var isUnfinished: Bool
        /// Whether `wanted` is the hash of a line; true where none was.
        package var hasWanted: Bool
    }

    /// Checks the whole chain of a log, which may be in use.
    ///
    /// - Parameter wanted: hash of a line that must be there: then nothing up to it was taken away.
    /// - Throws: `state-rollback` for a broken chain; `audit-unavailable` when the file cannot be read.
    package static func verify(path: String, contains wanted: Digest? = nil) throws(Refusal) -> Summary {
        let file: ReadOnlyAuditFile
        do throws(AuditFileError) { file = try ReadOnlyAuditFile(path: path) } catch { throw unavailable(error) }
        let found = try AuditScan(file, for: wanted)
        guard let head = Digest(bytes: found.chain.head) else { throw Refusal(.stateRollback, "no hash") }
        return Summary(
            lines: found.chain.sequence, head: head, isUnfinished: found.hasLeftovers, hasWanted: found.hasWanted)
    }

    static func unavailable(_ error: AuditFileError) -> Refusal {
        Refusal(.auditUnavailable, "the audit log cannot be used (system error \(error.errorNumber))")
    }
}
