package import GRDB

/// The tables of the record store.
///
/// Everything about a patient is a sealed value in `rows`; the other tables hold only what the unit must know before it
/// has a key (which jobs wait) and what orders events: random ids, states, times.
package enum RecordSchema {
    /// Adds the record store's migrations to those of the unit's database.
    package static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("records-1") { database in
            try database.create(table: "rows") { table in
                table.column("tenant", .blob).notNull()
                table.column("kind", .text).notNull()
                table.column("id", .text).notNull()
                table.column("version", .integer).notNull()
                table.column("keyVersion", .text).notNull()
                table.column("created", .integer).notNull()
                table.column("sealed", .blob).notNull()
                table.primaryKey(["tenant", "kind", "id"])
            }
            try database.create(table: "enrolments") { table in
                table.column("tenant", .blob).notNull()
                table.column("digest", .blob).notNull()
                table.primaryKey(["tenant", "digest"])
            }
            try database.create(table: "uploads") { table in
                table.column("tenant", .blob).notNull()
                table.column("id", .text).notNull()
                table.column("study", .text).notNull()
                table.column("created", .integer).notNull()
                table.column("completed", .integer)
                table.primaryKey(["tenant", "id"])
            }
            try database.create(table: "jobs") { table in
                table.column("tenant", .blob).notNull()
                table.column("id", .text).notNull()
                table.column("study", .text).notNull()
                table.column("upload", .text).notNull()
                table.column("state", .text).notNull()
                table.column("attempt", .integer).notNull()
                table.column("deadline", .integer)
                table.column("created", .integer).notNull()
                table.column("result", .text)
                table.primaryKey(["tenant", "id"])
                table.uniqueKey(["tenant", "upload"])
            }
            try database.create(indexOn: "jobs", columns: ["state", "created"])
            try database.create(table: "events") { table in
                table.column("tenant", .blob).notNull()
                table.column("sequence", .integer).notNull()
                table.column("kind", .text).notNull()
                table.column("job", .text).notNull()
                table.column("study", .text).notNull()
                table.column("result", .text)
                table.column("at", .integer).notNull()
                table.primaryKey(["tenant", "sequence"])
            }
        }
    }
}
