import Crypto
import Encoding
import Foundation
import GRDB
import Storage
import TestSupport
import Testing

@testable import Records

@Suite struct `A sealed row` {
    /// Runs SQL against the file as its host could.
    private func tamper(_ fixture: Fixture, _ sql: String) throws {
        let queue = try DatabaseQueue(path: fixture.path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test func `has the key and the additional data of its specification`() throws {
        let cipher = try Fixture.cipher()
        let sealed = try cipher.seal([1, 2, 3], table: "Patient", row: "r1", version: 7)
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: (0..<32).map { UInt8($0) }), salt: Fixture.hospital.bytes,
            info: Array("cloister-row/1:Patient".utf8), outputByteCount: 32)
        let additional =
            #"{"key":"v1","row":"r1","table":"Patient","tenant":"\#(Fixture.hospital)","version":7}"#
        let box = try AES.GCM.SealedBox(combined: sealed)
        #expect(try Array(AES.GCM.open(box, using: key, authenticating: Array(additional.utf8))) == [1, 2, 3])
        #expect(sealed.count == 12 + 3 + 16)
        #expect(try cipher.seal([1, 2, 3], table: "Patient", row: "r1", version: 7) != sealed)
    }

    @Test func `opens only as what it was written`() throws {
        let cipher = try Fixture.cipher()
        let sealed = try cipher.seal([1], table: "a", row: "r", version: 1)
        #expect(try cipher.open(sealed, table: "a", row: "r", version: 1, keyVersion: "v1") == [1])
        func code(
            _ cipher: RowCipher, _ sealed: [UInt8], table: String = "a", row: String = "r", version: Int64 = 1,
            key: String = "v1"
        ) -> RefusalCode? {
            do throws(Refusal) {
                _ = try cipher.open(sealed, table: table, row: row, version: version, keyVersion: key)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(cipher, sealed, table: "b") == .blockAuthentication)
        #expect(code(cipher, sealed, row: "s") == .blockAuthentication)
        #expect(code(cipher, sealed, version: 2) == .blockAuthentication)
        #expect(code(cipher, sealed, key: "v2") == .keyState)
        #expect(code(try Fixture.cipher(tenant: Fixture.otherHospital), sealed) == .blockAuthentication)
        #expect(code(try Fixture.cipher(key: Fixture.otherKey), sealed) == .blockAuthentication)
        // The same key under another version's name.
        #expect(
            code(try Fixture.cipher(version: "v2", earlier: ["v1": Fixture.otherKey]), sealed) == .blockAuthentication)
        #expect(
            code(try Fixture.cipher(version: "v2", key: Fixture.otherKey, earlier: ["v1": Fixture.key]), sealed) == nil)
        for count in 0..<sealed.count { #expect(code(cipher, Array(sealed[..<count])) == .blockAuthentication) }
        #expect(throws: Refusal.self) {
            try RowCipher(tenant: Fixture.hospital, keyVersion: "v1", releasedKey: Secret([1, 2, 3]))
        }
    }

    @Test("AC-093 rows that the host swapped are refused") func swapped() async throws {
        let fixture = try Fixture()
        let ids = try await fixture.records.write { writer in
            let first = try writer.addPatient(Fixture.patient, at: Fixture.now)
            let second = try writer.addPatient(
                PatientDetails(family: "B", given: "C", birthDate: "1970-01-01"), at: Fixture.now)
            return [first, second]
        }
        try fixture.store.close()
        try tamper(
            fixture,
            """
            CREATE TEMP TABLE kept AS SELECT id, sealed FROM rows WHERE kind = 'Patient';
            UPDATE rows SET sealed = (SELECT sealed FROM kept WHERE kept.id <> rows.id) WHERE kind = 'Patient';
            """)
        let opened = try Fixture(folder: fixture.folder)
        for id in ids {
            let code = try await refusal { _ = try await opened.records.read { try $0.patient(id) } }
            #expect(code == .blockAuthentication)
        }
        #expect(try await refusal { _ = try await opened.records.read { try $0.patients() } } == .blockAuthentication)
    }

    @Test("AC-093 an older value under a newer version is refused") func older() async throws {
        let fixture = try Fixture()
        let study = try await fixture.records.write { writer in
            let patient = try writer.addPatient(Fixture.patient, at: Fixture.now)
            return try writer.addStudy(patient: patient, user: "clerk", at: Fixture.now).study
        }
        let queue = try DatabaseQueue(path: fixture.path)
        let former = try await queue.read {
            try Data.fetchOne($0, sql: "SELECT sealed FROM rows WHERE kind = 'ImagingStudy'")
        }
        try await fixture.records.write { writer in
            try writer.describe(study: study, image: ImageIdentity(modality: "MR"), at: Fixture.now)
        }
        #expect(try await fixture.records.read { try $0.study(study) } != nil)
        try await queue.write {
            try $0.execute(sql: "UPDATE rows SET sealed = ? WHERE kind = 'ImagingStudy'", arguments: [former])
        }
        try queue.close()
        #expect(
            try await refusal { _ = try await fixture.records.read { try $0.study(study) } } == .blockAuthentication)
    }

    @Test func `of an earlier key version opens while that key is held, and is sealed anew when written`() async throws
    {
        let fixture = try Fixture()
        let study = try await fixture.records.write { writer in
            let patient = try writer.addPatient(Fixture.patient, at: Fixture.now)
            return try writer.addStudy(patient: patient, user: "clerk", at: Fixture.now).study
        }
        let next = try fixture.records(version: "v2", key: Fixture.otherKey, earlier: ["v1": Fixture.key])
        #expect(try await next.read { try $0.study(study) } != nil)
        let onlyNext = try fixture.records(version: "v2", key: Fixture.otherKey)
        #expect(try await refusal { _ = try await onlyNext.read { try $0.study(study) } } == .keyState)
        try await next.write { writer in
            try writer.describe(study: study, image: ImageIdentity(modality: "MR"), at: Fixture.now)
        }
        #expect(try await onlyNext.read { try $0.study(study) } != nil)
    }

    @Test func `under a wrong key is refused`() async throws {
        let fixture = try Fixture()
        let id = try await fixture.records.write { try $0.addPatient(Fixture.patient, at: Fixture.now) }
        let wrong = try fixture.records(key: Fixture.otherKey)
        #expect(try await refusal { _ = try await wrong.read { try $0.patient(id) } } == .blockAuthentication)
    }

    @Test func `values of wrong types in the file are refused, not trapped on`() async throws {
        let fixture = try Fixture()
        let job = try await fixture.pendingJob()
        try fixture.store.close()
        for sql in [
            "UPDATE jobs SET attempt = 'x'", "UPDATE jobs SET attempt = 0, study = x'00'",
            "UPDATE jobs SET study = 'nonsense'", "UPDATE jobs SET state = 'odd'",
        ] {
            try tamper(fixture, sql)
            let opened = try Fixture(folder: fixture.folder)
            #expect(try await refusal { _ = try await opened.records.read { try $0.job(job) } } == .storageUnavailable)
            try opened.store.close()
        }
        try tamper(fixture, "UPDATE rows SET version = 'x'")
        let opened = try Fixture(folder: fixture.folder)
        #expect(try await refusal { _ = try await opened.records.read { try $0.patients() } } == .storageUnavailable)
    }
}

