import Foundation
import GRDB
import Storage
import TestSupport
import Testing

@Suite struct DatabaseTests {
    private var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE parent (id INTEGER PRIMARY KEY);
                    CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id));
                    """)
        }
        return migrator
    }

    @Test func `writes are synced in full, in WAL mode, with foreign keys`() throws {
        let folder = try TemporaryFolder()
        let database = try Storage.Database(path: folder.url.appending(path: "a.sqlite").path, migrator: migrator)
        let (synchronous, foreignKeys, journal) = try database.write { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                try Int.fetchOne(database, sql: "PRAGMA foreign_keys"),
                try String.fetchOne(database, sql: "PRAGMA journal_mode")
            )
        }
        #expect(synchronous == 2)
        #expect(foreignKeys == 1)
        #expect(journal == "wal")
        #expect(throws: DatabaseError.self) {
            try database.write { try $0.execute(sql: "INSERT INTO child (id, parent) VALUES (1, 1)") }
        }
    }

    @Test func `what was written is there after the process is gone, without a close`() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "a.sqlite").path
        let database = try Storage.Database(path: path, migrator: migrator)
        try database.write { try $0.execute(sql: "INSERT INTO parent (id) VALUES (7)") }
        // What a kill leaves behind: file and log as they are now.
        let copy = folder.url.appending(path: "b.sqlite").path
        for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
        let reopened = try Storage.Database(path: copy, migrator: migrator)
        #expect(try reopened.read { try Int.fetchOne($0, sql: "SELECT id FROM parent") } == 7)
    }

    @Test func `a transaction that throws leaves nothing`() throws {
        struct Stop: Error {}
        let folder = try TemporaryFolder()
        let database = try Storage.Database(path: folder.url.appending(path: "a.sqlite").path, migrator: migrator)
        #expect(throws: Stop.self) {
            try database.write { database in
                try database.execute(sql: "INSERT INTO parent (id) VALUES (1)")
                throw Stop()
            }
        }
        #expect(try database.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM parent") } == 0)
    }

    @Test func `a file that is no database is refused`() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "a.sqlite").path
        try Data("not a database, but long enough to be looked at as one".utf8).write(to: URL(filePath: path))
        #expect(throws: DatabaseError.self) { try Storage.Database(path: path, migrator: migrator) }
    }
}
