public import Encoding
import GRDB

/// Something that the staff should see; holds random ids only.
public struct Event: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case result, failed
    }

    /// Rises by one within a tenant, from 1.
    public var sequence: Int64
    public var kind: Kind
    public var job: RecordID
    public var study: RecordID
    public var result: RecordID?
    public var at: Timestamp

    /// The form of `GET /events`.
    public var json: JSON {
        var members: [String: JSON] = [
            "sequence": .integer(sequence), "kind": .string(kind.rawValue), "job": .string(job.description),
            "study": .string(study.description),
        ]
        if let result { members["result"] = .string(result.description) }
        return .object(members)
    }
}

extension RecordReading {
    /// Events with a greater sequence, oldest first.
    public func events(after sequence: Int64, limit: Int = 100) throws(Refusal) -> [Event] {
        let found = try stored {
            try Row.fetchAll(
                rows.database,
                sql: """
                    SELECT sequence, kind, job, study, result, at FROM events
                    WHERE tenant = ? AND sequence > ? ORDER BY sequence LIMIT ?
                    """, arguments: [rows.tenant, sequence, limit])
        }
        var events: [Event] = []
        for row in found {
            guard let kind = Event.Kind(rawValue: try row.column("kind")) else { continue }
            let result: String? = try row.optional("result")
            events.append(
                Event(
                    sequence: try row.column("sequence"), kind: kind, job: try row.recordID("job"),
                    study: try row.recordID("study"), result: result.flatMap { RecordID($0) },
                    at: Timestamp(seconds: try row.column("at"))))
        }
        return events
    }
}

extension RecordWriter {
    func addEvent(
        _ kind: Event.Kind, job: RecordID, study: RecordID, result: RecordID?, at time: Timestamp
    ) throws(Refusal) {
        try stored {
            try rows.database.execute(
                sql: """
                    INSERT INTO events (tenant, sequence, kind, job, study, result, at)
                    VALUES (?, 1 + COALESCE((SELECT MAX(sequence) FROM events WHERE tenant = ?), 0), ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    rows.tenant, rows.tenant, kind.rawValue, job.description, study.description, result?.description,
                    time.seconds,
                ])
        }
    }
}
