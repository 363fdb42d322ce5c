import Audit
import Encoding
import GRDB
import Storage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The database knows the newest line of the audit log that a change of its own wrote, so that at the next start an
/// older copy of one beside a newer copy of the other is found out (AC-077).
extension KeyTransaction {
    private var auditedPlace: JSON { ["column": "audited", "format": KeyStore.format, "table": "installation"] }

    /// Writes the line of the change that this transaction makes, and keeps its place with the change.
    ///
    /// It comes last before the commit: should that fail, there is a line too many, never one too few.
    func append(_ entry: AuditEntry, to audit: AuditLog) throws {
        try keep(audit.append(change: entry, after: audited()))
    }

    /// The place of the newest change.
    func audited() throws -> AuditPlace {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT audited FROM installation WHERE audited IS NOT NULL"))
        else { return .start }
        var members = try ObjectReader(
            try open(row.bytes("audited"), auditedPlace), "stored place", refusing: .blockAuthentication)
        let place = AuditPlace(sequence: try members.integer("sequence"), hash: try members.bytes("hash"))
        try members.finish()
        return place
    }

    /// Sealed: who could write a place could hide that the database is an old one.
    func keep(_ audited: AuditPlace) throws {
        let json: JSON = [
            "hash": .string(Base64.encodeURL(audited.hash)), "sequence": .integer(audited.sequence),
        ]
        try database.execute(
            sql: "UPDATE installation SET audited = ?",
            arguments: [Data(try masterKey.seal(json.canonical, place: auditedPlace))])
    }
}

extension KeyStore {
    /// The place of the newest change in the audit log.
    ///
    /// - Throws: `block-authentication` when it was written by somebody else; `not-ready`.
    func audited() throws(Refusal) -> AuditPlace { try atStart { try $0.audited() } }
}