@Suite struct `The database file` {
    private static let canaries = [
        "Canaryfamily", "Zebragiven", "1961-02-28", "Ostrich", "555 01234", "Penguinmycin", "Walrusitis", "Giraffe",
        "Narwhalstudy", "Lemurreason", "Pelicanpixels", "Badgeruser", "Okapihash", "Ibexkey", "Weaselbody",
    ]

    @Test("AC-059 holds nothing of a patient in the clear, log files included") func canaries() async throws {
        let fixture = try Fixture()
        let job = try await fixture.pendingJob()
        _ = try await fixture.claim(job)
        _ = try await fixture.finish(job, attempt: 1)
        let key = try IdempotencyKey("Ibexkey", request: Digest(of: "request"))
        _ = try await fixture.records.once(key, at: Fixture.now) { writer in
            try writer.addAccount(
                user: "Badgeruser", passwordHash: "Okapihash", enrolment: Digest(of: "secret"), at: Fixture.now)
            return StoredOutcome(status: 201, body: ["user": "Weaselbody"])
        }
        // While it is open (the write-ahead log is full) and after it was closed.
        for isOpen in [true, false] {
            if !isOpen { try fixture.store.close() }
            var total = 0
            for name in try FileManager.default.contentsOfDirectory(atPath: fixture.folder.url.path) {
                let bytes = try Data(contentsOf: fixture.folder.url.appending(path: name))
                total += bytes.count
                for canary in Self.canaries {
                    #expect(bytes.range(of: Data(canary.utf8)) == nil, "\(canary) in \(name)")
                    // Nor in the encodings that values pass through.
                    #expect(bytes.range(of: Data(Base64.encodeURL(Array(canary.utf8)).utf8)) == nil)
                }
            }
            #expect(total > 10_000)
        }
    }

    @Test func `keeps every acknowledged write when the process dies without closing it`() async throws {
        let folder = try TemporaryFolder()
        let fixture = try Fixture(folder: folder)
        let job = try await fixture.pendingJob()
        let patients = try await fixture.records.read { try $0.patients() }
        #expect(patients.count == 1)
        // What a crash leaves: the files as they are now, copied away from under the open database.
        let copy = try TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) where !name.hasSuffix("-shm") {
            try FileManager.default.copyItem(
                at: folder.url.appending(path: name), to: copy.url.appending(path: name))
        }
        let opened = try Fixture(folder: copy)
        #expect(try await opened.records.read { try $0.patients() } == patients)
        #expect(try await opened.records.read { try $0.job(job) }?.state == .pending)
        #expect(try await opened.store.pendingJobs().map(\.job) == [job])
    }

    @Test func `that is no database is refused`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "records.sqlite")
        try Data("not a database, whatever its name says".utf8).write(to: file)
        let refusal = #expect(throws: Refusal.self) { try RecordStore(path: file.path) }
        #expect(refusal?.code == .storageUnavailable)
    }

    @Test func `is shared with the unit's other tables`() throws {
        let folder = try TemporaryFolder()
        var migrator = DatabaseMigrator()
        migrator.registerMigration("unit-1") { try $0.create(table: "seen") { $0.column("sequence", .integer) } }
        RecordSchema.register(in: &migrator)
        let database = try Storage.Database(path: folder.url.appending(path: "unit.sqlite").path, migrator: migrator)
        _ = RecordStore(database: database)
        #expect(try database.read { try $0.tableExists("rows") && $0.tableExists("seen") })
    }
}
