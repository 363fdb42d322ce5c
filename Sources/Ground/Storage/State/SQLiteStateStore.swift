import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The state of one node in an SQLite file; further processes of the same machine may use the file too.
package struct SQLiteStateStore: StateStore {
    private let database: Database

    /// Opens or creates the file.
    ///
    /// - Throws: `StateStoreError` when it cannot be opened or is no database.
    package init(path: String) throws {
        do { database = try Database(path: path, migrator: Self.migrator) } catch {
            throw StateStoreError("the state database cannot be opened: \(Self.reason(error))")
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("state-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL);
                    INSERT INTO revision (id, value) VALUES (1, 0);
                    CREATE TABLE records (
                        owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
                        revision INTEGER NOT NULL, value BLOB,
                        PRIMARY KEY (owner, kind, name)
                    );
                    CREATE UNIQUE INDEX records_by_revision ON records (owner, kind, revision);
                    """)
        }
        return migrator
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StateReader) throws -> Value
    ) async throws -> Value {
        do { return try await database.pool.read { try body(Transaction(database: $0)) } } catch {
            throw Self.known(error)
        }
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StateTransaction) throws -> Value
    ) async throws -> Value {
        do { return try await database.pool.write { try body(Transaction(database: $0)) } } catch {
            throw Self.known(error)
        }
    }

    package func close() throws { try database.close() }

    private static func known(_ error: any Error) -> any Error {
        error is DatabaseError ? StateStoreError("the state database does not answer: \(reason(error))") : error
    }

    /// SQLite's own words for the kind of failure, without statement or path.
    private static func reason(_ error: any Error) -> String {
        (error as? DatabaseError)?.resultCode.description ?? "\(type(of: error))"
    }

    private struct Transaction: StateTransaction {
        let database: GRDB.Database

        func record(_ key: StateKey) throws -> StateRecord? {
            try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT revision, value FROM records WHERE owner = ? AND kind = ? AND name = ?"),
                arguments: [key.owner, key.kind, key.name]
            ).map { StateRecord(key: key, revision: $0.integer("revision"), value: $0.bytes("value")) }
        }

        func records(owner: String, kind: String, after revision: Int64, limit: Int) throws -> [StateRecord] {
            try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT name, revision, value FROM records WHERE owner = ? AND kind = ? AND revision > ?
                        ORDER BY revision LIMIT ?
                        """),
                arguments: [owner, kind, revision, limit]
            ).map { row in
                StateRecord(
                    key: StateKey(owner: owner, kind: kind, name: row.text("name")), revision: row.integer("revision"),
                    value: row.bytes("value"))
            }
        }

        func put(_ value: [UInt8]?, at key: StateKey) throws -> Int64 {
            let next = try Int64.fetchOne(
                database.cachedStatement(sql: "UPDATE revision SET value = value + 1 WHERE id = 1 RETURNING value"))
            guard let next else { throw StateStoreError("the state database has lost its revision") }
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO records (owner, kind, name, revision, value) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (owner, kind, name) DO UPDATE SET revision = excluded.revision, value = excluded.value
                    """)
            try statement.execute(arguments: [key.owner, key.kind, key.name, next, value.map { Data($0) }])
            return next
        }
    }
}

/// Columns of a file that somebody else may have written into: what is not of the expected kind reads as nothing.
extension Row {
    fileprivate func integer(_ column: String) -> Int64 { Int64.fromDatabaseValue(self[column]) ?? 0 }
    fileprivate func text(_ column: String) -> String { String.fromDatabaseValue(self[column]) ?? "" }
    fileprivate func bytes(_ column: String) -> [UInt8]? { Data.fromDatabaseValue(self[column]).map { [UInt8]($0) } }
}
