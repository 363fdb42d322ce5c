import Access
import Audit
import Encoding
import Evidence
import HTTPTypes
import ServiceKit

/// Policies and policy signers over HTTP (attestation API reference, sections 5, 6 and 8).
extension AttestationHandler {
    /// Answers a route that needs a role. A change is in the audit log before this returns, and so is every refusal but
    /// those of strangers that are counted.
    func administer(_ route: AttestationRoute.Administration, _ request: ServerRequest) async -> ServerResponse {
        var entry = AuditEntry(
            event: route.event, outcome: .allowed, id: request.id, key: "\(instance.name)\(route.path)")
        var isStranger = true
        do throws(APIError) {
            let caller = try await authorize(request, path: route.path, role: route.role)
            entry.caller = caller.name
            isStranger = false
            if let answer = try await changeTrust(route, request, entry) { return Self.json(answer) }
            return Self.json(try await perform(route, request, entry))
        } catch {
            entry.outcome = .refused
            entry.code = error.refusal.name
            do throws(Refusal) {
                if isStranger {
                    try await instance.strangers.record(entry)
                } else {
                    try await instance.policies.audit.record(entry)
                }
            } catch { return Self.error(APIError(error)) }
            return Self.error(error)
        }
    }

    /// The caller, when its role covers the route.
    ///
    /// - Throws: `Unauthorized`, also where only the role is missing, as the compatible service does.
    func authorize(
        _ request: ServerRequest, path: String, role: AccessRole
    ) async throws(APIError) -> Caller {
        let refusal: Refusal
        do throws(Refusal) {
            let caller = try await instance.access.caller(of: request, at: try instance.results.clock.now())
            if caller.role >= role { return caller }
            refusal = Refusal(.scopeInsufficient, "the bearer may only read")
        } catch { refusal = error }
        guard refusal.code == .credentialInvalid || refusal.code == .scopeInsufficient else {
            throw APIError(refusal)
        }
        throw APIError(
            status: 401, code: .unauthorized,
            refusal: Refusal(refusal.code, "Access to \(path) requires a valid JWT bearer token"))
    }

    private func perform(
        _ route: AttestationRoute.Administration, _ request: ServerRequest, _ entry: AuditEntry
    ) async throws(APIError) -> JSON {
        let isPreview: Bool
        do throws(Refusal) { isPreview = try Self.version(of: request) == Self.previewVersion } catch {
            throw APIError(error)
        }
        let policies = instance.policies
        switch route {
        case .policy(let type): return try await sign(["x-ms-policy": .string(try await policies.token(type))])
        case .setPolicy(let type):
            let token = try PolicyToken(try await text(request))
            var claims: [String: JSON] = [
                "x-ms-policy-result": "Updated", "x-ms-policy-token-hash": .string(token.digest.description),
            ]
            if let signer = token.signer { claims["x-ms-policy-signer"] = signer.jwk }
            // Signed before the change takes effect: a key or clock that fails must not leave a change unanswered.
            let reply = try await sign(claims)
            try await policies.set(type, token: token, allowsPlainText: isPreview, entry: entry)
            return reply
        case .resetPolicy(let type):
            let token = try PolicyToken(try await text(request))
            let reply = try await sign(["x-ms-policy-result": "Removed"])
            try await policies.reset(type, token: token, entry: entry)
            return reply
        case .certificates:
            return try await sign(["x-ms-policy-certificates": ["keys": .array(try await policies.signers())]])
        case .changeCertificate(let change):
            let member = change == .add ? "policyCertificateToAdd" : "policyCertificateToRemove"
            let token = try PolicyToken(try await text(request, member: member))
            let certificate = try token.policyCertificate(allowsPreviewNames: isPreview)
            let result: JSON = change == .add ? "IsPresent" : "IsAbsent"
            let reply = try await sign([
                "x-ms-certificate-thumbprint": .string(certificate.thumbprint),
                // The name on the wire, and the one in the newest API definition.
                "x-ms-policycertificates-result": result, "x-ms-certificate-result": result,
            ])
            try await policies.change(change, certificate: certificate, token: token, entry: entry)
            return reply
        case .tcbBaselines: return TCBBaseline.list
        case .distrusted, .distrust, .trust: return .null
        }
    }

    /// What is distrusted, over HTTP (`Documentation/distrust.md`); nil for every other route.
    private func changeTrust(
        _ route: AttestationRoute.Administration, _ request: ServerRequest, _ entry: AuditEntry
    ) async throws(APIError) -> JSON? {
        do throws(Refusal) {
            switch route {
            case .distrusted:
                return ["distrusted": .array(try await instance.distrust.entries().map(\.json))]
            case .distrust:
                let body = try await request.body(maximumBytes: 4_096)
                guard let text = (try? JSON.parse(body))?["mark"]?.string else {
                    throw Refusal(.requestMalformed, "the body is not {\"mark\":\"<kind>:<value>\"}")
                }
                let mark = try EvidenceMark(parsing: text)
                try mark.requirePossible()
                var entry = entry
                entry.key = "\(instance.name)/\(mark)"
                let revoked = try await instance.distrust.distrust(
                    mark, at: try instance.results.clock.now(), entry: entry)
                return ["mark": .string(mark.description), "revoked": .integer(Int64(revoked))]
            case .trust(let text):
                let mark = try EvidenceMark(parsing: text)
                var entry = entry
                entry.key = "\(instance.name)/\(mark)"
                try await instance.distrust.trust(mark, entry: entry)
                return ["mark": .string(mark.description)]
            case .policy, .setPolicy, .resetPolicy, .certificates, .changeCertificate, .tcbBaselines: return nil
            }
        } catch { throw APIError(error) }
    }

    private func text(_ request: ServerRequest, member: String? = nil) async throws(APIError) -> String {
        let body: [UInt8]
        do throws(Refusal) { body = try await request.body(maximumBytes: PolicyToken.maximumBodyBytes) } catch {
            throw APIError(error)
        }
        return try PolicyToken.text(ofBody: body, member: member)
    }

    private func sign(_ claims: [String: JSON]) async throws(APIError) -> JSON {
        do throws(Refusal) { return ["token": .string(try await instance.results.sign(claims))] } catch {
            throw APIError(error)
        }
    }
}
