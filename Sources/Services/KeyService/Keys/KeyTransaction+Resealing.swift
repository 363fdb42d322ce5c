import Encoding
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Everything in the database that the master key sealed, table by table.
extension KeyTransaction {
    /// How far one pass has come.
    struct ResealingCursor: Sendable {
        fileprivate var table: Int
        fileprivate var row: Int64

        static let start = ResealingCursor(table: 0, row: 0)
    }

    /// A column of sealed values, and the columns that name a value's place.
    private struct Column: Sendable {
        let table: String
        let name: String
        let key: String
        var version: String?
    }

    private static let columns = [
        Column(table: "keys", name: "record", key: "name"),
        Column(table: "versions", name: "description", key: "name", version: "version"),
        Column(table: "versions", name: "material", key: "name", version: "version"),
        Column(table: "assignments", name: "assignment", key: "id"),
        Column(table: "roles", name: "role", key: "id"),
        Column(table: "signing", name: "chain", key: "name"),
    ]

    /// Seals those of `limit` values anew that a generation before this one sealed.
    ///
    /// - Returns: where to go on; nil at the end.
    func reseal(from cursor: ResealingCursor, limit: Int, before generation: UInt32) throws -> ResealingCursor? {
        guard cursor.table < KeyTransaction.columns.count else {
            try resealInstallation()
            return nil
        }
        let column = KeyTransaction.columns[cursor.table]
        let version = column.version.map { ", \($0) AS version" } ?? ""
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT rowid AS number, \(column.key) AS key, \(column.name) AS value\(version) FROM \(column.table)
                WHERE rowid > ? ORDER BY rowid LIMIT ?
                """, arguments: [cursor.row, limit])
        for row in rows where masterKey.isSealed(row.bytes("value"), before: generation) {
            let place = place(
                .string(column.table), .string(column.name), key: row.text("key"),
                version: column.version == nil ? nil : row.text("version"))
            let sealed = try masterKey.seal(masterKey.open(row.bytes("value"), place: place), place: place)
            try database.execute(
                sql: "UPDATE \(column.table) SET \(column.name) = ? WHERE rowid = ?",
                arguments: [Data(sealed), Int64.fromDatabaseValue(row["number"]) ?? 0])
        }
        guard rows.count == limit, let last = rows.last.flatMap({ Int64.fromDatabaseValue($0["number"]) }) else {
            return ResealingCursor(table: cursor.table + 1, row: 0)
        }
        return ResealingCursor(table: cursor.table, row: last)
    }

    private func resealInstallation() throws {
        let domain = try domain()
        try domain.secret.withBytes { try setDomain($0) }
        try keep(audited())
        let proof = try masterKey.seal(KeyStore.proof, place: KeyStore.proofPlace)
        try database.execute(sql: "UPDATE installation SET proof = ?", arguments: [Data(proof)])
    }

    /// Whether anything is left that a generation before this one sealed.
    func hasValues(sealedBefore generation: UInt32) throws -> Bool {
        let prefix = Data(MasterKey.prefix(generation))
        for column in KeyTransaction.columns {
            let found = try Row.fetchOne(
                database, sql: "SELECT 1 FROM \(column.table) WHERE substr(\(column.name), 1, 4) < ? LIMIT 1",
                arguments: [prefix])
            if found != nil { return true }
        }
        return try Row.fetchOne(
            database,
            sql: """
                SELECT 1 FROM installation WHERE substr(proof, 1, 4) < ? OR substr(domain, 1, 4) < ?
                OR substr(audited, 1, 4) < ? LIMIT 1
                """,
            arguments: [prefix, prefix, prefix]) != nil
    }

    /// Whether there is no key, not even a deleted one.
    func isEmpty() throws -> Bool { try Row.fetchOne(database, sql: "SELECT 1 FROM keys LIMIT 1") == nil }
}
