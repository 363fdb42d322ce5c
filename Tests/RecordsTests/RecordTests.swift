import Encoding
import Foundation
import TestSupport
import Testing

@testable import Records

@Suite struct `Accounts` {
    @Test func `begin with an enrolment secret that works once`() async throws {
        let fixture = try Fixture()
        let secret = Digest(of: "secret")
        func add(_ user: String, _ enrolment: Digest, _ records: TenantRecords) async throws -> RefusalCode? {
            try await refusal {
                _ = try await records.write { writer in
                    try writer.addAccount(user: user, passwordHash: "hash", enrolment: enrolment, at: Fixture.now)
                }
            }
        }
        #expect(try await add("anna", secret, fixture.records) == nil)
        #expect(try await add("berta", secret, fixture.records) == .loginInvalid)
        #expect(try await add("anna", Digest(of: "second"), fixture.records) == .conflict)
        // A refused attempt does not use the secret up.
        #expect(try await add("berta", Digest(of: "second"), fixture.records) == nil)
        // Another tenant's secrets are its own.
        #expect(try await add("anna", secret, fixture.others) == nil)
        #expect(try await add("", Digest(of: "third"), fixture.records) == .requestMalformed)
        let account = try await fixture.records.read { try $0.account(user: "berta") }
        #expect(account?.passwordHash == "hash")
        #expect(try await fixture.records.read { try $0.account(user: "carla") } == nil)
        #expect(try await fixture.others.read { try $0.account(user: "berta") } == nil)
    }
}

@Suite struct `Patients` {
    @Test func `come back as they were entered`() async throws {
        let fixture = try Fixture()
        let plain = PatientDetails(family: "Müller-Ω", given: "Zoë \"Q\"", birthDate: "2000-02-29")
        let ids = try await fixture.records.write { writer in
            [try writer.addPatient(Fixture.patient, at: Fixture.now), try writer.addPatient(plain, at: Fixture.now)]
        }
        #expect(try await fixture.records.read { try $0.patients() }.map(\.details) == [Fixture.patient, plain])
        #expect(try await fixture.records.read { try $0.patient(ids[1]) }?.details == plain)
    }

    @Test("AC-154 another tenant's ids are unknown") func tenants() async throws {
        let fixture = try Fixture()
        let job = try await fixture.pendingJob()
        _ = try await fixture.claim(job)
        let (result, passport) = try await fixture.finish(job, attempt: 1)
        let (patient, study, upload) = try await fixture.records.read { reader throws in
            guard let job = try reader.job(job) else { throw Refusal(.notFound, "the job") }
            return (try reader.patients()[0].id, job.study, job.upload)
        }
        try await fixture.others.read { reader throws in
            #expect(try reader.patient(patient) == nil)
            #expect(try reader.patients().isEmpty)
            #expect(try reader.study(study) == nil)
            #expect(try reader.upload(upload) == nil)
            #expect(try reader.job(job) == nil)
            #expect(try reader.result(result) == nil)
            #expect(try reader.results().isEmpty)
            #expect(try reader.passport(passport) == nil)
            #expect(try reader.events(after: 0).isEmpty)
        }
        let writes: [@Sendable (RecordWriter) throws -> Void] = [
            { writer in _ = try writer.addStudy(patient: patient, user: "x", at: Fixture.now) },
            { writer in try writer.putPart(0, of: upload, [1], at: Fixture.now) },
            { writer in
                _ = try writer.completeUpload(upload, length: 1, sha256: Digest(of: [1]), at: Fixture.now)
            },
            { writer in try writer.describe(study: study, image: ImageIdentity(), at: Fixture.now) },
            { writer in
                try writer.endAttempt(1, of: job, Refusal(.notReady, ""), .final, at: Fixture.now)
            },
            { writer in _ = try writer.image(of: upload) },
        ]
        for write in writes {
            #expect(try await refusal { try await fixture.others.write(write) } == .notFound)
        }
        #expect(try await fixture.others.write { try $0.claim(job, at: Fixture.now, timeLimit: 1) } == nil)
    }

