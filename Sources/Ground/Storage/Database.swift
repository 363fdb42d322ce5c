package import GRDB

/// One embedded SQLite database whose acknowledged writes survive a power cut.
///
/// - Source: architecture rule 31: GRDB sets `synchronous=NORMAL` in WAL mode, which may lose the last commits.
package struct Database: Sendable {
    /// GRDB's pool; readers do not block the writer.
    package let pool: DatabasePool

    /// Opens or creates the file and applies the migrations that it lacks.
    ///
    /// - Throws: GRDB's `DatabaseError` when the file cannot be opened, is not a database, or is corrupt.
    package init(path: String, migrator: DatabaseMigrator) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            // Freed pages are overwritten, so that deleted ciphertext does not linger either.
            try database.execute(sql: "PRAGMA secure_delete = ON")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        // Only now: GRDB sets NORMAL on its one writing connection after it has prepared it.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        try migrator.migrate(pool)
    }

    /// Runs `body` in one transaction that is durable when this returns.
    package func write<Value>(_ body: (GRDB.Database) throws -> Value) throws -> Value {
        try pool.write(body)
    }

    /// Reads a consistent snapshot.
    package func read<Value>(_ body: (GRDB.Database) throws -> Value) throws -> Value {
        try pool.read(body)
    }

    /// Writes the log back into the file and lets go of it.
    package func close() throws {
        try pool.close()
    }
}
