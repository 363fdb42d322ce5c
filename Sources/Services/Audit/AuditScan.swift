import Encoding

/// A log, read from its beginning.
struct AuditScan: Sendable {
    private(set) var chain = AuditChain()
    /// Bytes of whole lines.
    private(set) var length: Int64 = 0
    /// Whether something without a line feed stands at the end.
    private(set) var hasLeftovers = false
    /// Whether the wanted hash is that of a line; true where none is wanted.
    private(set) var hasWanted: Bool
    /// The change after the kept place that nobody was answered for.
    private(set) var open: OpenChange?

    private let wanted: Digest?
    private let kept: AuditPlace?
    private var hasKept: Bool
    private var isBehind = false

    /// - Parameters:
    ///   - wanted: hash of a line that is looked for.
    ///   - kept: what the state beside the log knows of it; nil where there is none.
    /// - Throws: `state-rollback` for a broken chain, and for a log and state that are not of the same moment;
    ///   `audit-unavailable` when the file cannot be read.
    init(_ file: any AuditFile, for wanted: Digest? = nil, after kept: AuditPlace? = nil) throws(Refusal) {
        self.wanted = wanted
        self.kept = kept
        hasWanted = wanted == nil
        hasKept = kept == nil || kept == .start
        var offset: Int64 = 0
        var pending: [UInt8] = []
        while true {
            let chunk: [UInt8]
            do throws(AuditFileError) { chunk = try file.read(at: offset, count: 65_536) } catch {
                throw AuditLog.unavailable(error)
            }
            if chunk.isEmpty { break }
            offset += Int64(chunk.count)
            pending.append(contentsOf: chunk)
            var start = 0
            while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
                try take(Array(pending[start..<end]))
                start = end + 1
            }
            length += Int64(start)
            pending.removeSubrange(..<start)
            guard pending.count <= AuditChain.maximumLineBytes else {
                throw Refusal(
                    .stateRollback, "audit line \(chain.sequence + 1) is longer than any line that is written")
            }
        }
        hasLeftovers = !pending.isEmpty
        try requireSameMoment()
    }

    private mutating func take(_ line: [UInt8]) throws(Refusal) {
        let members = try chain.take(line)
        hasWanted = hasWanted || wanted?.bytes == chain.head
        guard let kept else { return }
        if members["change"] == true {
            isBehind = isBehind || open != nil
            open = OpenChange(place: chain.place, members)
        } else if members["event"]?.string == OpenChange.event {
            open = nil
        } else if members["event"]?.string == "service.start" {
            // A start settles what was open before it says that it started.
            isBehind = isBehind || open != nil
        }
        if chain.place == kept {
            hasKept = true
            isBehind = false
            open = nil
        }
    }

    private func requireSameMoment() throws(Refusal) {
        let advice = "Put back database and audit log of one moment, the newest that there are."
        if let kept, !hasKept {
            throw Refusal(
                .stateRollback,
                "the database knows line \(kept.sequence) of the audit log, which is not in it: the log is an older "
                    + "copy, or another one. " + advice)
        }
        if let kept, isBehind {
            throw Refusal(
                .stateRollback,
                "the audit log has changes after line \(kept.sequence) that the database does not have: the database "
                    + "is an older copy. " + advice)
        }
    }
}

/// A change whose line is written, and that may not have been made: a crash, or a full disk, came between.
struct OpenChange: Hashable, Sendable {
    static let event = "state.unfinished"

    let place: AuditPlace
    private let event: String
    private let id: String
    private let key: String?

    init(place: AuditPlace, _ members: [String: JSON]) {
        self.place = place
        event = members["event"]?.string ?? ""
        id = members["id"]?.string ?? ""
        key = members["key"]?.string
    }

    init(place: AuditPlace, _ entry: AuditEntry) {
        self.place = place
        (event, id, key) = (entry.event, entry.id, entry.key)
    }

    /// Says that it was not made. Nobody was answered that it was.
    var closing: AuditEntry {
        AuditEntry(
            event: OpenChange.event, outcome: .refused, id: id, key: key, seen: "\(event) in line \(place.sequence)")
    }
}
