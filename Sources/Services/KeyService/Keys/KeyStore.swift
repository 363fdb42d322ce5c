package import Encoding
import GRDB
import ServiceKit
import Storage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Keys and their versions in one SQLite database, every value sealed under the master key at its place.
///
/// A value that was changed or moved by whoever holds the file does not open (`block-authentication`). An older copy of
/// the whole file is told from the newest one by the audit log (`audited`).
package struct KeyStore: Sendable {
    let database: Storage.Database
    let masterKey: MasterKey
    private let records = OpenedRows<KeyRecord>()
    private let versions = OpenedRows<KeyVersion>()

    /// - Throws: `state-rollback` when the database was made under another master key; `not-ready` when it cannot be
    ///   opened.
    package init(path: String, masterKey: MasterKey, randomness: Randomness = .system) throws(Refusal) {
        self.masterKey = masterKey
        do {
            database = try Storage.Database(path: path, migrator: KeyStore.migrator)
            try database.write { database in
                if let row = try Row.fetchOne(database, sql: "SELECT proof FROM installation WHERE id = 1") {
                    do throws(Refusal) {
                        guard try masterKey.open(row.bytes("proof"), place: KeyStore.proofPlace) == KeyStore.proof
                        else {
                            throw Refusal(.blockAuthentication, "another proof")
                        }
                    } catch {
                        guard error.code == .blockAuthentication else { throw error }
                        throw Refusal(.stateRollback, "the database was not made under this master key")
                    }
                } else {
                    let proof = try masterKey.seal(KeyStore.proof, place: KeyStore.proofPlace)
                    try database.execute(
                        sql: "INSERT INTO installation (id, proof) VALUES (1, ?)", arguments: [Data(proof)])
                }
                try transaction(database).makeDomain(randomness)
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.notReady, "the key database cannot be opened: \(type(of: error))")
        }
    }

    static let format: JSON = "cloister-key-row/1"
    static let proof = Array("cloister key service".utf8)
    static let proofPlace: JSON = ["column": "proof", "format": format, "table": "installation"]

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE installation (id INTEGER PRIMARY KEY CHECK (id = 1), proof BLOB NOT NULL);
                    CREATE TABLE keys (name TEXT PRIMARY KEY NOT NULL, record BLOB NOT NULL);
                    CREATE TABLE versions (
                        ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
                        name TEXT NOT NULL REFERENCES keys (name),
                        version TEXT NOT NULL,
                        description BLOB NOT NULL,
                        material BLOB NOT NULL,
                        UNIQUE (name, version)
                    );
                    """)
        }
        // `deleted`, `due`, `principal` and `role` only find rows; what holds is in the sealed values.
        migrator.registerMigration("2") { database in
            try database.execute(
                sql: """
                    ALTER TABLE installation ADD COLUMN domain BLOB;
                    ALTER TABLE keys ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE keys ADD COLUMN due INTEGER;
                    CREATE INDEX keys_by_state ON keys (deleted, name);
                    CREATE INDEX keys_by_due ON keys (due) WHERE due IS NOT NULL;
                    CREATE TABLE nonces (digest BLOB PRIMARY KEY NOT NULL, ends INTEGER NOT NULL) WITHOUT ROWID;
                    CREATE INDEX nonces_by_end ON nonces (ends);
                    CREATE TABLE assignments (
                        id TEXT PRIMARY KEY NOT NULL, principal TEXT NOT NULL, role TEXT NOT NULL,
                        assignment BLOB NOT NULL);
                    CREATE INDEX assignments_by_principal ON assignments (principal);
                    CREATE INDEX assignments_by_role ON assignments (role);
                    CREATE TABLE roles (id TEXT PRIMARY KEY NOT NULL, role BLOB NOT NULL);
                    """)
        }
        migrator.registerMigration("3") { database in
            try database.execute(sql: "ALTER TABLE installation ADD COLUMN audited BLOB")
        }
        // A table of its own: each change writes the row of `installation` anew, and a chain is longer than that.
        migrator.registerMigration("4") { database in
            try database.execute(sql: "CREATE TABLE signing (name TEXT PRIMARY KEY NOT NULL, chain BLOB NOT NULL)")
        }
        return migrator
    }

    private func transaction(_ database: GRDB.Database) -> KeyTransaction {
        KeyTransaction(database: database, masterKey: masterKey, records: records, versions: versions)
    }

    /// Runs `body` in one transaction; when it returns, what it wrote is on the disk. What `body` throws undoes it.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (KeyTransaction) throws -> Value
    ) async throws(APIError) -> Value {
        do {
            return try await database.pool.write { database in
                try body(transaction(database))
            }
        } catch {
            throw KeyStore.apiError(error)
        }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (KeyTransaction) throws -> Value
    ) async throws(APIError) -> Value {
        do {
            return try await database.pool.read { database in
                try body(transaction(database))
            }
        } catch {
            throw KeyStore.apiError(error)
        }
    }

    /// Runs `body` in one transaction while the service starts, and waits for it.
    func atStart<Value>(_ body: (KeyTransaction) throws -> Value) throws(Refusal) -> Value {
        do {
            return try database.write { try body(transaction($0)) }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.notReady, "the key database does not answer: \(type(of: error))")
        }
    }

    /// Runs `body` while nobody else reads or writes.
    func alone<Value: Sendable>(
        _ body: @escaping @Sendable (KeyTransaction) throws -> Value
    ) async throws(APIError) -> Value {
        do {
            return try await database.pool.barrierWriteWithoutTransaction { database in
                try body(transaction(database))
            }
        } catch {
            throw KeyStore.apiError(error)
        }
    }

    package func close() throws { try database.close() }

    private static func apiError(_ error: any Error) -> APIError {
        switch error {
        case let error as APIError: error
        case let refusal as Refusal: APIError(refusal)
        default: APIError(Refusal(.unavailable, "the key database does not answer: \(type(of: error))"))
        }
    }
}

/// Columns of a file that somebody else may have written into: what is not of the expected kind reads as empty, which
/// then opens nothing.
extension Row {
    func bytes(_ column: String) -> [UInt8] {
        Data.fromDatabaseValue(self[column]).map { [UInt8]($0) } ?? []
    }

    func text(_ column: String) -> String { String.fromDatabaseValue(self[column]) ?? "" }
}
