import Encoding
import Foundation
import GRDB

/// The sealed values of one tenant inside one transaction; the one place that reads and writes the table `rows`.
public struct SealedRows {
    let database: GRDB.Database
    let cipher: RowCipher
    var tenant: Data { Data(cipher.tenant.bytes) }

    /// The plaintext of a row; nil when the tenant has no such row.
    func value(_ kind: RowKind, _ id: String) throws(Refusal) -> [UInt8]? {
        let row = try stored {
            try Row.fetchOne(
                database,
                sql: "SELECT id, version, keyVersion, sealed FROM rows WHERE tenant = ? AND kind = ? AND id = ?",
                arguments: [tenant, kind.rawValue, id])
        }
        guard let row else { return nil }
        return try open(row, kind)
    }

    /// The same as a JSON value.
    func json(_ kind: RowKind, _ id: String) throws(Refusal) -> JSON? {
        guard let bytes = try value(kind, id) else { return nil }
        return try SealedRows.parse(bytes)
    }

    /// Every row of a kind, oldest first.
    func all(_ kind: RowKind, limit: Int) throws(Refusal) -> [(id: String, json: JSON)] {
        let rows = try stored {
            try Row.fetchAll(
                database,
                sql: """
                    SELECT id, version, keyVersion, sealed FROM rows WHERE tenant = ? AND kind = ?
                    ORDER BY rowid LIMIT ?
                    """, arguments: [tenant, kind.rawValue, limit])
        }
        var values: [(id: String, json: JSON)] = []
        for row in rows { values.append((try row.column("id"), try SealedRows.parse(try open(row, kind)))) }
        return values
    }

    func count(_ kind: RowKind) throws(Refusal) -> Int {
        try stored {
            try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM rows WHERE tenant = ? AND kind = ?",
                arguments: [tenant, kind.rawValue]) ?? 0
        }
    }

    /// Ids of a kind that start with `prefix` and a slash, in order.
    func ids(_ kind: RowKind, under prefix: String) throws(Refusal) -> [String] {
        // "0" is the character after "/", so the range holds exactly the ids below the prefix.
        try stored {
            try String.fetchAll(
                database, sql: "SELECT id FROM rows WHERE tenant = ? AND kind = ? AND id > ? AND id < ? ORDER BY id",
                arguments: [tenant, kind.rawValue, prefix + "/", prefix + "0"])
        }
    }

    /// Writes a value, sealed under the current key, as the next version of its row.
    func put(_ plaintext: [UInt8], _ kind: RowKind, _ id: String, at time: Timestamp) throws(Refusal) {
        let former = try stored {
            try Int64.fetchOne(
                database, sql: "SELECT version FROM rows WHERE tenant = ? AND kind = ? AND id = ?",
                arguments: [tenant, kind.rawValue, id])
        }
        let version = (former ?? 0) + 1
        let sealed = try cipher.seal(plaintext, table: kind.rawValue, row: id, version: version)
        try stored {
            if former == nil {
                try database.execute(
                    sql: """
                        INSERT INTO rows (tenant, kind, id, version, keyVersion, created, sealed)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        tenant, kind.rawValue, id, version, cipher.keyVersion, time.seconds, Data(sealed),
                    ])
            } else {
                try database.execute(
                    sql: """
                        UPDATE rows SET version = ?, keyVersion = ?, sealed = ?
                        WHERE tenant = ? AND kind = ? AND id = ?
                        """, arguments: [version, cipher.keyVersion, Data(sealed), tenant, kind.rawValue, id])
            }
        }
    }

    func put(_ json: JSON, _ kind: RowKind, _ id: String, at time: Timestamp) throws(Refusal) {
        try put(json.canonical, kind, id, at: time)
    }

    func delete(_ kind: RowKind, _ id: String) throws(Refusal) {
        try stored {
            try database.execute(
                sql: "DELETE FROM rows WHERE tenant = ? AND kind = ? AND id = ?",
                arguments: [tenant, kind.rawValue, id])
        }
    }

    func delete(_ kind: RowKind, createdBefore time: Timestamp) throws(Refusal) {
        try stored {
            try database.execute(
                sql: "DELETE FROM rows WHERE tenant = ? AND kind = ? AND created < ?",
                arguments: [tenant, kind.rawValue, time.seconds])
        }
    }

    private func open(_ row: Row, _ kind: RowKind) throws(Refusal) -> [UInt8] {
        let sealed: Data = try row.column("sealed")
        return try cipher.open(
            Array(sealed), table: kind.rawValue, row: try row.column("id"), version: try row.column("version"),
            keyVersion: try row.column("keyVersion"))
    }

    private static func parse(_ bytes: [UInt8]) throws(Refusal) -> JSON {
        do throws(JSON.ParseError) {
            return try JSON.parse(bytes)
        } catch {
            throw Refusal(.blockAuthentication, "a stored row does not hold what its kind holds")
        }
    }
}

extension Row {
    /// The value of a column that must be there; whoever holds the file can put anything into it.
    ///
    /// - Throws: `storage-unavailable` for an absent value or one of another type.
    func column<Value: DatabaseValueConvertible>(_ name: String) throws(Refusal) -> Value {
        let value: DatabaseValue = self[name]
        guard let value = Value.fromDatabaseValue(value) else {
            throw Refusal(.storageUnavailable, "the record database holds a value that it should not")
        }
        return value
    }

    /// The same for a column that may be empty.
    func optional<Value: DatabaseValueConvertible>(_ name: String) throws(Refusal) -> Value? {
        let value: DatabaseValue = self[name]
        return value.isNull ? nil : try column(name) as Value
    }

    /// A column that holds the printed form of an id.
    func recordID(_ name: String) throws(Refusal) -> RecordID {
        guard let id = RecordID(try column(name) as String) else {
            throw Refusal(.storageUnavailable, "the record database holds a value that it should not")
        }
        return id
    }
}

/// The logical tables: part of every row's key and additional data.
enum RowKind: String {
    case account, outcome, part, failure, pixels, result, passport
    case patient = "Patient"
    case serviceRequest = "ServiceRequest"
    case imagingStudy = "ImagingStudy"
    case diagnosticReport = "DiagnosticReport"
    case observation = "Observation"
    case provenance = "Provenance"
    case auditEvent = "AuditEvent"
}
