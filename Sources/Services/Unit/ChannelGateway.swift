package import AttestationToken
import Attester
package import Channel
package import Encoding
import Evidence
import HTTPTypes
package import ServiceKit
package import Telemetry

/// One decapsulated request.
package struct InnerRequest: Sendable {
    /// The request id of the outer request.
    package let id: String
    package let request: BinaryRequest
    /// The sending unit's verified and accepted token; nil on browser routes.
    package let sender: AttestationToken?
    package let suite: Suite
}

/// What a unit does with decapsulated requests.
package protocol InnerHandler: Sendable {
    /// Answers one request; refusals are answers too.
    func respond(to request: InnerRequest) async -> InnerResponse

    /// Nil when the unit can do its work; otherwise what it waits for.
    func readiness() async -> Refusal?
}

/// An answer, and the model that produced it.
package struct InnerResponse: Sendable {
    package var response: BinaryResponse
    package var model: ModelReference?

    package init(_ response: BinaryResponse, model: ModelReference? = nil) {
        self.response = response
        self.model = model
    }

    package static func json(_ value: JSON, status: Int = 200) -> InnerResponse {
        InnerResponse(
            BinaryResponse(
                status: status, fields: [BinaryField("content-type", "application/json")], content: value.canonical))
    }

    package static func empty(status: Int = 204) -> InnerResponse {
        InnerResponse(BinaryResponse(status: status))
    }

    package static func problem(_ refusal: Refusal, id: String) -> InnerResponse {
        InnerResponse(
            BinaryResponse(
                status: refusal.code.status, fields: [BinaryField("content-type", "application/problem+json")],
                content: ServerResponse.problemBody(refusal, id: id).canonical))
    }
}

