public import Encoding
import Foundation
import GRDB
package import Storage

/// The durable records of a medical platform unit: one SQLite database for all its tenants.
///
/// Opens without any key; what concerns a patient is reached through `records(of:)`, which needs the tenant's released
/// key. Every write is on disk when it returns (architecture rules 31 and 33).
public struct RecordStore: Sendable {
    /// Attempts of a job before it fails visibly.
    public static let maximumAttempts = 3

    private let database: Storage.Database
    private let randomness: Randomness

    /// Takes a database whose migrations include `RecordSchema.register(in:)`.
    package init(database: Storage.Database, randomness: Randomness = .system) {
        self.database = database
        self.randomness = randomness
    }

    /// Opens or creates the database file.
    ///
    /// - Throws: `storage-unavailable` when it cannot be opened.
    public init(path: String, randomness: Randomness = .system) throws(Refusal) {
        var migrator = DatabaseMigrator()
        RecordSchema.register(in: &migrator)
        do {
            self.init(database: try Storage.Database(path: path, migrator: migrator), randomness: randomness)
        } catch {
            throw Refusal(.storageUnavailable, "the record database could not be opened")
        }
    }

    /// Lets go of the file; later calls are refused.
    public func close() throws(Refusal) {
        do { try database.close() } catch { throw Refusal(.storageUnavailable, "the record database is in use") }
    }

    /// The records of one tenant under its key.
    public func records(of cipher: RowCipher) -> TenantRecords {
        TenantRecords(database: database, cipher: cipher, randomness: randomness)
    }

    /// Puts jobs that a former process was running back to pending; called once, at start, before any job is claimed.
    ///
    /// - Returns: how many there were.
    @discardableResult public func recoverJobs() async throws(Refusal) -> Int {
        try await storage { [database] in
            try await database.pool.write { database in
                try database.execute(sql: "UPDATE jobs SET state = 'pending', deadline = NULL WHERE state = 'running'")
                return database.changesCount
            }
        }
    }

    /// Puts running jobs whose deadline has passed back to pending.
    ///
    /// - Returns: how many there were.
    @discardableResult public func expireJobs(at time: Timestamp) async throws(Refusal) -> Int {
        try await storage { [database] in
            try await database.pool.write { database in
                try database.execute(
                    sql: "UPDATE jobs SET state = 'pending', deadline = NULL WHERE state = 'running' AND deadline < ?",
                    arguments: [time.seconds])
                return database.changesCount
            }
        }
    }

    /// Jobs that wait, oldest first, over all tenants; needs no key.
    public func pendingJobs(limit: Int = 100) async throws(Refusal) -> [(tenant: Digest, job: RecordID)] {
        try await storage { [database] in
            try await database.pool.read { database in
                let rows = try Row.fetchAll(
                    database,
                    sql: "SELECT tenant, id FROM jobs WHERE state = 'pending' ORDER BY created, rowid LIMIT ?",
                    arguments: [limit])
                return try rows.compactMap { row throws(Refusal) in
                    let bytes: Data = try row.column("tenant")
                    guard let tenant = Digest(bytes: bytes) else { return nil }
                    return (tenant, try row.recordID("id"))
                }
            }
        }
    }
}

extension RefusalCode {
    /// The database cannot be read or written now.
    public static let storageUnavailable = RefusalCode("storage-unavailable", status: 503)
    /// A job was begun as often as is allowed and never ended.
    public static let jobInterrupted = RefusalCode("job-interrupted", status: 503)
}

/// Runs `body` and turns whatever the database throws into one refusal; SQLite's own text stays inside.
func storage<Value>(_ body: () async throws -> Value) async throws(Refusal) -> Value {
    do {
        return try await body()
    } catch let refusal as Refusal {
        throw refusal
    } catch {
        throw Refusal(.storageUnavailable, "the record database could not be read or written")
    }
}

/// The same for one statement inside a transaction.
func stored<Value>(_ body: () throws -> Value) throws(Refusal) -> Value {
    do {
        return try body()
    } catch let refusal as Refusal {
        throw refusal
    } catch {
        throw Refusal(.storageUnavailable, "the record database could not be read or written")
    }
}
