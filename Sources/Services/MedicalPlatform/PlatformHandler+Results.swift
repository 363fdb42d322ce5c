import Audit
import Encoding
import Records
import Unit

/// Jobs, results, passports and events on the way out.
extension PlatformHandler {
    /// `GET /jobs/{id}`.
    func job(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let id = try recordID(call)
        guard let job = try await records.read({ reader throws(Refusal) in try reader.job(id) }) else {
            throw Refusal(.notFound, "no such job")
        }
        var body: [String: JSON] = [
            "id": .string(job.id.description), "study": .string(job.study.description),
            "state": .string(job.state.rawValue), "attempt": .integer(Int64(job.attempt)),
        ]
        if let result = job.result { body["result"] = .string(result.description) }
        if let refusal = job.refusal {
            body["code"] = .string(refusal.name)
            body["detail"] = .string(refusal.detail)
        }
        return .json(.object(body))
    }

    /// `GET /results`.
    func listResults(_ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let results = try await records.read { reader throws(Refusal) in try reader.results() }
        return .json(["results": .array(results.map(\.json))])
    }

    /// `GET /results/{id}`.
    func result(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let id = try recordID(call)
        guard let result = try await records.read({ reader throws(Refusal) in try reader.result(id) }) else {
            throw Refusal(.notFound, "no such result")
        }
        try await record("result-read", call)
        return .json(result.json)
    }

    /// `GET /passports/{id}`.
    func passport(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let id = try recordID(call)
        guard let passport = try await records.read({ reader throws(Refusal) in try reader.passport(id) }) else {
            throw Refusal(.notFound, "no such passport")
        }
        return .json(passport)
    }

    /// `GET /events?after=N`: what happened since, at once; clients ask again.
    func events(_ call: Call, _ records: TenantRecords) async throws(Refusal) -> InnerResponse {
        let after = call.after ?? 0
        let events = try await records.read { reader throws(Refusal) in try reader.events(after: after) }
        return .json(["events": .array(events.map(\.json))])
    }
}
