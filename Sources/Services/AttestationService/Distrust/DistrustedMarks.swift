import Encoding
import Evidence
import Storage
import Synchronization

/// The marks that one instance distrusted at the last look at its state, with which the next look goes on.
final class DistrustedMarks: Sendable {
    private let instance: String
    private struct State {
        var revision: Int64 = 0
        var since: [EvidenceMark: Timestamp] = [:]
        /// The keys of `since`, which every appraisal takes.
        var marks: Set<EvidenceMark> = []
    }

    private let state = Mutex(State())

    init(instance: String) { self.instance = instance }

    /// Sorted.
    var entries: [DistrustBook.Entry] {
        state.withLock { $0.since }.map { DistrustBook.Entry(mark: $0.key, since: $0.value) }
            .sorted { $0.mark < $1.mark }
    }

    var marks: Set<EvidenceMark> { state.withLock { $0.marks } }

    /// Takes in what has changed.
    func refresh(_ reader: any StateReader) throws {
        let revision = state.withLock { $0.revision }
        let changes = try DistrustBook.all(DistrustBook.markKind, of: instance, after: revision, in: reader)
        state.withLock { state in
            // Another look may have been quicker, and at something newer.
            for change in changes where change.revision > state.revision {
                state.revision = change.revision
                guard let mark = try? EvidenceMark(parsing: change.key.name) else { continue }
                let since = change.value.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
                state.since[mark] = since.map { Timestamp(seconds: $0) }
                if since == nil { state.marks.remove(mark) } else { state.marks.insert(mark) }
            }
        }
    }
}
