public import Encoding
import GRDB

/// Where a job stands.
public enum JobState: String, Sendable, Hashable {
    case pending, running, done, failed
}

/// The diagnosis of one study.
public struct Job: Sendable, Hashable {
    public var id: RecordID
    public var study: RecordID
    public var upload: RecordID
    public var state: JobState
    /// How often it was begun.
    public var attempt: Int
    /// Until when the present attempt may run.
    public var deadline: Timestamp?
    /// Set when it is done.
    public var result: RecordID?
    /// Why it failed.
    public var refusal: JobRefusal?
}

/// A refusal as it is kept with a job that failed.
public struct JobRefusal: Sendable, Hashable {
    /// `code` or `code:part`.
    public var name: String
    public var detail: String
}

/// How an attempt that did not succeed ends.
public enum AttemptEnd: Sendable, Hashable {
    /// The job waits for another attempt, unless this was the last one.
    case mayRetry
    /// The same would happen again.
    case final
}

extension RecordReading {
    /// The job; nil when the tenant has no such one.
    public func job(_ id: RecordID) throws(Refusal) -> Job? {
        let row = try stored {
            try Row.fetchOne(
                rows.database,
                sql: "SELECT study, upload, state, attempt, deadline, result FROM jobs WHERE tenant = ? AND id = ?",
                arguments: [rows.tenant, id.description])
        }
        guard let row else { return nil }
        guard let state = JobState(rawValue: try row.column("state")) else {
            throw Refusal(.storageUnavailable, "the record database holds a value that it should not")
        }
        let deadline: Int64? = try row.optional("deadline")
        let result: String? = try row.optional("result")
        var job = Job(
            id: id, study: try row.recordID("study"), upload: try row.recordID("upload"), state: state,
            attempt: try row.column("attempt"), deadline: deadline.map(Timestamp.init(seconds:)),
            result: result.flatMap { RecordID($0) })
        if state == .failed, let failure = try rows.json(.failure, id.description) {
            job.refusal = JobRefusal(
                name: failure["name"]?.string ?? "", detail: failure["detail"]?.string ?? "")
        }
        return job
    }
}

extension RecordWriter {
    /// Begins an attempt: pending → running.
    ///
    /// - Parameter timeLimit: seconds until the attempt counts as lost.
    /// - Returns: the running job; nil when it is not pending, or when it had its last attempt and failed now.
    public func claim(_ id: RecordID, at time: Timestamp, timeLimit: Int64) throws(Refusal) -> Job? {
        guard var job = try job(id), job.state == .pending else { return nil }
        guard job.attempt < RecordStore.maximumAttempts else {
            let refusal = Refusal(.jobInterrupted, "the job was interrupted \(job.attempt) times")
            try fail(job, refusal, at: time)
            return nil
        }
        job.attempt += 1
        job.state = .running
        job.deadline = time + timeLimit
        try stored {
            try rows.database.execute(
                sql: "UPDATE jobs SET state = 'running', attempt = ?, deadline = ? WHERE tenant = ? AND id = ?",
                arguments: [job.attempt, (time + timeLimit).seconds, rows.tenant, id.description])
        }
        return job
    }

    /// Ends an attempt that did not succeed: running → pending, or → failed with an event.
    ///
    /// - Returns: the state in which the job is now.
    /// - Throws: `conflict` unless exactly this attempt is running: a late answer changes nothing.
    @discardableResult public func endAttempt(
        _ attempt: Int, of id: RecordID, _ refusal: Refusal, _ end: AttemptEnd, at time: Timestamp
    ) throws(Refusal) -> JobState {
        let job = try running(attempt, of: id)
        if end == .mayRetry, attempt < RecordStore.maximumAttempts {
            try stored {
                try rows.database.execute(
                    sql: "UPDATE jobs SET state = 'pending', deadline = NULL WHERE tenant = ? AND id = ?",
                    arguments: [rows.tenant, id.description])
            }
            return .pending
        }
        try fail(job, refusal, at: time)
        return .failed
    }

    /// The job, if this attempt of it runs.
    func running(_ attempt: Int, of id: RecordID) throws(Refusal) -> Job {
        guard let job = try job(id) else { throw Refusal(.notFound, "no such job") }
        guard job.state == .running, job.attempt == attempt else {
            throw Refusal(.conflict, "this attempt of the job is over")
        }
        return job
    }

    private func fail(_ job: Job, _ refusal: Refusal, at time: Timestamp) throws(Refusal) {
        let failure: JSON = ["name": .string(refusal.name), "detail": .string(refusal.detail)]
        try rows.put(failure, .failure, job.id.description, at: time)
        try stored {
            try rows.database.execute(
                sql: "UPDATE jobs SET state = 'failed', deadline = NULL WHERE tenant = ? AND id = ?",
                arguments: [rows.tenant, job.id.description])
        }
        try addEvent(.failed, job: job.id, study: job.study, result: nil, at: time)
    }
}
