import Access
package import AttestationToken
package import Audit
package import Encoding
import HTTPTypes
package import ServiceKit
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
    let settings: VaultSettings
    private let credentials: Credentials
    private let challenge: Challenge
    private let metrics: Metrics
    /// What the audit log gets about callers whom nobody knows.
    package let strangers: StrangerRecords
    /// Keys that are being made.
    let generations = CallLimit(maximum: 16)

    /// - Parameters:
    ///   - policy: the owner's party policy, verified; its issuers are authorities.
    ///   - furtherAuthorities: those that the configuration adds; there are no others.
    ///   - keys: where the authorities' signing keys come from.
    package init(
        store: KeyStore, audit: AuditLog, signer: ReleaseSigner, policy: PartyPolicy, keys: any AuthorityKeys,
        furtherAuthorities: [PartyPolicy.Issuer] = [], credentials: Credentials, challenge: Challenge,
        settings: VaultSettings = VaultSettings(), metrics: Metrics = Metrics(), clock: WallClock = .system,
        randomness: Randomness = .system
    ) {
        self.store = store
        self.audit = audit
        self.signer = signer
        self.policy = policy
        verifier = ReleaseTargetVerifier(
            authorities: AuthoritySet(
                issuers: policy.issuers + furtherAuthorities, threshold: policy.threshold), keys: keys)
        self.credentials = credentials
        self.challenge = challenge
        self.settings = settings
        self.metrics = metrics
        self.clock = clock
        self.randomness = randomness
        strangers = StrangerRecords(audit, clock: clock)
    }

    // MARK: RequestHandler

    package func respond(to request: ServerRequest) async -> ServerResponse {
        var decision = KeyDecision(id: request.id)
        var response: ServerResponse
        do throws(APIError) {
            let caller = try await authenticate(request, &decision)
            response = try await perform(request, for: caller, &decision)
            if !decision.isRecorded { try await write(decision.allowed) }
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
    private func authenticate(
        _ request: ServerRequest, _ decision: inout KeyDecision
    ) async throws(APIError) -> Caller {
        let caller: Caller?
        do throws(Refusal) {
            caller = try await credentials.caller(of: request, at: clock.now())
        } catch {
            decision.isOfStranger = true
            guard error.code == .credentialInvalid else { throw APIError(error) }
            throw challenge.error("AKV10032: The bearer token is not one of this service.", error)
        }
        guard let caller else {
            // The first step of every client, not an attempt.
            decision.isRecorded = true
            throw challenge.error(
                "AKV10000: Request is missing a Bearer or PoP token.",
                Refusal(.credentialInvalid, "the request carries no bearer token"))
        }
        decision.caller = credentials.auditName(of: caller)
        return caller
    }

    private func perform(
        _ request: ServerRequest, for caller: Caller, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        let route: KeyRoute
        let endpoint: KeyEndpoint
        do throws(Refusal) {
            route = try KeyRoute(method: request.method, path: request.path)
            endpoint = try KeyEndpoint(authority: request.authority, settings: settings)
        } catch {
            throw APIError(error)
        }
        decision.event = route.event
        guard let api = request.queryValue("api-version").flatMap(APIVersion.init) else {
            throw .badParameter("The api-version is missing or unknown.")
        }
        // A caller may take long to send a body; what he may do is decided when it is there.
        let bytes: [UInt8]
        do throws(Refusal) {
            bytes = route.hasBody ? try await request.body(maximumBytes: route.maximumBodyBytes) : []
        } catch {
            throw APIError(error)
        }
        let call = Call(request: request, endpoint: endpoint, api: api, bytes: bytes)
        try await authorise(caller, for: route)
        return try await answer(route, call, caller, &decision)
    }

    /// Before anything is looked up: who may not know of a key hears the same whether it is there or not.
    func authorise(_ caller: Caller, for route: KeyRoute) async throws(APIError) {
        let (action, scope) = route.permission
        switch caller {
        case .administrator: return
        case .release:
            guard action == .release else {
                throw APIError(Refusal(.scopeInsufficient, "The caller may only release keys."))
            }
        case .principal(let id):
            let assignments = try await store.read { try $0.assignments(of: id) }
            guard assignments.contains(where: { scope.covering.contains($0.scope) && $0.role.actions.contains(action) })
            else {
                throw APIError(
                    Refusal(.scopeInsufficient, "Caller is not authorized to perform action on resource."))
            }
        }
    }

    /// Changes keys, roles or the master key: what `body` does and the line of the decision are one transaction, and the line
    /// comes last before the commit: should that fail, there is a line too many, never one too few.
    func change<Value: Sendable>(
        _ decision: inout KeyDecision, _ body: @escaping @Sendable (KeyTransaction) throws -> Value
    ) async throws(APIError) -> Value {
        let (facts, audit) = (decision, audit)
        let value = try await store.write { keys in
            let value = try body(keys)
            try keys.append(facts.allowed, to: audit)
            return value
        }
        decision.isRecorded = true
        return value
    }

    func isAllowed(_ caller: Caller, _ route: KeyRoute) async -> Bool {
        do throws(APIError) { try await authorise(caller, for: route) } catch { return false }
        return true
    }

    private func refuse(_ error: APIError, _ decision: KeyDecision) async -> ServerResponse {
        count(decision, code: error.refusal.code.name)
        guard !decision.isRecorded else { return error.response }
        do throws(APIError) {
            let entry = decision.refused(error)
            guard decision.isOfStranger else {
                try await write(entry)
                return error.response
            }
            do throws(Refusal) { try await strangers.record(entry) } catch { throw APIError(error) }
            return error.response
        } catch {
            return error.response
        }
    }

    func write(_ entry: AuditEntry) async throws(APIError) {
        do throws(Refusal) { try await audit.record(entry) } catch { throw APIError(error) }
    }

    private func count(_ decision: KeyDecision, code: String) {
        metrics.count(
            "key_service_decisions_total", "Decisions by operation and refusal code",
            ["event": .identifier(decision.event), "code": .identifier(code)])
    }
}

extension HTTPField.Name {
    fileprivate static let requestID = HTTPField.Name.known("x-ms-request-id")
    fileprivate static let clientRequestID = HTTPField.Name.known("x-ms-client-request-id")
}
