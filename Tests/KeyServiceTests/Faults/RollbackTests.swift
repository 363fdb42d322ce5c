import Audit
import Encoding
import Foundation
import GRDB
import HTTPTypes
import TestSupport
import Testing

@testable import KeyService

/// Old copies of files put back, as whoever holds the disk can; AC-077.
@Suite struct RollbackTests {
    /// Three changes, a copy `old`, so many more, and the service is ended.
    private func place(changes: Int) async throws -> KeyServicePlace {
        let place = try KeyServicePlace()
        try await change(place, 3)
        try place.keepCopy("old")
        try await change(place, changes)
        try place.keepCopy("new")
        return place
    }

    private func change(_ place: KeyServicePlace, _ count: Int) async throws {
        let service = try await place.start()
        for _ in 0..<count {
            #expect(try await service.send(.post, "/keys/k/create", ["kty": "oct-HSM"]).status == 200)
        }
        await service.kill()
    }

    @Test
    func `AC-077 an older database beside the newer log, and an older log beside the newer database, are refused`()
        async throws
    {
        let place = try await place(changes: 2)
        try place.putBack(KeyServicePlace.database, from: "old")
        let older = try #require(try await place.refusal())
        #expect(older.contains("state-rollback") && older.contains("the database is an older copy"), "\(older)")
        // Nor does it help to make the database forget what it knew.
        let queue = try DatabaseQueue(path: place.state + "/keys.sqlite")
        try await queue.write { try $0.execute(sql: "UPDATE installation SET audited = NULL") }
        try queue.close()
        #expect(try await place.refusal()?.contains("state-rollback") == true)
        try place.putBack(KeyServicePlace.database, from: "none")
        #expect(try await place.refusal()?.contains("state-rollback") == true)
        try place.putBack(KeyServicePlace.database, from: "new")
        try place.putBack(["audit.jsonl"], from: "old")
        let log = try #require(try await place.refusal())
        #expect(log.contains("state-rollback") && log.contains("the log is an older copy"), "\(log)")
        try place.putBack(["audit.jsonl"], from: "none")
        #expect(try await place.refusal()?.contains("state-rollback") == true)
        // What belongs together is served again.
        try place.putBack(KeyServicePlace.database + ["audit.jsonl"], from: "new")
        #expect(try await place.refusal() == nil)
    }

    @Test func `one change more in the log than in the database is a crash: it is named, and the next start is quiet`()
        async throws
    {
        let place = try await place(changes: 1)
        let line = try #require(try place.events().last { $0["change"] == true })
        try place.putBack(KeyServicePlace.database, from: "old")
        #expect(try await place.refusal() == nil)
        let unfinished = try #require(try place.events().first { $0["event"] == "state.unfinished" })
        #expect(unfinished["id"] == line["id"] && unfinished["key"] == line["key"])
        #expect(unfinished["seen"]?.string == "key.create in line \(line["seq"]?.integer ?? 0)")
        try await change(place, 1)
        #expect(try place.events().count { $0["event"] == "state.unfinished" } == 1)
    }

    @Test func `AC-077 after a later start even one change is no crash`() async throws {
        let place = try await place(changes: 1)
        #expect(try await place.refusal() == nil)
        try place.putBack(KeyServicePlace.database, from: "old")
        #expect(try await place.refusal()?.contains("state-rollback") == true)
    }

    @Test func `a whole older folder starts, and the head of the log that was kept elsewhere tells`() async throws {
        let place = try await place(changes: 2)
        let head = try AuditLog.verify(path: place.auditLog).head
        #expect(try AuditLog.verify(path: place.auditLog, contains: head).hasWanted)
        try place.putBack(KeyServicePlace.database + ["audit.jsonl"], from: "old")
        #expect(try await place.refusal() == nil)
        #expect(try !AuditLog.verify(path: place.auditLog, contains: head).hasWanted)
    }

    @Test func `changes that were written down and then not made are named, and are no rollback`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        struct DiskFull: Error {}
        let audit = fixture.vault.audit
        for number in 0..<3 {
            let entry = AuditEntry(event: "key.create", outcome: .allowed, id: "\(number)")
            // What a database does that cannot commit.
            await #expect(throws: APIError.self) {
                try await fixture.vault.store.write { keys in
                    try keys.append(entry, to: audit)
                    throw DiskFull()
                }
            }
        }
        try fixture.vault.store.close()
        let again = try Fixture(
            authority: fixture.authority, folder: fixture.folder, auditFile: MemoryAuditFile(fixture.auditFile.bytes))
        let named = again.auditFile.entries.filter { $0["event"] == "state.unfinished" }.map { $0["id"]?.string }
        #expect(named == ["0", "1", "2"])
        #expect(try await again.release().material() == Fixture.k)
    }
}
