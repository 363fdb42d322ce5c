import Dispatch
import Synchronization

/// The state of several nodes in one PostgreSQL database.
///
/// Every write locks the one row of the revision first, so writers take turns over all nodes and what a transaction
/// read still holds when it commits.
package final class PostgreSQLStateStore: StateStore {
    /// Connections of one node; each works on one transaction at a time.
    private static let connectionCount = 4

    private let workers: [Worker]
    private let next = Atomic<Int>(0)

    /// Connects, and makes the tables where they are missing.
    ///
    /// - Parameter parameters: libpq's keywords and values, or a `postgresql:` URL. A password belongs in a password
    ///   file, which libpq finds by itself, not here.
    /// - Throws: `StateStoreError`.
    package init(_ parameters: String) throws {
        let first = try PostgreSQLConnection(parameters)
        try Self.makeTables(first)
        workers = (0..<Self.connectionCount).map { index in
            Worker(parameters, connection: index == 0 ? first : nil)
        }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StateReader) throws -> Value
    ) async throws -> Value {
        try await run(["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"], body)
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StateTransaction) throws -> Value
    ) async throws -> Value {
        try await run(
            [
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                "SELECT value FROM cloister_state_revision WHERE id = 1 FOR UPDATE",
            ], body)
    }

    package func close() throws { for worker in workers { worker.close() } }

    private func run<Value: Sendable>(
        _ opening: [String], _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return try await workers[Int(UInt(bitPattern: turn) % UInt(workers.count))].run(opening) {
            try body(Transaction(connection: $0))
        }
    }

    /// Nodes may start at the same moment, so one after the other looks whether the tables are there.
    private static func makeTables(_ connection: PostgreSQLConnection) throws {
        for statement in [
            "BEGIN", "SELECT pg_advisory_xact_lock(7164207395816041332)",
            """
            CREATE TABLE IF NOT EXISTS cloister_state_revision (
                id INTEGER PRIMARY KEY CHECK (id = 1), value BIGINT NOT NULL)
            """,
            "INSERT INTO cloister_state_revision (id, value) VALUES (1, 0) ON CONFLICT DO NOTHING",
            """
            CREATE TABLE IF NOT EXISTS cloister_state_records (
                owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, revision BIGINT NOT NULL, value BYTEA,
                PRIMARY KEY (owner, kind, name), UNIQUE (owner, kind, revision))
            """,
            "COMMIT",
        ] { try connection.execute(statement) }
    }

    private struct Transaction: StateTransaction {
        let connection: PostgreSQLConnection

        func record(_ key: StateKey) throws -> StateRecord? {
            let rows = try connection.execute(
                "SELECT revision, value FROM cloister_state_records WHERE owner = $1 AND kind = $2 AND name = $3",
                [Array(key.owner.utf8), Array(key.kind.utf8), Array(key.name.utf8)])
            guard let row = rows.first, row.count == 2 else { return nil }
            return StateRecord(key: key, revision: Self.integer(row[0]), value: row[1])
        }

        func records(owner: String, kind: String, after revision: Int64, limit: Int) throws -> [StateRecord] {
            try connection.execute(
                "SELECT name, revision, value FROM cloister_state_records WHERE owner = $1 AND kind = $2 "
                    + "AND revision > $3 ORDER BY revision LIMIT $4",
                [Array(owner.utf8), Array(kind.utf8), Self.bytes(revision), Self.bytes(Int64(limit))]
            ).compactMap { row in
                guard row.count == 3 else { return nil }
                let name = String(decoding: row[0] ?? [], as: UTF8.self)
                return StateRecord(
                    key: StateKey(owner: owner, kind: kind, name: name), revision: Self.integer(row[1]),
                    value: row[2])
            }
        }

        func put(_ value: [UInt8]?, at key: StateKey) throws -> Int64 {
            let rows = try connection.execute(
                "UPDATE cloister_state_revision SET value = value + 1 WHERE id = 1 RETURNING value")
            guard let row = rows.first, let column = row.first else {
                throw StateStoreError("the state database has lost its revision")
            }
            let revision = Self.integer(column)
            try connection.execute(
                "INSERT INTO cloister_state_records (owner, kind, name, revision, value) VALUES ($1, $2, $3, $4, $5) "
                    + "ON CONFLICT (owner, kind, name) "
                    + "DO UPDATE SET revision = excluded.revision, value = excluded.value",
                [
                    Array(key.owner.utf8), Array(key.kind.utf8), Array(key.name.utf8), Self.bytes(revision), value,
                ])
            return revision
        }

        /// A BIGINT in binary form is eight bytes, most significant first.
        private static func integer(_ bytes: [UInt8]?) -> Int64 {
            Int64(truncatingIfNeeded: (bytes ?? []).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }

        private static func bytes(_ integer: Int64) -> [UInt8] {
            let bits = UInt64(bitPattern: integer)
            return stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> UInt64($0)) }
        }
    }
}

/// A connection with a thread of its own, made anew when it broke.
private final class Worker: Sendable {
    private let parameters: String
    private let queue = DispatchQueue(label: "cloister.postgresql")
    private let connection: Mutex<PostgreSQLConnection?>

    init(_ parameters: String, connection: PostgreSQLConnection?) {
        self.parameters = parameters
        self.connection = Mutex(connection)
    }

    func close() { queue.sync { connection.withLock { $0 = nil } } }

    /// Runs `body` between the opening statements and a commit.
    func run<Value: Sendable>(
        _ opening: [String], _ body: @escaping @Sendable (PostgreSQLConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.transact(opening, body) }) }
        }
    }

    private func transact<Value>(
        _ opening: [String], _ body: (PostgreSQLConnection) throws -> Value
    ) throws -> Value {
        let connection = try begin(opening)
        do {
            let value = try body(connection)
            try connection.execute("COMMIT")
            return value
        } catch {
            // Where that fails too, the connection is gone, and with it the transaction.
            if (try? connection.execute("ROLLBACK")) == nil { self.connection.withLock { $0 = nil } }
            throw error
        }
    }

    /// Opens a transaction. Nothing has been done before, so a connection that broke while it was idle is replaced.
    private func begin(_ opening: [String]) throws -> PostgreSQLConnection {
        if let former = connection.withLock({ $0 }) {
            do {
                for statement in opening { try former.execute(statement) }
                return former
            } catch {
                if former.isAlive, (try? former.execute("ROLLBACK")) != nil { throw error }
                connection.withLock { $0 = nil }
            }
        }
        let fresh = try PostgreSQLConnection(parameters)
        for statement in opening { try fresh.execute(statement) }
        // Kept only with its transaction open: one that failed would stay in it.
        connection.withLock { $0 = fresh }
        return fresh
    }
}
