import AttestationToken
import Encoding
import HTTPTypes
package import ServiceKit

/// The routes of the compatible attestation API for one instance (attestation API reference, sections 2, 3 and 7).
package struct AttestationHandler: RequestHandler {
    /// Values of `api-version` that clients of the API send.
    static let versions: Set<String> = [
        "2018-09-01-preview", "2020-10-01", "2022-08-01", "2022-09-01-preview", "2023-04-01-preview", "2025-06-01",
    ]
    /// The first preview, which put policies and certificates under other names.
    static let previewVersion = "2018-09-01-preview"
    /// Attest calls that are worked on at the same time; more are answered with 429.
    package static let maximumCalls = 64
    /// Seconds after which to ask again where something that this service needs does not answer.
    static let retryAfterOutage = "10"
    /// The value of `x-ms-maa-service-version`.
    static let serviceVersion = "cloister-1"

    let instance: AttestationInstance
    private var authority: AttestationAuthority { instance.authority }
    private let crossOrigin: CrossOrigin
    private let isCollateralThere: @Sendable () -> Bool
    private let calls = CallLimit(maximum: AttestationHandler.maximumCalls)
    private let clients: ClientLimits

    /// - Parameters:
    ///   - allowedOrigins: web origins whose pages may call.
    ///   - requestsPerSecond: what one client address may ask for, with twice as many at once; 0 for no limit.
    ///   - isCollateralThere: whether the collateral source has anything to offer, for `/health/ready`.
    ///   - now: of the clock that rates are counted on.
    package init(
        _ instance: AttestationInstance, allowedOrigins: [String], requestsPerSecond: Int = 0,
        isCollateralThere: @escaping @Sendable () -> Bool,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.instance = instance
        crossOrigin = CrossOrigin(origins: allowedOrigins)
        clients = ClientLimits(perSecond: Double(requestsPerSecond), burst: Double(requestsPerSecond) * 2, now: now)
        self.isCollateralThere = isCollateralThere
    }

    package func respond(to request: ServerRequest) async -> ServerResponse {
        let segments = request.segments
        let route = AttestationRoute(segments, method: request.method == .options ? nil : request.method)
        var response = await answer(route, request)
        if route?.isForBrowsers ?? false { crossOrigin.apply(to: &response, for: request) }
        response.headers[.serviceVersion] = Self.serviceVersion
        response.headers[.requestID] = request.id
        if let id = request.headers[.clientRequestID], id.utf8.count <= 128 { response.headers[.clientRequestID] = id }
        return response
    }

    private func answer(_ route: AttestationRoute?, _ request: ServerRequest) async -> ServerResponse {
        if let seconds = clients.wait(ClientNetwork(request.client)) {
            return Self.busy("too many requests of one client; try again later", retryAfter: seconds)
        }
        switch route {
        case .discovery, .certs, .revocations, .attest:
            if request.method == .options { return crossOrigin.preflight(request) }
        case .administration, nil: break
        }
        switch route {
        case .discovery: return Self.json(discovery)
        case .certs: return Self.json(await authority.currentKeySet)
        case .revocations: return await revocations()
        case .attest(let type): return await attest(type, request)
        case .administration(let route) where request.method != .options: return await administer(route, request)
        case .administration, nil: return Self.error(APIError(Refusal(.notFound, "there is no such route")))
        }
    }

    package func route(of request: ServerRequest) -> StaticString {
        AttestationRoute(request.segments, method: request.method)?.template ?? "other"
    }

    package func readiness() async -> Readiness {
        let isThere = isCollateralThere()
        let isTimeTrusted = authority.clockProblem == nil
        let arePoliciesThere = await instance.policies.isReadable
        return Readiness(
            isReady: isThere && isTimeTrusted && arePoliciesThere,
            facts: [
                "issuer": .string(authority.issuer), "simulated": .bool(authority.trustsSimulation),
                "collateral": .bool(isThere), "timeTrusted": .bool(isTimeTrusted), "keys": true,
                "policies": .bool(arePoliciesThere), "instance": .string(instance.name),
                "trustModel": .string(instance.policies.trustModel.rawValue),
            ])
    }
}

