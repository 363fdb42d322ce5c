import Audit
import Encoding
import Imaging
import Records
import Unit

/// Patients, studies and their images on the way in.
extension PlatformHandler {
    /// `POST /patients`.
    func addPatient(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let details = try PatientDetails(json: try call.json())
        let time = call.time
        let outcome = try await records.once(try call.idempotency(), at: time) { writer throws(Refusal) in
            let id = try writer.addPatient(details, at: time)
            return StoredOutcome(status: 201, body: ["id": .string(id.description)])
        }
        try await record("patient-written", call)
        return .json(outcome.body, status: outcome.status)
    }

    /// `GET /patients`.
    func listPatients(_ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let patients = try await records.read { reader throws(Refusal) in try reader.patients() }
        return .json([
            "patients": .array(
                patients.map { patient in
                    [
                        "id": .string(patient.id.description), "family": .string(patient.details.family),
                        "given": .string(patient.details.given), "birthDate": .string(patient.details.birthDate),
                    ]
                })
        ])
    }

    /// `POST /studies`.
    func addStudy(_ call: Call, _ records: TenantRecords, user: String) async throws(Refusal) -> InnerResponse {
        var reader = try ObjectReader(try call.json(), "the study", refusing: .requestMalformed)
        guard let patient = RecordID(try reader.string("patient")) else {
            throw Refusal(.notFound, "no such patient")
        }
        let description = reader.has("description") ? try reader.string("description") : nil
        let reason = reader.has("reason") ? try reader.string("reason") : nil
        try reader.finish()
        let time = call.time
        let outcome = try await records.once(try call.idempotency(), at: time) { writer throws(Refusal) in
            let made = try writer.addStudy(
                patient: patient, description: description, reason: reason, user: user, at: time)
            return StoredOutcome(
                status: 201,
                body: ["study": .string(made.study.description), "upload": .string(made.upload.description)])
        }
        try await record("study-written", call)
        return .json(outcome.body, status: outcome.status)
    }

    /// `GET /uploads/{id}`: which parts are durable, so that an upload can go on.
    func upload(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let id = try recordID(call)
        guard let upload = try await records.read({ reader throws(Refusal) in try reader.upload(id) }) else {
            throw Refusal(.notFound, "no such upload")
        }
        return .json([
            "parts": .array(upload.parts.map { .integer(Int64($0)) }), "complete": .bool(upload.isComplete),
        ])
    }

    /// `PUT /uploads/{id}/parts/{index}`: durable when acknowledged; sending a part again is harmless.
    func putPart(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let id = try recordID(call)
        guard let index = Int(call.path[3]) else { throw Refusal(.requestMalformed, "a part's index is a number") }
        let time = call.time
        let content = call.content
        // A closure that returns nothing crashes the compiler (6.3.1) where its error type is converted.
        _ = try await records.write { writer throws(Refusal) in
            try writer.putPart(index, of: id, content, at: time)
            return true
        }
        return .empty()
    }

    /// `POST /uploads/{id}/complete`: the image is whole and readable, or nothing is kept of this call.
    func complete(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let id = try recordID(call)
        var reader = try ObjectReader(try call.json(), "the completion", refusing: .requestMalformed)
        let length = try reader.integer("length")
        guard let sha256 = Hex.decode(try reader.string("sha256")).flatMap({ Digest(bytes: $0) }) else {
            throw Refusal(.requestMalformed, "sha256 must be 64 hexadecimal digits")
        }
        try reader.finish()
        guard let length = Int(exactly: length) else { throw Refusal(.requestMalformed, "length is out of range") }
        let time = call.time
        let outcome = try await records.once(try call.idempotency(), at: time) { writer throws(Refusal) in
            let job = try writer.completeUpload(id, length: length, sha256: sha256, at: time)
            let file = try DICOMFile(parsing: try writer.image(of: id))
            _ = try DiagnosisInput(file)
            guard let study = try writer.upload(id)?.study else { throw Refusal(.notFound, "no such upload") }
            try writer.describe(
                study: study,
                image: ImageIdentity(
                    studyUID: file.studyInstanceUID, seriesUID: file.seriesInstanceUID,
                    instanceUID: file.sopInstanceUID, classUID: file.sopClassUID, modality: file.modality),
                at: time)
            return StoredOutcome(status: 202, body: ["job": .string(job.description)])
        }
        try await record("image-accepted", call)
        worker.wake()
        return .json(outcome.body, status: outcome.status)
    }
}