    @Test func `with wrong fields are refused by the field's name`() {
        func detail(_ change: (inout [String: JSON]) -> Void) -> String? {
            var members = Fixture.patient.json.object ?? [:]
            change(&members)
            do throws(Refusal) {
                _ = try PatientDetails(json: .object(members))
                return nil
            } catch {
                return error.detail
            }
        }
        #expect(detail { _ in } == nil)
        #expect(detail { $0["phone"] = "" } == nil)
        for (field, value) in [
            ("family", ""), ("given", ""), ("birthDate", "1961-02-30"), ("birthDate", "28.2.1961"), ("sex", "f"),
            ("admissionDate", "soon"), ("address", String(repeating: "x", count: 2_001)),
        ] {
            let detail = detail { $0[field] = .string(value) }
            #expect(detail?.contains(field) == true)
            if value.count > 2 { #expect(detail?.contains(value) == false) }
        }
        #expect(detail { $0["family"] = nil }?.contains("family") == true)
        #expect(detail { $0["family"] = 5 }?.contains("family") == true)
        #expect(detail { $0["extra"] = "x" }?.contains("extra") == true)
    }

    @Test func `are FHIR resources that name each other`() async throws {
        let fixture = try Fixture()
        let job = try await fixture.pendingJob()
        _ = try await fixture.claim(job)
        _ = try await fixture.finish(job, attempt: 1)
        try await fixture.records.read { reader throws in
            let kinds: [RowKind] = [
                .serviceRequest, .imagingStudy, .diagnosticReport, .observation, .provenance, .auditEvent,
            ]
            let patient = try reader.patients()[0].id
            for kind in kinds {
                let resources = try reader.rows.all(kind, limit: 10)
                #expect(resources.count == (kind == .observation ? 3 : 1))
                for (id, json) in resources {
                    #expect(json["resourceType"]?.string == kind.rawValue)
                    #expect(json["id"]?.string == id)
                }
            }
            let report = try reader.rows.all(.diagnosticReport, limit: 1)[0].json
            #expect(report["status"] == "preliminary")
            #expect(report["subject"]?["reference"]?.string == "Patient/\(patient)")
            for reference in report["result"]?.array ?? [] {
                let id = FHIR.id(in: reference, of: "Observation")
                #expect(try reader.rows.json(.observation, id?.description ?? "") != nil)
            }
            let provenance = try reader.rows.all(.provenance, limit: 1)[0].json
            #expect(provenance["target"]?.array?.count == 4)
            let event = try reader.rows.all(.auditEvent, limit: 1)[0].json
            #expect(event["type"]?["code"] == "110106")
            #expect(event["agent"]?.array?.count == 2)
        }
    }
}

@Suite struct `Uploads` {
    private func opened(_ fixture: Fixture) async throws -> RecordID {
        try await fixture.records.write { writer in
            let patient = try writer.addPatient(Fixture.patient, at: Fixture.now)
            return try writer.addStudy(patient: patient, user: "clerk", at: Fixture.now).upload
        }
    }

    private func put(_ fixture: Fixture, _ index: Int, _ upload: RecordID, _ bytes: [UInt8]) async throws
        -> RefusalCode?
    {
        try await refusal {
            try await fixture.records.write { writer in
                try writer.putPart(index, of: upload, bytes, at: Fixture.now)
            }
        }
    }

    private func complete(
        _ fixture: Fixture, _ upload: RecordID, length: Int, _ digest: Digest
    ) async throws -> RefusalCode? {
        try await refusal {
            _ = try await fixture.records.write { writer in
                try writer.completeUpload(upload, length: length, sha256: digest, at: Fixture.now)
            }
        }
    }

    @Test func `arrive in parts, in any order, and survive a restart`() async throws {
        let folder = try TemporaryFolder()
        let fixture = try Fixture(folder: folder)
        let upload = try await opened(fixture)
        let image = (0..<UploadPart.bytes * 2 + 100).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
        let parts = [0, 1, 2].map {
            Array(image[$0 * UploadPart.bytes..<min(image.count, ($0 + 1) * UploadPart.bytes)])
        }
        #expect(try await put(fixture, 2, upload, parts[2]) == nil)
        #expect(try await put(fixture, 0, upload, Array("wrong at first".utf8)) == nil)
        #expect(try await put(fixture, 0, upload, parts[0]) == nil)
        #expect(try await fixture.records.read { try $0.upload(upload) }?.parts == [0, 2])
        #expect(try await complete(fixture, upload, length: image.count, Digest(of: image)) == .imageInvalid)
        try fixture.store.close()

        let later = try Fixture(folder: folder)
        #expect(try await later.records.read { try $0.upload(upload) }?.parts == [0, 2])
        #expect(try await refusal { _ = try await later.records.read { try $0.image(of: upload) } } == .notFound)
        #expect(try await put(later, 1, upload, parts[1]) == nil)
        #expect(try await complete(later, upload, length: image.count, Digest(of: image)) == nil)
        #expect(try await later.records.read { try $0.image(of: upload) } == image)
        #expect(try await later.records.read { try $0.upload(upload) }?.isComplete == true)
        #expect(try await put(later, 0, upload, parts[0]) == .conflict)
        #expect(try await complete(later, upload, length: image.count, Digest(of: image)) == .conflict)
    }

