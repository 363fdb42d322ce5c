package import AttestationToken
package import Audit
package import Encoding
import HTTPTypes
package import ServiceKit
import Synchronization
package import Telemetry

/// The key service: keys with release policies, behind the key API (key API reference).
///
/// Every decision is in the audit log before its answer leaves; where it cannot be written, the answer is
/// `audit-unavailable` and nothing was done (AC-075).
package final class KeyVault: RequestHandler {
    let store: KeyStore
    let audit: AuditLog
    let signer: ReleaseSigner
    let policy: PartyPolicy
    let verifier: ReleaseTargetVerifier
    let clock: WallClock
    let randomness: Randomness
    private let credentials: Credentials
    private let challenge: Challenge
    private let metrics: Metrics
    private let unknownCallers: RateLimit

    /// - Parameters:
    ///   - policy: the owner's party policy, verified; its issuers are the only authorities.
    ///   - keys: where the authorities' signing keys come from.
    package init(
        store: KeyStore, audit: AuditLog, signer: ReleaseSigner, policy: PartyPolicy, keys: any AuthorityKeys,
        credentials: Credentials, challenge: Challenge, metrics: Metrics = Metrics(), clock: WallClock = .system,
        randomness: Randomness = .system
    ) {
        self.store = store
        self.audit = audit
        self.signer = signer
        self.policy = policy
        verifier = ReleaseTargetVerifier(authorities: policy.authorities, keys: keys)
        self.credentials = credentials
        self.challenge = challenge
        self.metrics = metrics
        self.clock = clock
        self.randomness = randomness
        unknownCallers = RateLimit(perMinute: 60, clock: clock)
    }

    // MARK: RequestHandler

    package func respond(to request: ServerRequest) async -> ServerResponse {
        var decision = KeyDecision(id: request.id)
        var response: ServerResponse
        do throws(APIError) {
            let caller = try authenticate(request, &decision)
            response = try await perform(request, for: caller, &decision)
            if !decision.isRecorded { try await record(decision.allowed) }
            count(decision, code: "none")
        } catch {
            response = await refuse(error, decision)
        }
        response.headers[.cacheControl] = "no-cache"
        response.headers[.requestID] = request.id
        if let id = request.headers[.clientRequestID], id.utf8.count <= 128 { response.headers[.clientRequestID] = id }
        return response
    }

    package func route(of request: ServerRequest) -> StaticString {
        (try? KeyRoute(method: request.method, path: request.path))?.template ?? "other"
    }

    package func readiness() async -> Readiness {
        Readiness(
            isReady: isPolicyCurrent, facts: ["simulated": .bool(policy.issuers.contains(where: \.simulated))])
    }

    var isPolicyCurrent: Bool {
        let now = clock.now()
        return policy.notBefore <= now && now <= policy.notAfter
    }

    // MARK: Deciding

    /// Before anything of the request but its credential is looked at, its body unread (key API reference, section 3).
    private func authenticate(_ request: ServerRequest, _ decision: inout KeyDecision) throws(APIError) -> Caller {
        let caller: Caller?
        do throws(Refusal) {
            caller = try credentials.caller(of: request)
        } catch {
            // Strangers must not fill the disk: beyond a rate their refusals are only counted (AC-161).
            decision.isRecorded = !unknownCallers.allowsOneMore()
            throw challenge.error("AKV10032: The bearer token is not one of this service.", error)
        }
        guard let caller else {
            // The first step of every client, not an attempt.
            decision.isRecorded = true
            throw challenge.error(
                "AKV10000: Request is missing a Bearer or PoP token.",
                Refusal(.credentialInvalid, "the request carries no bearer token"))
        }
        return caller
    }

    private func perform(
        _ request: ServerRequest, for caller: Caller, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        let route: KeyRoute
        let endpoint: KeyEndpoint
        do throws(Refusal) {
            route = try KeyRoute(method: request.method, path: request.path)
            endpoint = try KeyEndpoint(authority: request.authority)
        } catch {
            throw APIError(error)
        }
        decision.event = route.event
        guard let api = request.queryValue("api-version").flatMap(APIVersion.init) else {
            throw .badParameter("The api-version is missing or unknown.")
        }
        let call = Call(request: request, endpoint: endpoint, api: api)
        if case .release(let name, let version) = route {
            return try await release(name, version: version, call, &decision)
        }
        guard caller == .administrator else {
            throw APIError(Refusal(.scopeInsufficient, "The caller may only release keys."))
        }
        switch route {
        case .create(let name): return try await create(name, call, &decision)
        case .importKey(let name): return try await importKey(name, call, &decision)
        case .get(let name, let version): return try await get(name, version: version, call, &decision)
        case .update(let name, let version): return try await update(name, version: version, call, &decision)
        case .list: return try await list(call)
        case .versions(let name): return try await versions(name, call, &decision)
        case .release(let name, let version): return try await release(name, version: version, call, &decision)
        case .unsupported(let operation):
            throw APIError(Refusal(.notImplemented, "This service does not have the operation: \(operation)."))
        }
    }

    private func refuse(_ error: APIError, _ decision: KeyDecision) async -> ServerResponse {
        count(decision, code: error.refusal.code.name)
        guard !decision.isRecorded else { return error.response }
        do throws(APIError) {
            try await record(decision.refused(error))
            return error.response
        } catch {
            return error.response
        }
    }

    private func record(_ entry: AuditEntry) async throws(APIError) {
        do throws(Refusal) { try await audit.record(entry) } catch { throw APIError(error) }
    }

    private func count(_ decision: KeyDecision, code: String) {
        metrics.count(
            "key_service_decisions_total", "Decisions by operation and refusal code",
            ["event": .identifier(decision.event), "code": .identifier(code)])
    }
}

/// One request with what was already read from it.
struct Call: Sendable {
    let request: ServerRequest
    let endpoint: KeyEndpoint
    let api: APIVersion

    func body() async throws(APIError) -> KeyBody {
        let bytes: [UInt8]
        do throws(Refusal) {
            bytes = try await request.body(maximumBytes: KeyBody.maximumBytes)
        } catch {
            throw APIError(error)
        }
        return try KeyBody(parsing: bytes)
    }
}

/// Lets so many events through in each minute.
final class RateLimit: Sendable {
    private let limit: Int
    private let clock: WallClock
    private let state = Mutex<(minute: Int64, count: Int)>((0, 0))

    init(perMinute limit: Int, clock: WallClock) {
        self.limit = limit
        self.clock = clock
    }

    func allowsOneMore() -> Bool {
        let minute = clock.now().seconds / 60
        return state.withLock { state in
            if state.minute != minute { state = (minute, 0) }
            state.count += 1
            return state.count <= limit
        }
    }
}

extension HTTPField.Name {
    fileprivate static let requestID = HTTPField.Name.known("x-ms-request-id")
    fileprivate static let clientRequestID = HTTPField.Name.known("x-ms-client-request-id")
}
