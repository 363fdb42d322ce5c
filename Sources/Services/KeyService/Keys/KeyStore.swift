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
/// A value that was changed or moved by whoever holds the file does not open (`block-authentication`). An older state
/// of the whole file is not told apart from the newest one here.
package struct KeyStore: Sendable {
    private let database: Storage.Database
    private let masterKey: MasterKey

    /// - Throws: `state-rollback` when the database was made under another master key; `not-ready` when it cannot be
    ///   opened.
    package init(path: String, masterKey: MasterKey) throws(Refusal) {
        self.masterKey = masterKey
        do {
            database = try Storage.Database(path: path, migrator: KeyStore.migrator)
            try database.write { database in
                let place: JSON = ["column": "proof", "format": KeyStore.format, "table": "installation"]
                if let row = try Row.fetchOne(database, sql: "SELECT proof FROM installation WHERE id = 1") {
                    guard (try? masterKey.open(row.bytes("proof"), place: place)) == KeyStore.proof else {
                        throw Refusal(.stateRollback, "the database was not made under this master key")
                    }
                } else {
                    let proof = try masterKey.seal(KeyStore.proof, place: place)
                    try database.execute(
                        sql: "INSERT INTO installation (id, proof) VALUES (1, ?)", arguments: [Data(proof)])
                }
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.notReady, "the key database cannot be opened: \(type(of: error))")
        }
    }

    fileprivate static let format: JSON = "cloister-key-row/1"
    private static let proof = Array("cloister key service".utf8)

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
        return migrator
    }

    /// Runs `body` in one transaction; when it returns, what it wrote is on the disk. What `body` throws undoes it.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (KeyTransaction) throws -> Value
    ) async throws(APIError) -> Value {
        let masterKey = masterKey
        do {
            return try await database.pool.write { database in
                try body(KeyTransaction(database: database, masterKey: masterKey))
            }
        } catch {
            throw KeyStore.apiError(error)
        }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (KeyTransaction) throws -> Value
    ) async throws(APIError) -> Value {
        let masterKey = masterKey
        do {
            return try await database.pool.read { database in
                try body(KeyTransaction(database: database, masterKey: masterKey))
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

/// Reading and writing keys inside one transaction.
package struct KeyTransaction {
    fileprivate let database: GRDB.Database
    fileprivate let masterKey: MasterKey

    private func place(_ table: JSON, _ column: JSON, key: String, version: String? = nil) -> JSON {
        var members: [String: JSON] = [
            "column": column, "format": KeyStore.format, "key": .string(key), "table": table,
        ]
        if let version { members["version"] = .string(version) }
        return .object(members)
    }

    private func open(_ sealed: [UInt8], _ place: JSON) throws -> JSON {
        try JSON.parseCanonical(masterKey.open(sealed, place: place), "stored value", refusing: .blockAuthentication)
    }

    package func key(_ name: String) throws -> KeyRecord? {
        guard let row = try Row.fetchOne(database, sql: "SELECT record FROM keys WHERE name = ?", arguments: [name])
        else { return nil }
        return try KeyRecord(name: name, stored: open(row.bytes("record"), place("keys", "record", key: name)))
    }

    /// Keys by name, after the given one.
    package func keys(after name: String, limit: Int) throws -> [KeyRecord] {
        try Row.fetchAll(
            database, sql: "SELECT name, record FROM keys WHERE name > ? ORDER BY name LIMIT ?",
            arguments: [name, limit]
        ).map { row in
            let name = row.text("name")
            return try KeyRecord(name: name, stored: open(row.bytes("record"), place("keys", "record", key: name)))
        }
    }

    package func version(_ name: String, _ version: String) throws -> KeyVersion? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT version, description FROM versions WHERE name = ? AND version = ?",
                arguments: [name, version])
        else { return nil }
        return try keyVersion(row, name: name)
    }

    /// Versions in the order in which they were made, after the given one.
    package func versions(_ name: String, after ordinal: Int64, limit: Int) throws -> [(
        ordinal: Int64, version: KeyVersion
    )] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT ordinal, version, description FROM versions WHERE name = ? AND ordinal > ?
                ORDER BY ordinal LIMIT ?
                """,
            arguments: [name, ordinal, limit]
        ).map { row in (Int64.fromDatabaseValue(row["ordinal"]) ?? .max, try keyVersion(row, name: name)) }
    }

    private func keyVersion(_ row: Row, name: String) throws -> KeyVersion {
        let version = row.text("version")
        let place = place("versions", "description", key: name, version: version)
        return try KeyVersion(name: name, version: version, stored: open(row.bytes("description"), place))
    }

    /// The private part of a version.
    package func material(of version: KeyVersion) throws -> KeyMaterial {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT material FROM versions WHERE name = ? AND version = ?",
                arguments: [version.name, version.version])
        else { throw Refusal(.blockAuthentication, "a stored key has no material") }
        let place = place("versions", "material", key: version.name, version: version.version)
        return try KeyMaterial(stored: masterKey.open(row.bytes("material"), place: place), type: version.type)
    }

    package func save(_ record: KeyRecord) throws {
        let sealed = try masterKey.seal(record.stored.canonical, place: place("keys", "record", key: record.name))
        try database.execute(
            sql:
                "INSERT INTO keys (name, record) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record",
            arguments: [record.name, Data(sealed)])
    }

    /// Adds a version; its key must have been saved.
    package func add(_ version: KeyVersion, _ material: KeyMaterial) throws {
        let description = try masterKey.seal(
            version.stored.canonical,
            place: place("versions", "description", key: version.name, version: version.version))
        let sealed = try material.bytes.withBytes { bytes throws(Refusal) in
            try masterKey.seal(
                bytes, place: place("versions", "material", key: version.name, version: version.version))
        }
        try database.execute(
            sql: "INSERT INTO versions (name, version, description, material) VALUES (?, ?, ?, ?)",
            arguments: [version.name, version.version, Data(description), Data(sealed)])
    }

    /// Replaces what may change about a version.
    package func update(_ version: KeyVersion) throws {
        let description = try masterKey.seal(
            version.stored.canonical,
            place: place("versions", "description", key: version.name, version: version.version))
        try database.execute(
            sql: "UPDATE versions SET description = ? WHERE name = ? AND version = ?",
            arguments: [Data(description), version.name, version.version])
    }
}

/// Columns of a file that somebody else may have written into: what is not of the expected kind reads as empty, which
/// then opens nothing.
extension Row {
    fileprivate func bytes(_ column: String) -> [UInt8] {
        Data.fromDatabaseValue(self[column]).map { [UInt8]($0) } ?? []
    }

    fileprivate func text(_ column: String) -> String { String.fromDatabaseValue(self[column]) ?? "" }
}
