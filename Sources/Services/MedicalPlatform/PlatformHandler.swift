import Audit
import Channel
import Encoding
import HTTPTypes
import Imaging
import Records
import ServiceKit
import Telemetry
import Unit

/// The platform's API inside the channel (formats section 4, inner routes).
struct PlatformHandler: InnerHandler {
    let runtime: UnitRuntime
    let tenants: Tenants
    let audit: AuditLog
    let strangers: StrangerRecords
    let worker: DiagnosisWorker
    let sessions = Sessions()
    let passwords = Passwords()
    let signIns = SignInLimit()

    /// A request of a tenant, taken apart once.
    struct Call: Sendable {
        var id: String
        var method: String
        /// Segments of the path.
        var path: [String]
        /// Value of the query parameter `after`.
        var after: Int64?
        var tenant: Digest
        var bearer: String?
        var content: [UInt8]
        var time: Timestamp
        /// Key and request digest of a call that has an effect.
        var idempotencyKey: String?

        /// The body as JSON.
        func json() throws(Refusal) -> JSON {
            do throws(JSON.ParseError) { return try JSON.parse(content) } catch {
                throw Refusal(.requestMalformed, "the body is not JSON: \(error.problem)")
            }
        }

        /// For calls with an effect (architecture rule 26).
        ///
        /// - Throws: `request-malformed` without the field.
        func idempotency() throws(Refusal) -> IdempotencyKey {
            guard let idempotencyKey else {
                throw Refusal(.requestMalformed, "idempotency-key is missing; everything with an effect needs one")
            }
            let request = Digest(of: Array((method + " /" + path.joined(separator: "/") + "\n").utf8) + content)
            return try IdempotencyKey(idempotencyKey, request: request)
        }
    }

    func readiness() async -> Refusal? {
        await tenants.firstLocked()
    }

    func respond(to request: InnerRequest) async -> InnerResponse {
        do throws(Refusal) {
            return try await answer(try call(request))
        } catch {
            runtime.metrics.count(
                "inner_refusals_total", "Sealed requests refused", ["code": .identifier(error.code.name)])
            runtime.log.info(
                "refused inside the channel", [.code: .identifier(error.name), .id: .identifier(request.id)])
            return .problem(error, id: request.id)
        }
    }

    private func call(_ request: InnerRequest) throws(Refusal) -> Call {
        guard let tenant = request.request.fields["cloister-tenant"].flatMap({ Digest($0) }) else {
            throw Refusal(.requestMalformed, "cloister-tenant is missing or is no party id")
        }
        _ = try tenants.policy(of: tenant)
        let parsed = ServerRequest(.get, request.request.path)
        guard let segments = parsed.segments else { throw Refusal(.requestMalformed, "the path is not UTF-8") }
        let authorization = request.request.fields["authorization"]
        return Call(
            id: request.id, method: request.request.method, path: segments,
            after: parsed.queryValue("after").flatMap { Int64($0) }, tenant: tenant,
            bearer: authorization.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil },
            content: request.request.content, time: try runtime.clock.now(),
            idempotencyKey: request.request.fields["idempotency-key"])
    }

    private func answer(_ call: Call) async throws(Refusal) -> InnerResponse {
        switch (call.method, call.path.first, call.path.count) {
        case ("POST", "accounts", 1): return try await createAccount(call)
        case ("POST", "sessions", 1): return try await signIn(call)
        default: break
        }
        guard let bearer = call.bearer else { throw Refusal(.loginInvalid, "sign in first") }
        let session = try sessions.session(bearer, tenant: call.tenant, at: call.time)
        let records = try await tenants.records(of: call.tenant)
        switch (call.method, call.path.first, call.path.count) {
        case ("DELETE", "sessions", 2) where call.path[1] == "current":
            sessions.end(bearer)
            return .empty()
        case ("POST", "patients", 1): return try await addPatient(call, records)
        case ("GET", "patients", 1): return try await listPatients(records)
        case ("POST", "studies", 1): return try await addStudy(call, records, user: session.user)
        case ("GET", "uploads", 2): return try await upload(call, records)
        case ("PUT", "uploads", 4) where call.path[2] == "parts": return try await putPart(call, records)
        case ("POST", "uploads", 3) where call.path[2] == "complete": return try await complete(call, records)
        case ("GET", "jobs", 2): return try await job(call, records)
        case ("GET", "results", 1): return try await listResults(records)
        case ("GET", "results", 2): return try await result(call, records)
        case ("GET", "passports", 2): return try await passport(call, records)
        case ("GET", "events", 1): return try await events(call, records)
        default: throw Refusal(.notFound, "no such route")
        }
    }

    /// The id in the path's second segment.
    func recordID(_ call: Call) throws(Refusal) -> RecordID {
        guard call.path.count > 1, let id = RecordID(call.path[1]) else { throw Refusal(.notFound, "no such record") }
        return id
    }

    /// Of somebody who is signed in.
    func record(_ event: String, _ call: Call) async throws(Refusal) {
        try await audit.record(AuditEntry(event: event, outcome: .allowed, id: call.id, party: call.tenant))
    }

    /// Of somebody who wanted to be: attempts that go on must not fill the disk (AC-161).
    func recordFailedLogin(_ event: String, _ call: Call) async throws(Refusal) {
        try await strangers.record(
            AuditEntry(event: event, outcome: .refused, id: call.id, code: "login-invalid", party: call.tenant))
    }
}