    @Test func `that are truncated, longer, empty or other bytes are refused and stay open`() async throws {
        let fixture = try Fixture()
        let upload = try await opened(fixture)
        let image: [UInt8] = [1, 2, 3]
        #expect(try await complete(fixture, upload, length: 3, Digest(of: image)) == .imageInvalid)
        #expect(try await put(fixture, 0, upload, image) == nil)
        #expect(try await complete(fixture, upload, length: 0, Digest(of: [])) == .imageInvalid)
        #expect(try await complete(fixture, upload, length: -1, Digest(of: image)) == .imageInvalid)
        #expect(try await complete(fixture, upload, length: 4, Digest(of: image)) == .imageInvalid)
        #expect(try await complete(fixture, upload, length: 2, Digest(of: [1, 2])) == .imageInvalid)
        #expect(try await complete(fixture, upload, length: .max, Digest(of: image)) == .tooLarge)
        #expect(try await complete(fixture, upload, length: 3, Digest(of: [3, 2, 1])) == .imageInvalid)
        #expect(try await fixture.store.pendingJobs().isEmpty)
        #expect(try await complete(fixture, upload, length: 3, Digest(of: image)) == nil)
    }

    @Test func `have limits`() async throws {
        let fixture = try Fixture()
        let upload = try await opened(fixture)
        #expect(try await put(fixture, -1, upload, [1]) == .requestMalformed)
        #expect(try await put(fixture, UploadPart.maximumCount, upload, [1]) == .requestMalformed)
        #expect(try await put(fixture, 0, upload, []) == .requestMalformed)
        #expect(try await put(fixture, 0, upload, [UInt8](repeating: 0, count: UploadPart.bytes + 1)) == .tooLarge)
        #expect(try await put(fixture, 0, RecordID(.system), [1]) == .notFound)
        for _ in 1..<UploadPart.maximumOpenUploads { _ = try await opened(fixture) }
        #expect(try await refusal { _ = try await opened(fixture) } == .tooMany)
        // A day later those that nobody finished are gone.
        let later = Fixture.now + UploadPart.lifetime + 1
        try await fixture.records.write { writer in
            let patient = try writer.patients()[0].id
            _ = try writer.addStudy(patient: patient, user: "clerk", at: later)
        }
        #expect(try await fixture.records.read { try $0.upload(upload) } == nil)
    }
}

@Suite struct `Jobs` {
    @Test func `end in a result, once`() async throws {
        let fixture = try Fixture()
        let id = try await fixture.pendingJob()
        #expect(try await fixture.store.pendingJobs().map(\.tenant) == [Fixture.hospital])
        let job = try #require(try await fixture.claim(id))
        #expect(job.attempt == 1)
        #expect(job.state == .running)
        #expect(job.deadline == Fixture.now + 60)
        #expect(try await fixture.claim(id) == nil)
        #expect(try await fixture.store.pendingJobs().isEmpty)
        #expect(try await refusal { _ = try await fixture.finish(id, attempt: 2) } == .conflict)
        let (result, passport) = try await fixture.finish(id, attempt: 1)
        #expect(try await refusal { _ = try await fixture.finish(id, attempt: 1) } == .conflict)
        let done = try #require(try await fixture.records.read { try $0.job(id) })
        #expect(done.state == .done)
        #expect(done.result == result)
        let stored = try #require(try await fixture.records.read { try $0.result(result) })
        #expect(stored.diagnosis == (try Fixture.diagnosis()))
        #expect(stored.summary.study == job.study)
        #expect(stored.summary.passport == passport)
        #expect(stored.json["labels"]?.string == Base64.encodeURL([0, 1, 2, 3]))
        #expect(stored.json["volumes"]?["csf"] == .number(1.25))
        #expect(try await fixture.records.read { try $0.results() } == [stored.summary])
        #expect(try await fixture.records.read { try $0.passport(passport) } == ["format": "cloister-passport/1"])
        let events = try await fixture.records.read { try $0.events(after: 0) }
        #expect(events.map(\.kind) == [.result])
        #expect(events[0].result == result)
        #expect(events[0].sequence == 1)
    }

