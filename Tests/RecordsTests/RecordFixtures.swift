import Encoding
import Foundation
import Records
import TestSupport

/// Two hospitals with their keys, a store in a folder of its own, and the steps that most tests begin with.
final class Fixture {
    static let now = Timestamp(seconds: 1_795_300_000)
    static let hospital = Digest(of: "hospital")
    static let otherHospital = Digest(of: "other hospital")
    static let key = Secret((0..<32).map { UInt8($0) })
    static let otherKey = Secret((0..<32).map { UInt8($0 + 100) })

    let folder: TemporaryFolder
    var path: String { folder.url.appending(path: "records.sqlite").path }
    let store: RecordStore
    let records: TenantRecords
    let others: TenantRecords

    init(folder: TemporaryFolder? = nil) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        store = try RecordStore(path: folder.url.appending(path: "records.sqlite").path)
        records = store.records(of: try Self.cipher())
        others = store.records(
            of: try RowCipher(tenant: Self.otherHospital, keyVersion: "v1", releasedKey: Self.otherKey))
    }

    static func cipher(
        tenant: Digest = hospital, version: String = "v1", key: Secret = key, earlier: [String: Secret] = [:]
    ) throws -> RowCipher {
        try RowCipher(tenant: tenant, keyVersion: version, releasedKey: key, earlier: earlier)
    }

    /// The same hospital's records through another key.
    func records(version: String = "v1", key: Secret, earlier: [String: Secret] = [:]) throws -> TenantRecords {
        store.records(of: try Self.cipher(version: version, key: key, earlier: earlier))
    }

    static var patient: PatientDetails {
        var details = PatientDetails(family: "Canaryfamily", given: "Zebragiven", birthDate: "1961-02-28")
        details.sex = "female"
        details.address = "1 Ostrich Road"
        details.phone = "+1 555 01234"
        details.allergies = "Penguinmycin"
        details.conditions = "Walrusitis"
        details.insurance = "Giraffe Mutual 12345"
        details.admissionDate = "2026-11-20"
        return details
    }

    /// Patient, study and an upload that is complete: a job that waits.
    func pendingJob(image: [UInt8] = Array("Pelicanpixels".utf8)) async throws -> RecordID {
        try await records.write { writer in
            let patient = try writer.addPatient(Self.patient, at: Self.now)
            let (_, upload) = try writer.addStudy(
                patient: patient, description: "Narwhalstudy", reason: "Lemurreason", user: "clerk", at: Self.now)
            try writer.putPart(0, of: upload, image, at: Self.now)
            return try writer.completeUpload(upload, length: image.count, sha256: Digest(of: image), at: Self.now)
        }
    }

    static func diagnosis() throws(Refusal) -> Diagnosis {
        try Diagnosis(
            rows: 2, columns: 2, labels: [0, 1, 2, 3], image: [10, 20, 30, 40],
            classes: ["background", "csf", "grey_matter", "white_matter"],
            volumes: TissueVolumes(csf: 1.25, grey: 2.5, white: 3),
            model: ModelIdentity(name: "m", version: "1", sha256: "ab"))
    }

    static let attribution = Attribution(
        platform: Digest(of: "platform"), diagnostics: Digest(of: "provider"), token: Digest(of: "token"),
        grade: "simulated")

    func claim(_ job: RecordID, at time: Timestamp = now) async throws -> Job? {
        try await records.write { writer in try writer.claim(job, at: time, timeLimit: 60) }
    }

    func finish(_ job: RecordID, attempt: Int) async throws -> (result: RecordID, passport: RecordID) {
        try await records.write { writer in
            try writer.finish(
                attempt, of: job, diagnosis: try Self.diagnosis(), passport: ["format": "cloister-passport/1"],
                attribution: Self.attribution, at: Self.now + 10)
        }
    }
}

/// The refusal that `body` ends in; nil when it does not.
func refusal(_ body: () async throws -> Void) async throws -> RefusalCode? {
    do {
        try await body()
        return nil
    } catch let refusal as Refusal {
        return refusal.code
    }
}