/// The two doors of a unit: `GET /evidence`, and `POST /channel/<key name>` (formats sections 2 and 4).
///
/// Everything else is refused, so that plaintext has no way in.
package struct ChannelGateway: RequestHandler {
    /// Who may send to this unit.
    package enum Audience: Sendable {
        /// Browsers and other clients that are no units; every suite.
        case people
        /// Units of one role that the policy accepts; X-Wing only.
        case units(role: String, TrustedPolicy)
    }

    private let identity: UnitIdentity
    private let manifest: String
    private let audience: Audience
    private let allowedOrigins: Set<String>
    private let authorities: AuthoritySet
    private let handler: any InnerHandler
    private let refusalLines = LineLimit()
    private let log: Log
    private let metrics: Metrics

    /// - Parameter authorities: whose tokens this unit's answers carry, in order of preference.
    package init(
        identity: UnitIdentity, manifest: String, audience: Audience, allowedOrigins: [String],
        authorities: AuthoritySet, handler: any InnerHandler, log: Log, metrics: Metrics
    ) {
        self.identity = identity
        self.manifest = manifest
        self.audience = audience
        self.allowedOrigins = Set(allowedOrigins)
        self.authorities = authorities
        self.handler = handler
        self.log = log
        self.metrics = metrics
    }

    package func route(of request: ServerRequest) -> StaticString {
        if request.path == "/evidence" { return "/evidence" }
        return request.path.hasPrefix("/channel/") ? "/channel/{name}" : "/other"
    }

    package func readiness() async -> Readiness {
        do throws(Refusal) {
            let epoch = try identity.current()
            if let refusal = await handler.readiness() { throw refusal }
            let isSimulated = epoch.tokens.values.contains { $0.grade == .simulated }
            return Readiness(
                isReady: true,
                facts: ["grade": isSimulated ? "simulated" : "hardware", "tee": .string(epoch.evidence.tee.rawValue)])
        } catch {
            return Readiness(isReady: false, facts: ["code": .string(error.name), "detail": .string(error.detail)])
        }
    }

    package func respond(to request: ServerRequest) async -> ServerResponse {
        var response: ServerResponse
        do throws(Refusal) {
            response = try await answer(request)
        } catch {
            metrics.count(
                "refusals_total", "Requests refused outside the channel", ["code": .identifier(error.code.name)])
            if let omitted = refusalLines.admit() {
                log.info(
                    "refused",
                    [.code: .identifier(error.name), .id: .identifier(request.id), .omitted: .number(omitted)])
            }
            response = .problem(error, id: request.id)
            if error.code == .reattestationRequired {
                // RFC 9458 section 5.3: the problem type by which any client knows that it needs another key.
                response.body =
                    JSON.object([
                        "type": "https://iana.org/assignments/http-problem-types#ohttp-key",
                        "title": "key unknown or ended", "status": 401, "detail": .string(error.detail),
                        "instance": .string(request.id),
                    ]).canonical
            }
        }
        if let origin = request.headers[.origin], allowedOrigins.contains(origin) {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.vary] = "Origin"
        }
        return response
    }

    private func answer(_ request: ServerRequest) async throws(Refusal) -> ServerResponse {
        if request.method == .options { return preflight(request) }
        if request.path == "/evidence" {
            guard request.method == .get else { return ServerResponse(status: 405, headers: [.allow: "GET"]) }
            return try await evidence(request)
        }
        guard request.path.hasPrefix("/channel/") else {
            throw Refusal(
                .encapsulationRequired, "this unit answers only GET /evidence and sealed requests to /channel/")
        }
        guard request.method == .post else { return ServerResponse(status: 405, headers: [.allow: "POST"]) }
        guard request.headers[.contentType] == SealedMessage.requestType else {
            return ServerResponse(status: 415, headers: [.accept: SealedMessage.requestType])
        }
        guard let name = Digest(request.path.dropFirst("/channel/".count)) else {
            throw Refusal(.reattestationRequired, "no live key has this name; fetch and verify evidence again")
        }
        let epoch = try identity.epoch(holding: name)
        let body = try await request.body(maximumBytes: SealedMessage.maximumBytes)
        return try await exchange(body, name: name, epoch: epoch, id: request.id)
    }

    private func preflight(_ request: ServerRequest) -> ServerResponse {
        guard let origin = request.headers[.origin], allowedOrigins.contains(origin) else {
            return ServerResponse(status: 403)
        }
        return ServerResponse(
            status: 204,
            headers: [
                .accessControlAllowMethods: "GET, POST", .accessControlAllowHeaders: "content-type",
                .accessControlMaxAge: "600",
            ])
    }

    private func evidence(_ request: ServerRequest) async throws(Refusal) -> ServerResponse {
        var nonce: [UInt8]?
        if let text = request.queryValue("nonce") {
            guard let bytes = Base64.decode(text), bytes.count == 32 else {
                throw Refusal(.requestMalformed, "nonce must be 32 bytes in unpadded base64url, 43 characters")
            }
            nonce = bytes
        }
        let made = try await identity.evidence(answering: nonce)
        let document = EvidenceDocument(
            tee: made.evidence.tee, evidence: made.evidence.evidence, runtimeData: made.runtimeData.bytes,
            collateral: made.evidence.collateral, tokens: made.tokens, manifest: manifest)
        return .json(document.json)
    }

    // MARK: The encapsulated exchange

    private func exchange(
        _ body: [UInt8], name: Digest, epoch: IdentityEpoch, id: String
    ) async throws(Refusal) -> ServerResponse {
        let allowed: Set<Suite> =
            switch audience {
            case .people: Set(Suite.allCases)
            case .units: [.xwing]
            }
        let opened = try epoch.channelKeys.open(body, named: name, allowing: allowed)
        let incoming: IncomingRequest
        do throws(Refusal) {
            incoming = try IncomingRequest(opened.message, exchange: opened.exchange)
        } catch {
            // From here on every outcome is sealed: whoever carries the message learns nothing from a status.
            let problem = InnerResponse.problem(error, id: id).response
            let sealed = try opened.exchange.seal(try problem.encoded(padded: true))
            return ChannelGateway.outer(sealed)
        }
        let time = try identity.clock.now()
        var signer: HopSigner?
        let inner: InnerResponse
        do throws(Refusal) {
            try incoming.requireAddressed(to: identity.role)
            let sender = try await authenticate(incoming, epoch: epoch, at: time)
            if sender != nil { signer = try epoch.signer(accepted: authorities) }
            do throws(Refusal) {
                try epoch.admit(opened.exchange)
            } catch {
                if error.code == .notReady { identity.requestRenewal() }
                throw error
            }
            inner = await handler.respond(
                to: InnerRequest(id: id, request: incoming.request, sender: sender, suite: incoming.exchange.suite))
        } catch {
            metrics.count("inner_refusals_total", "Sealed requests refused", ["code": .identifier(error.code.name)])
            if let omitted = refusalLines.admit() {
                log.info(
                    "refused inside the channel",
                    [.code: .identifier(error.name), .id: .identifier(id), .omitted: .number(omitted)])
            }
            inner = .problem(error, id: id)
        }
        let sealed = try incoming.answer(
            inner.response, from: signer, model: inner.model, at: try identity.clock.now())
        return ChannelGateway.outer(sealed.body)
    }

    /// Who sent this: nil for people, whose session the handler checks; a verified token for units.
    private func authenticate(
        _ incoming: IncomingRequest, epoch: IdentityEpoch, at time: Timestamp
    ) async throws(Refusal) -> AttestationToken? {
        switch audience {
        case .people:
            return nil
        case .units(let role, let trusted):
            let fields = try incoming.requireSender()
            let shown = await identity.directory.verify(fields.tokens, issuers: trusted.policy.issuers)
            try trusted.acceptance.accept(shown.tokens, refused: shown.refused, role: role, at: time)
            try incoming.verifySender(try shown.peer(), own: epoch.runtimeData.hopKeyThumbprint, at: time)
            return shown.tokens.first
        }
    }

    private static func outer(_ body: [UInt8]) -> ServerResponse {
        ServerResponse(
            status: 200, headers: [.contentType: SealedMessage.responseType, .cacheControl: "no-store"], body: body)
    }
}
