import Encoding
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reading and writing keys inside one transaction.
package struct KeyTransaction {
    let database: GRDB.Database
    let masterKey: MasterKey
    let records: OpenedRows<KeyRecord>
    let versions: OpenedRows<KeyVersion>

    func place(_ table: JSON, _ column: JSON, key: String, version: String? = nil) -> JSON {
        var members: [String: JSON] = [
            "column": column, "format": KeyStore.format, "key": .string(key), "table": table,
        ]
        if let version { members["version"] = .string(version) }
        return .object(members)
    }

    func open(_ sealed: [UInt8], _ place: JSON) throws -> JSON {
        try JSON.parseCanonical(masterKey.open(sealed, place: place), "stored value", refusing: .blockAuthentication)
    }

    /// The key of that name, deleted or not.
    package func record(_ name: String) throws -> KeyRecord? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT name, deleted, record FROM keys WHERE name = ?"), arguments: [name]
        ).map(record)
    }

    private func record(_ row: Row) throws -> KeyRecord {
        let name = row.text("name")
        let sealed = row.bytes("record")
        let record = try records.value(name, sealed) {
            try KeyRecord(name: name, stored: open(sealed, place("keys", "record", key: name)))
        }
        guard (Int64.fromDatabaseValue(row["deleted"]) ?? 0) == (record.deletion == nil ? 0 : 1) else {
            throw Refusal(.blockAuthentication, "a stored key is not in the state that its row says")
        }
        return record
    }

    /// The key, unless it is deleted.
    package func key(_ name: String) throws -> KeyRecord? {
        try record(name).flatMap { $0.deletion == nil ? $0 : nil }
    }

    /// Keys by name, after the given one.
    package func keys(after name: String, limit: Int, deleted isDeleted: Bool = false) throws -> [KeyRecord] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT name, deleted, record FROM keys WHERE deleted = ? AND name > ? ORDER BY name LIMIT ?"),
            arguments: [isDeleted ? 1 : 0, name, limit]
        ).map(record)
    }

    /// Keys that are to be rotated or purged by now.
    func due(at time: Timestamp, limit: Int) throws -> [KeyRecord] {
        try Row.fetchAll(
            database.cachedStatement(sql: "SELECT name, deleted, record FROM keys WHERE due <= ? ORDER BY due LIMIT ?"),
            arguments: [time.seconds, limit]
        ).compactMap { try? record($0) }
    }

    package func version(_ name: String, _ version: String) throws -> KeyVersion? {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT version, description FROM versions WHERE name = ? AND version = ?"),
                arguments: [name, version])
        else { return nil }
        return try keyVersion(row, name: name)
    }

    /// Versions in the order in which they were made, after the given one.
    package func versions(_ name: String, after ordinal: Int64, limit: Int) throws -> [(
        ordinal: Int64, version: KeyVersion
    )] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT ordinal, version, description FROM versions WHERE name = ? AND ordinal > ?
                    ORDER BY ordinal LIMIT ?
                    """), arguments: [name, ordinal, limit]
        ).map { row in (Int64.fromDatabaseValue(row["ordinal"]) ?? .max, try keyVersion(row, name: name)) }
    }

    private func keyVersion(_ row: Row, name: String) throws -> KeyVersion {
        let version = row.text("version")
        let sealed = row.bytes("description")
        return try versions.value("\(name)/\(version)", sealed) {
            let place = place("versions", "description", key: name, version: version)
            return try KeyVersion(name: name, version: version, stored: open(sealed, place))
        }
    }

    /// The private part of a version.
    package func material(of version: KeyVersion) throws -> KeyMaterial {
        try storedMaterial(of: version).withBytes { bytes in try KeyMaterial(stored: bytes, type: version.type) }
    }

    /// The private part of a version as bytes, which is all that a release needs: to read an RSA key proves its primes
    /// anew each time.
    func storedMaterial(of version: KeyVersion) throws -> Secret {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT material FROM versions WHERE name = ? AND version = ?"),
                arguments: [version.name, version.version])
        else { throw Refusal(.blockAuthentication, "a stored key has no material") }
        let place = place("versions", "material", key: version.name, version: version.version)
        return Secret(try masterKey.open(row.bytes("material"), place: place))
    }

    /// Writes what belongs to the key as a whole; after a change of its versions, too, where it has a rotation policy.
    package func save(_ record: KeyRecord) throws {
        let sealed = try masterKey.seal(record.stored.canonical, place: place("keys", "record", key: record.name))
        var due = record.deletion?.purge
        if due == nil, let rotation = record.rotation, let latest = try version(record.name, record.latest) {
            due = rotation.nextRotation(after: latest.attributes)
        }
        try database.execute(
            sql: """
                INSERT INTO keys (name, record, deleted, due) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
                SET record = excluded.record, deleted = excluded.deleted, due = excluded.due
                """,
            arguments: [record.name, Data(sealed), record.deletion == nil ? 0 : 1, due?.seconds])
    }

    /// Removes a key with everything that belongs to it; pages that held it are overwritten.
    func erase(_ name: String) throws {
        try database.execute(sql: "DELETE FROM versions WHERE name = ?", arguments: [name])
        try database.execute(sql: "DELETE FROM keys WHERE name = ?", arguments: [name])
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

extension KeyTransaction {
    /// The key that a new version is for; nil when it will be the first.
    ///
    /// - Throws: `conflict` for a deleted key, which keeps its name until it is gone for good.
    func keyForNewVersion(_ name: String) throws -> KeyRecord? {
        guard let record = try record(name) else { return nil }
        guard record.deletion == nil else { throw APIError.deleted(name) }
        return record
    }

    /// A key with one of its versions.
    ///
    /// - Parameter version: nil for the latest.
    /// - Throws: the API's 404 when there is none.
    func find(_ name: String, _ version: String?) throws -> (record: KeyRecord, version: KeyVersion) {
        guard let record = try key(name), let found = try self.version(name, version ?? record.latest) else {
            throw APIError.keyNotFound(name)
        }
        return (record, found)
    }

    /// A deleted key with its latest version.
    func findDeleted(_ name: String) throws -> (record: KeyRecord, version: KeyVersion) {
        guard let record = try record(name), record.deletion != nil else { throw APIError.deletedKeyNotFound(name) }
        guard let latest = try version(name, record.latest) else {
            throw Refusal(.blockAuthentication, "a stored key has no latest version")
        }
        return (record, latest)
    }
}