    @Test func `that a dead process was running are pending again, and fail visibly after three attempts`() async throws
    {
        let folder = try TemporaryFolder()
        var fixture = try Fixture(folder: folder)
        let id = try await fixture.pendingJob()
        for attempt in 1...3 {
            #expect(try await fixture.claim(id)?.attempt == attempt)
            try fixture.store.close()
            fixture = try Fixture(folder: folder)
            #expect(try await fixture.store.recoverJobs() == 1)
            #expect(try await fixture.store.pendingJobs().map(\.job) == [id])
        }
        #expect(try await fixture.claim(id) == nil)
        let job = try #require(try await fixture.records.read { try $0.job(id) })
        #expect(job.state == .failed)
        #expect(job.refusal?.name == "job-interrupted")
        #expect(try await fixture.records.read { try $0.events(after: 0) }.map(\.kind) == [.failed])
        #expect(try await fixture.store.pendingJobs().isEmpty)
    }

    @Test func `may be tried again until the last attempt, or fail at once`() async throws {
        let fixture = try Fixture()
        let id = try await fixture.pendingJob()
        func end(_ attempt: Int, _ end: AttemptEnd) async throws -> JobState {
            try await fixture.records.write { writer in
                try writer.endAttempt(attempt, of: id, Refusal(.notReady, "the peer is away"), end, at: Fixture.now)
            }
        }
        for attempt in 1...2 {
            _ = try await fixture.claim(id)
            #expect(try await end(attempt, .mayRetry) == .pending)
        }
        _ = try await fixture.claim(id)
        #expect(try await refusal { _ = try await end(2, .mayRetry) } == .conflict)
        #expect(try await end(3, .mayRetry) == .failed)
        let job = try #require(try await fixture.records.read { try $0.job(id) })
        #expect(job.refusal == JobRefusal(name: "not-ready", detail: "the peer is away"))
        let other = try await fixture.pendingJob()
        _ = try await fixture.claim(other)
        let state = try await fixture.records.write { writer in
            try writer.endAttempt(1, of: other, Refusal(.imageInvalid, "no image"), .final, at: Fixture.now)
        }
        #expect(state == .failed)
        #expect(try await fixture.records.read { try $0.events(after: 1) }.map(\.job) == [other])
    }

    @Test func `beyond their deadline are pending again, and a late answer changes nothing`() async throws {
        let fixture = try Fixture()
        let id = try await fixture.pendingJob()
        _ = try await fixture.claim(id)
        #expect(try await fixture.store.expireJobs(at: Fixture.now + 60) == 0)
        #expect(try await fixture.store.expireJobs(at: Fixture.now + 61) == 1)
        #expect(try await refusal { _ = try await fixture.finish(id, attempt: 1) } == .conflict)
        #expect(try await fixture.claim(id)?.attempt == 2)
        #expect(try await refusal { _ = try await fixture.finish(id, attempt: 1) } == .conflict)
        _ = try await fixture.finish(id, attempt: 2)
        #expect(try await fixture.records.read { try $0.results() }.count == 1)
    }

    @Test func `leave nothing behind when their commit fails`() async throws {
        struct Failure: Error {}
        let fixture = try Fixture()
        let id = try await fixture.pendingJob()
        _ = try await fixture.claim(id)
        let code = try await refusal {
            try await fixture.records.write { writer in
                _ = try writer.finish(
                    1, of: id, diagnosis: try Fixture.diagnosis(), passport: [:], attribution: Fixture.attribution,
                    at: Fixture.now)
                throw Refusal(.auditUnavailable, "after everything was written")
            }
        }
        #expect(code == .auditUnavailable)
        try await fixture.records.read { reader throws in
            #expect(try reader.job(id)?.state == .running)
            #expect(try reader.results().isEmpty)
            #expect(try reader.events(after: 0).isEmpty)
            #expect(try reader.rows.all(.diagnosticReport, limit: 5).isEmpty)
        }
    }

