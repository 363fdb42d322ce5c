import Encoding
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension KeyTransaction {
    private func assignment(_ row: Row) throws -> RoleAssignment {
        let id = row.text("id")
        let place = place("assignments", "assignment", key: id)
        let assignment = try RoleAssignment(id: id, stored: open(row.bytes("assignment"), place), role: role)
        guard assignment.principal == row.text("principal"), assignment.role.id == row.text("role") else {
            throw Refusal(.blockAuthentication, "a stored assignment is not the one that its row says")
        }
        return assignment
    }

    func assignments(of principal: String) throws -> [RoleAssignment] {
        try Row.fetchAll(
            database, sql: "SELECT id, principal, role, assignment FROM assignments WHERE principal = ?",
            arguments: [principal]
        ).map(assignment)
    }

    /// By id, after the given one.
    func assignments(after id: String, limit: Int) throws -> [RoleAssignment] {
        try Row.fetchAll(
            database, sql: "SELECT id, principal, role, assignment FROM assignments WHERE id > ? ORDER BY id LIMIT ?",
            arguments: [id, limit]
        ).map(assignment)
    }

    func assignment(_ id: String) throws -> RoleAssignment? {
        try Row.fetchOne(
            database, sql: "SELECT id, principal, role, assignment FROM assignments WHERE id = ?", arguments: [id]
        ).map(assignment)
    }

    func save(_ assignment: RoleAssignment) throws {
        let place = place("assignments", "assignment", key: assignment.id)
        let sealed = try masterKey.seal(assignment.stored.canonical, place: place)
        try database.execute(
            sql: "INSERT INTO assignments (id, principal, role, assignment) VALUES (?, ?, ?, ?)",
            arguments: [assignment.id, assignment.principal, assignment.role.id, Data(sealed)])
    }

    func removeAssignment(_ id: String) throws {
        try database.execute(sql: "DELETE FROM assignments WHERE id = ?", arguments: [id])
    }

    // MARK: Roles

    /// Built in, or defined here.
    func role(_ id: String) throws -> Role? {
        if let role = Role.builtIn(id) { return role }
        return try Row.fetchOne(database, sql: "SELECT id, role FROM roles WHERE id = ?", arguments: [id]).map(role)
    }

    private func role(_ row: Row) throws -> Role {
        let id = row.text("id")
        return try Role(id: id, stored: open(row.bytes("role"), place("roles", "role", key: id)))
    }

    /// The roles defined here.
    func definedRoles() throws -> [Role] {
        try Row.fetchAll(
            database, sql: "SELECT id, role FROM roles ORDER BY id LIMIT ?", arguments: [KeyTransaction.maximumRoles]
        ).map(role)
    }

    static let maximumRoles = 100

    func save(_ role: Role) throws {
        let sealed = try masterKey.seal(role.stored.canonical, place: place("roles", "role", key: role.id))
        try database.execute(
            sql: "INSERT INTO roles (id, role) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET role = excluded.role",
            arguments: [role.id, Data(sealed)])
    }

    func removeRole(_ id: String) throws {
        try database.execute(sql: "DELETE FROM roles WHERE id = ?", arguments: [id])
    }

    func isAssigned(role id: String) throws -> Bool {
        try Row.fetchOne(database, sql: "SELECT id FROM assignments WHERE role = ? LIMIT 1", arguments: [id]) != nil
    }

    // MARK: Nonces

    /// Notes that a nonce was used.
    ///
    /// - Parameter ends: when what it stands in is out of date, so that it need not be remembered any longer.
    /// - Returns: false when it had been used before.
    func useNonce(_ digest: Digest, until ends: Timestamp) throws -> Bool {
        try database.execute(
            sql: "INSERT OR IGNORE INTO nonces (digest, ends) VALUES (?, ?)",
            arguments: [Data(digest.bytes), ends.seconds])
        return database.changesCount == 1
    }

    func forgetNonces(endedBefore time: Timestamp) throws {
        try database.execute(sql: "DELETE FROM nonces WHERE ends < ?", arguments: [time.seconds])
    }
}