// MARK: Routes

extension AttestationHandler {
    private var discovery: JSON {
        [
            "issuer": .string(authority.issuer), "jwks_uri": .string(authority.issuer + "/certs"),
            "response_types_supported": ["token", "none"],
            "id_token_signing_alg_values_supported": .array(SigningKeyRing.algorithms.map { .string($0) }),
            "revocation_endpoint": .string(authority.issuer + "/revoke"),
            "claims_supported": .array(SupportedClaims.names.map { .string($0) }),
        ]
    }

    /// What was revoked, for relying parties (`Documentation/distrust.md`).
    private func revocations() async -> ServerResponse {
        do throws(Refusal) {
            let list = try await instance.revocations.current()
            return ServerResponse(
                status: 200, headers: [.contentType: "application/jose", .cacheControl: "no-store"],
                body: Array(list.utf8))
        } catch { return Self.error(APIError(error)) }
    }

    private func attest(_ type: AttestationType, _ request: ServerRequest) async -> ServerResponse {
        var caller: String?
        if instance.attestNeedsToken {
            do throws(APIError) {
                caller = try await authorize(request, path: "/attest/\(type.rawValue)", role: .reader).name
            } catch { return await refuse(type, error, request) }
        }
        let body: [UInt8]
        do throws(Refusal) {
            _ = try Self.version(of: request)
            body = try await request.body(maximumBytes: AttestationAuthority.maximumBodyBytes)
        } catch { return await refuse(type, APIError(error), request, caller: caller) }
        // Only now: a client that sends its body byte by byte must not take a place (AC-158).
        guard let slot = calls.enter() else {
            // Not written down: nothing was decided, and a flood must not fill the audit log.
            return Self.busy("too many calls at once; try again", retryAfter: 1)
        }
        defer { slot.leave() }
        do throws(APIError) {
            let issued = try await authority.attest(type, body: body, id: request.id, caller: caller)
            return Self.json(issued.reply)
        } catch { return Self.error(error) }
    }

    /// The API version that a request asks for, in lower case.
    ///
    /// - Throws: `request-malformed` for none, and for one that is not known.
    static func version(of request: ServerRequest) throws(Refusal) -> String {
        let version = request.query.first { $0.name.lowercased() == "api-version" }?.value.lowercased()
        guard let version, versions.contains(version) else {
            throw Refusal(.requestMalformed, "api-version is missing or unknown")
        }
        return version
    }

    /// Refuses before the evidence is looked at; written down all the same.
    private func refuse(
        _ type: AttestationType, _ error: APIError, _ request: ServerRequest, caller: String? = nil
    ) async -> ServerResponse {
        do throws(Refusal) {
            try await authority.recordRefusal(error.refusal, of: type, id: request.id, caller: caller)
            return Self.error(error)
        } catch { return Self.error(APIError(error)) }
    }

    private static func busy(_ detail: String, retryAfter seconds: Int) -> ServerResponse {
        var response = error(APIError(Refusal(.tooMany, detail)))
        response.headers[.retryAfter] = String(seconds)
        return response
    }

    static func json(_ value: JSON, status: Int = 200) -> ServerResponse {
        .json(value, status: status, contentType: "application/json; charset=utf-8")
    }

    static func error(_ error: APIError) -> ServerResponse {
        var response = json(error.body, status: error.status)
        response.headers[.cloisterRefusal] = error.refusal.name
        if error.status == 503 { response.headers[.retryAfter] = Self.retryAfterOutage }
        return response
    }
}

extension HTTPField.Name {
    static let serviceVersion = HTTPField.Name.known("x-ms-maa-service-version")
    fileprivate static let requestID = HTTPField.Name.known("x-ms-request-id")
    fileprivate static let clientRequestID = HTTPField.Name.known("x-ms-client-request-id")
}
