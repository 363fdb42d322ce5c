import AttestationToken
import Encoding
import HTTPTypes
package import ServiceKit
import Synchronization

/// The routes of the compatible attestation API that this service offers (attestation API reference, sections 2, 3
/// and 7).
package struct AttestationHandler: RequestHandler {
    /// Values of `api-version` that clients of the API send.
    static let versions: Set<String> = [
        "2018-09-01-preview", "2020-10-01", "2022-08-01", "2022-09-01-preview", "2023-04-01-preview", "2025-06-01",
    ]
    /// Attest calls that are worked on at the same time; more are answered with 429.
    package static let maximumCalls = 64
    /// The value of `x-ms-maa-service-version`.
    static let serviceVersion = "cloister-1"

    private enum Route: Sendable {
        case discovery
        case certs
        case attest(AttestationType)
    }

    private let authority: AttestationAuthority
    private let crossOrigin: CrossOrigin
    private let isCollateralThere: @Sendable () -> Bool
    private let calls = CallLimit(maximum: AttestationHandler.maximumCalls)

    /// - Parameters:
    ///   - allowedOrigins: web origins whose pages may call.
    ///   - isCollateralThere: whether the collateral source has anything to offer, for `/health/ready`.
    package init(
        _ authority: AttestationAuthority, allowedOrigins: [String],
        isCollateralThere: @escaping @Sendable () -> Bool
    ) {
        self.authority = authority
        crossOrigin = CrossOrigin(origins: allowedOrigins)
        self.isCollateralThere = isCollateralThere
    }

    package func respond(to request: ServerRequest) async -> ServerResponse {
        let found = Self.find(request)
        var response: ServerResponse
        switch (found, request.method) {
        case (.some, .options): response = crossOrigin.preflight(request)
        case (.discovery, .get): response = Self.json(discovery)
        case (.certs, .get): response = Self.json(authority.keySet)
        case (.attest(let type), .post): response = await attest(type, request)
        default: response = Self.error(APIError(Refusal(.notFound, "there is no such route")))
        }
        if found != nil { crossOrigin.apply(to: &response, for: request) }
        response.headers[.serviceVersion] = Self.serviceVersion
        return response
    }

    package func route(of request: ServerRequest) -> StaticString {
        switch Self.find(request) {
        case .discovery: "/.well-known/openid-configuration"
        case .certs: "/certs"
        case .attest(.sgxEnclave): "/attest/SgxEnclave"
        case .attest(.openEnclave): "/attest/OpenEnclave"
        case .attest(.sevSnpVm): "/attest/SevSnpVm"
        case .attest(.tdxVm): "/attest/TdxVm"
        case .attest(.azureGuest): "/attest/AzureGuest"
        case .attest(.tpm): "/attest/Tpm"
        case nil: "other"
        }
    }

    package func readiness() async -> Readiness {
        let isThere = isCollateralThere()
        let isTimeTrusted = authority.clockProblem == nil
        return Readiness(
            isReady: isThere && isTimeTrusted,
            facts: [
                "issuer": .string(authority.issuer), "simulated": .bool(authority.trustsSimulation),
                "collateral": .bool(isThere), "timeTrusted": .bool(isTimeTrusted), "keys": true,
            ])
    }

    /// Path segments are matched without regard to case.
    private static func find(_ request: ServerRequest) -> Route? {
        guard let segments = request.segments else { return nil }
        switch segments.map({ $0.lowercased() }) {
        case [".well-known", "openid-configuration"]: return .discovery
        case ["certs"]: return .certs
        case let path where path.count == 2 && path[0] == "attest":
            return AttestationType(segment: path[1]).map(Route.attest)
        default: return nil
        }
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

    private func attest(_ type: AttestationType, _ request: ServerRequest) async -> ServerResponse {
        guard let slot = calls.enter() else {
            // Not written down: nothing was decided, and a flood must not fill the audit log.
            var response = Self.error(APIError(Refusal(.tooMany, "too many calls at once; try again")))
            response.headers[.retryAfter] = "1"
            return response
        }
        defer { slot.leave() }
        let body: [UInt8]
        do throws(Refusal) {
            try Self.requireVersion(request)
            body = try await request.body(maximumBytes: AttestationAuthority.maximumBodyBytes)
        } catch { return await refuse(type, error, request) }
        do throws(APIError) {
            let issued = try await authority.attest(type, body: body, id: request.id)
            return Self.json(issued.reply)
        } catch { return Self.error(error) }
    }

    private static func requireVersion(_ request: ServerRequest) throws(Refusal) {
        let version = request.query.first { $0.name.lowercased() == "api-version" }?.value
        guard let version, versions.contains(version.lowercased()) else {
            throw Refusal(.requestMalformed, "api-version is missing or unknown")
        }
    }

    /// Refuses before the evidence is looked at; written down all the same.
    private func refuse(
        _ type: AttestationType, _ refusal: Refusal, _ request: ServerRequest
    ) async -> ServerResponse {
        do throws(Refusal) {
            try await authority.recordRefusal(refusal, of: type, id: request.id)
            return Self.error(APIError(refusal))
        } catch { return Self.error(APIError(error)) }
    }

    private static func json(_ value: JSON, status: Int = 200) -> ServerResponse {
        .json(value, status: status, contentType: "application/json; charset=utf-8")
    }

    private static func error(_ error: APIError) -> ServerResponse {
        var response = json(error.body, status: error.status)
        response.headers[.cloisterRefusal] = error.refusal.name
        return response
    }
}

/// Counts calls that are being worked on.
private final class CallLimit: Sendable {
    private let maximum: Int
    private let count = Mutex(0)

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// A place, or nil when all are taken.
    func enter() -> Slot? {
        count.withLock { count in
            guard count < maximum else { return nil }
            count += 1
            return Slot(limit: self)
        }
    }

    struct Slot {
        fileprivate let limit: CallLimit
        func leave() { limit.count.withLock { $0 -= 1 } }
    }
}

extension HTTPField.Name {
    static let serviceVersion = HTTPField.Name.known("x-ms-maa-service-version")
}
