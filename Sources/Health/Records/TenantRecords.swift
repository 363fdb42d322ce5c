public import Encoding
import GRDB
import Storage

/// The records of one tenant: nothing that is reached through this value belongs to another one.
public struct TenantRecords: Sendable {
    /// The party id of the tenant.
    public var tenant: Digest { cipher.tenant }

    private let database: Storage.Database
    private let cipher: RowCipher
    private let randomness: Randomness

    init(database: Storage.Database, cipher: RowCipher, randomness: Randomness) {
        self.database = database
        self.cipher = cipher
        self.randomness = randomness
    }

    /// Reads a consistent snapshot.
    ///
    /// - Throws: the refusal that `body` throws; `storage-unavailable` for any other error.
    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (RecordReader) throws -> Value
    ) async throws(Refusal) -> Value {
        try await storage { [database, cipher] in
            try await database.pool.read { database in
                try body(RecordReader(rows: SealedRows(database: database, cipher: cipher)))
            }
        }
    }

    /// Runs `body` in one transaction that is durable when this returns, and leaves no trace when it throws.
    ///
    /// - Throws: the refusal that `body` throws; `storage-unavailable` for any other error.
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (RecordWriter) throws -> Value
    ) async throws(Refusal) -> Value {
        try await storage { [database, cipher, randomness] in
            try await database.pool.write { database in
                let rows = SealedRows(database: database, cipher: cipher)
                return try body(RecordWriter(rows: rows, randomness: randomness))
            }
        }
    }

    /// Runs `body` at most once for an idempotency key and returns the first outcome ever after.
    ///
    /// The outcome commits together with the effects of `body`; when `body` throws, nothing is kept and the key may be
    /// used again.
    ///
    /// - Throws: `conflict` when the key was used for another request; `request-malformed` for a key that is none.
    /// - Source: architecture rule 26.
    public func once(
        _ key: IdempotencyKey, at time: Timestamp,
        _ body: @escaping @Sendable (RecordWriter) throws -> StoredOutcome
    ) async throws(Refusal) -> StoredOutcome {
        try await write { writer in
            if let former = try writer.outcome(of: key) { return former }
            let outcome = try body(writer)
            try writer.keep(outcome, of: key, at: time)
            return outcome
        }
    }
}

/// Reads inside a snapshot. Used only inside `TenantRecords.read`.
public struct RecordReader: RecordReading {
    public let rows: SealedRows
}

/// Reads and writes inside a transaction. Used only inside `TenantRecords.write` and `once`.
public struct RecordWriter: RecordReading {
    public let rows: SealedRows
    let randomness: Randomness

    /// A fresh id for a record.
    public func newID() -> RecordID { RecordID(randomness) }
}

/// What can be read of a tenant's records; its functions stand beside the things they read.
public protocol RecordReading {
    var rows: SealedRows { get }
}
