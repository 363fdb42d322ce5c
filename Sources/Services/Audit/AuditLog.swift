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
/// cut off and the chain goes on. Whole lines missing at the end cannot be told from a log that never had them.
package final class AuditLog: Sendable {
    private struct State {
        var chain: AuditChain
        /// Bytes that are known to be good; anything beyond is left over from a failed write.
        var length: Int64
        var hasLeftovers: Bool
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
    /// - Throws: `state-rollback` for a broken chain; `audit-unavailable` when the file cannot be used, or is open in
    ///   another process.
    package convenience init(path: String, clock: WallClock = .system) throws(Refusal) {
        let file: SystemAuditFile
        do throws(AuditFileError) {
            file = try SystemAuditFile(path: path)
        } catch {
            throw AuditLog.unavailable(error)
        }
        try self.init(file: file, clock: clock)
    }

    /// Over any file; see `init(path:clock:)`.
    package init(file: any AuditFile, clock: WallClock) throws(Refusal) {
        self.file = file
        self.clock = clock
        let found = try AuditLog.check(file)
        if found.hasLeftovers {
            do throws(AuditFileError) {
                try file.truncate(to: found.length)
                try file.synchronize()
            } catch {
                throw AuditLog.unavailable(error)
            }
        }
        state = Mutex(State(chain: found.chain, length: found.length, hasLeftovers: false))
    }

    /// Number of lines.
    package var count: Int64 { state.withLock { $0.chain.sequence } }

    /// Writes one decision and returns when it is on the disk. Blocks; see `record` for use in asynchronous code.
    ///
    /// - Throws: `audit-unavailable`; then the decision must not take effect. The log recovers by itself once the file
    ///   can be written again.
    package func append(_ entry: AuditEntry) throws(Refusal) { try append([entry]) }

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
        do throws(Refusal) { result = .success(try append(batch.map(\.entry))) } catch {
            result = .failure(error)
        }
        for one in batch { one.continuation.resume(returning: result) }
    }

    /// All of them or none.
    private func append(_ entries: [AuditEntry]) throws(Refusal) {
        let time = clock.now()
        let result: Result<Void, AuditFileError> = state.withLock { state in
            do throws(AuditFileError) {
                if state.hasLeftovers {
                    try file.truncate(to: state.length)
                    try file.synchronize()
                    state.hasLeftovers = false
                }
                var chain = state.chain
                var lines: [UInt8] = []
                for entry in entries { lines += chain.line(entry.members(at: time)) + [UInt8(ascii: "\n")] }
                state.hasLeftovers = true
                try file.write(lines, at: state.length)
                try file.synchronize()
                state.hasLeftovers = false
                state.chain = chain
                state.length += Int64(lines.count)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let error) = result { throw AuditLog.unavailable(error) }
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
        let (state, hasWanted) = try check(file, for: wanted)
        guard let head = Digest(bytes: state.chain.head) else { throw Refusal(.stateRollback, "no hash") }
        return Summary(
            lines: state.chain.sequence, head: head, isUnfinished: state.hasLeftovers, hasWanted: hasWanted)
    }

    private static func check(_ file: any AuditFile) throws(Refusal) -> State { try check(file, for: nil).state }

    private static func check(
        _ file: any AuditFile, for wanted: Digest?
    ) throws(Refusal) -> (state: State, hasWanted: Bool) {
        var hasWanted = wanted == nil
        var chain = AuditChain()
        var good: Int64 = 0
        var offset: Int64 = 0
        var pending: [UInt8] = []
        while true {
            let chunk: [UInt8]
            do throws(AuditFileError) { chunk = try file.read(at: offset, count: 65_536) } catch {
                throw unavailable(error)
            }
            if chunk.isEmpty { break }
            offset += Int64(chunk.count)
            pending.append(contentsOf: chunk)
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                try chain.take(Array(pending[..<end]))
                hasWanted = hasWanted || wanted?.bytes == chain.head
                good += Int64(end + 1)
                pending.removeSubrange(...end)
            }
            guard pending.count <= AuditChain.maximumLineBytes else {
                throw Refusal(
                    .stateRollback, "audit line \(chain.sequence + 1) is longer than any line that is written")
            }
        }
        return (State(chain: chain, length: good, hasLeftovers: !pending.isEmpty), hasWanted)
    }

    private static func unavailable(_ error: AuditFileError) -> Refusal {
        Refusal(.auditUnavailable, "the audit log cannot be used (system error \(error.errorNumber))")
    }
}