    @Test("AC-056 a label map that does not fit its image is refused") func shapes() {
        func code(rows: Int = 2, labels: [UInt8] = [0, 1], image: [UInt8] = [0, 0]) -> RefusalCode? {
            do throws(Refusal) {
                _ = try Diagnosis(
                    rows: rows, columns: 1, labels: labels, image: image, classes: ["a", "b"],
                    volumes: TissueVolumes(csf: 0, grey: 0, white: 0),
                    model: ModelIdentity(name: "m", version: "1", sha256: ""))
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code() == nil)
        #expect(code(labels: [0, 2]) == .outputShape)
        #expect(code(labels: [0]) == .outputShape)
        #expect(code(image: [0]) == .outputShape)
        #expect(code(rows: 0, labels: [], image: []) == .outputShape)
        #expect(code(rows: .max) == .outputShape)
    }
}

@Suite struct `An idempotency key` {
    private func once(_ fixture: Fixture, _ key: String, _ request: String, family: String) async throws
        -> StoredOutcome
    {
        let key = try IdempotencyKey(key, request: Digest(of: request))
        return try await fixture.records.once(key, at: Fixture.now) { writer in
            let id = try writer.addPatient(
                PatientDetails(family: family, given: "x", birthDate: "2000-01-01"), at: Fixture.now)
            return StoredOutcome(status: 201, body: ["id": .string(id.description)])
        }
    }

    @Test func `returns the first outcome, also after a restart`() async throws {
        let folder = try TemporaryFolder()
        var fixture = try Fixture(folder: folder)
        let first = try await once(fixture, "key-1", "request", family: "A")
        #expect(try await once(fixture, "key-1", "request", family: "B") == first)
        try fixture.store.close()
        fixture = try Fixture(folder: folder)
        #expect(try await once(fixture, "key-1", "request", family: "C") == first)
        #expect(try await once(fixture, "key-2", "request", family: "D") != first)
        #expect(try await fixture.records.read { try $0.patients() }.map(\.details.family) == ["A", "D"])
    }

    @Test func `used for another request is refused`() async throws {
        let fixture = try Fixture()
        _ = try await once(fixture, "key", "request", family: "A")
        #expect(try await refusal { _ = try await once(fixture, "key", "other", family: "B") } == .conflict)
        #expect(try await fixture.records.read { try $0.patients() }.count == 1)
    }

    @Test func `belongs to one tenant`() async throws {
        let fixture = try Fixture()
        _ = try await once(fixture, "key", "request", family: "A")
        let key = try IdempotencyKey("key", request: Digest(of: "request"))
        let outcome = try await fixture.others.once(key, at: Fixture.now) { _ in
            StoredOutcome(status: 200, body: "other")
        }
        #expect(outcome.body == "other")
    }

    @Test func `of a request that was refused may be used again`() async throws {
        let fixture = try Fixture()
        let key = try IdempotencyKey("key", request: Digest(of: "request"))
        let code = try await refusal {
            _ = try await fixture.records.once(key, at: Fixture.now) { writer in
                _ = try writer.addPatient(Fixture.patient, at: Fixture.now)
                throw Refusal(.notReady, "not now")
            }
        }
        #expect(code == .notReady)
        #expect(try await fixture.records.read { try $0.patients() }.isEmpty)
        _ = try await once(fixture, "key", "request", family: "A")
    }

    @Test func `is used by many at once and takes effect once`() async throws {
        let fixture = try Fixture()
        let records = fixture.records
        let key = try IdempotencyKey("key", request: Digest(of: "request"))
        let outcomes = try await withThrowingTaskGroup(of: StoredOutcome.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await records.once(key, at: Fixture.now) { writer in
                        let id = try writer.addPatient(Fixture.patient, at: Fixture.now)
                        return StoredOutcome(status: 201, body: .string(id.description))
                    }
                }
            }
            return try await group.reduce(into: Set<StoredOutcome>()) { $0.insert($1) }
        }
        #expect(outcomes.count == 1)
        #expect(try await fixture.records.read { try $0.patients() }.count == 1)
    }

    @Test(arguments: ["", "a b", "ä", String(repeating: "x", count: 129), "line\nbreak"])
    func `that is none is refused`(_ key: String) {
        let refusal = #expect(throws: Refusal.self) { try IdempotencyKey(key, request: Digest(of: "")) }
        #expect(refusal?.code == .requestMalformed)
    }
}
