import AttestationToken
import Crypto
package import Encoding
import Evidence
import HTTPTypes
package import ServiceKit

/// The second face: the KBS protocol (RCAR) and the guest's REST interface of Confidential Containers, on localhost.
///
/// - Source: ecosystem page section 3.3.
package struct KBSHandler: RequestHandler {
    let attester: GroupAttester
    let shelf: ResourceShelf
    let sessions: SessionBook
    let clock: WallClock
    /// Signs the tokens of this process, which nobody but itself accepts.
    private let tokenKey = P256.Signing.PrivateKey()

    static let version = "0.1.1"
    private static let cookie = "kbs-session-id"
    private static let maximumBytes = 1 << 20

    package init(
        attester: GroupAttester, shelf: ResourceShelf, clock: WallClock = .system, randomness: Randomness = .system
    ) {
        self.attester = attester
        self.shelf = shelf
        self.clock = clock
        sessions = SessionBook(clock: clock, randomness: randomness)
    }

    package func respond(to request: ServerRequest) async -> ServerResponse {
        do throws(Refusal) {
            return try await answer(request)
        } catch {
            return Self.problem(error)
        }
    }

    package func route(of request: ServerRequest) -> StaticString {
        switch request.segments?.first {
        case "kbs": "/kbs"
        case "cdh": "/cdh"
        case "aa": "/aa"
        default: "unknown"
        }
    }

    package func readiness() async -> Readiness {
        Readiness(isReady: await attester.isReady)
    }

    private func answer(_ request: ServerRequest) async throws(Refusal) -> ServerResponse {
        guard let path = request.segments else { throw Refusal(.nameInvalid, "the path is not UTF-8") }
        switch (request.method, path.first, path.dropFirst().first) {
        case (_, "kbs", "v0"): return try await protocolAnswer(request, Array(path.dropFirst(2)))
        case (.get, "cdh", "resource"): return try await resource(Array(path.dropFirst(2)))
        case (_, "aa", .some): return try await guestAnswer(request, path[1])
        case (.get, "info", nil): return .json(["version": .string(Self.version), "tee": "snp"])
        default: throw Refusal(.notFound, "there is no such path")
        }
    }

    // MARK: Errors

    /// A problem document with the protocol's own type; its names are few, so that some stand for several of ours.
    static func problem(_ refusal: Refusal) -> ServerResponse {
        let name =
            switch refusal.code {
            case .requestMalformed, .tokenMalformed: "SerdeError"
            case .keyInvalid: "JweError"
            case .tokenNotBound, .peerUnattested, .challengeExpired: "TokenNotFound"
            case .tokenSignature, .tokenTime: "TokenVerifierError"
            case .notFound: "PluginNotFound"
            case .dualControl: "AdminAuth"
            case .claimMismatch, .authorityNotAllowed, .keyState, .notReleasable: "PolicyDeny"
            default: "AttestationError"
            }
        let status =
            switch refusal.code {
            case .tokenNotBound, .peerUnattested, .tokenSignature, .tokenTime: 401
            default: refusal.code.status
            }
        var response = ServerResponse.json(
            [
                "type": .string("https://github.com/confidential-containers/kbs/errors/\(name)"),
                "detail": .string(refusal.detail),
            ], status: status, contentType: "application/problem+json")
        response.headers[.cloisterRefusal] = refusal.name
        return response
    }
}

// MARK: RCAR

extension KBSHandler {
    private func protocolAnswer(_ request: ServerRequest, _ path: [String]) async throws(Refusal) -> ServerResponse {
        switch (request.method, path.first) {
        case (.post, "auth") where path.count == 1: return try begin(try await Self.json(request))
        case (.post, "attest") where path.count == 1:
            return try await attest(try await Self.json(request), session: try Self.session(request))
        case (.get, "resource"):
            let key = try key(of: request)
            let content = try await shelf.resource(Array(path.dropFirst()))
            return .json(try content.withBytes { bytes throws(Refusal) in try key.encrypt(bytes) })
        case (.post, "resource"), (_, "attestation-policy"), (_, "resource-policy"), (_, "reference-value"):
            throw Refusal(.dualControl, "keys and policies are set at the key service, not here")
        default: throw Refusal(.notFound, "there is no such path")
        }
    }

    private func begin(_ body: JSON) throws(Refusal) -> ServerResponse {
        guard body["version"]?.string?.hasPrefix("0.1.") == true else {
            throw Refusal(.requestMalformed, "version is none of 0.1")
        }
        guard body["tee"]?.string == "snp" else {
            throw Refusal(.evidenceMalformed, "tee is not snp, the kind of this group")
        }
        let session = sessions.begin()
        var response = ServerResponse.json(["nonce": .string(session.nonce), "extra-params": [:]])
        response.headers[.setCookie] = "\(Self.cookie)=\(session.name); Path=/; HttpOnly; SameSite=Strict"
        return response
    }

    private func attest(_ body: JSON, session: String) async throws(Refusal) -> ServerResponse {
        guard let runtime = body["runtime-data"], let nonce = runtime["nonce"]?.string,
            let publicKey = runtime["tee-pubkey"], let evidence = body["tee-evidence"]?["primary_evidence"]
        else { throw Refusal(.requestMalformed, "runtime-data or primary_evidence is missing") }
        // First of all, so that one nonce gives one try.
        try sessions.spend(nonce, of: session)
        let key = try EncryptionKey(publicKey)
        let shown = try GroupEvidence(evidence)
        let own = try await attester.endorsed(over: [])
        try shown.require(
            ["nonce": .string(nonce), "tee-pubkey": publicKey], sameGroupAs: try SNPReport(own.report[...]),
            key: own.certificates.vcek)
        sessions.prove(session, key)
        return .json(["token": .string(try token(for: key))])
    }

    /// The key that a resource is encrypted for: of an attested session, or of a token.
    private func key(of request: ServerRequest) throws(Refusal) -> EncryptionKey {
        if let bearer = request.headers[.authorization]?.split(separator: " "), bearer.count == 2,
            bearer[0].lowercased() == "bearer"
        {
            return try key(ofToken: String(bearer[1]))
        }
        return try sessions.key(of: try Self.session(request))
    }

    // MARK: Tokens

    private func token(for key: EncryptionKey) throws(Refusal) -> String {
        let now = clock.now().seconds
        let claims: JSON = [
            "iss": "key-release-sidecar", "iat": .integer(now), "nbf": .integer(now),
            "exp": .integer(now + SessionBook.lifetime), "tee": "snp", "tee-pubkey": key.json,
        ]
        return try SigningKey.es256(tokenKey).sign(header: ["typ": "JWT"], payload: claims.canonical)
    }

    private func key(ofToken token: String) throws(Refusal) -> EncryptionKey {
        let jws = try JWS(compact: token, maximumBytes: 16_384)
        try VerificationKey.es256(tokenKey.publicKey).verify(jws)
        guard let claims = try? JSON.parse(jws.payload), let expires = claims["exp"]?.integer,
            clock.now().seconds < expires
        else { throw Refusal(.tokenTime, "the token has ended") }
        return try EncryptionKey(claims["tee-pubkey"] ?? .null)
    }

    // MARK: Requests

    private static func json(_ request: ServerRequest) async throws(Refusal) -> JSON {
        let body = try await request.body(maximumBytes: maximumBytes)
        do throws(JSON.ParseError) { return try JSON.parse(body) } catch {
            throw Refusal(.requestMalformed, "the body is not JSON: \(error)")
        }
    }

    private static func session(_ request: ServerRequest) throws(Refusal) -> String {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let sides = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingPrefix(" ") }
                if sides.count == 2, sides[0] == cookie { return String(sides[1].prefix(64)) }
            }
        }
        throw Refusal(.tokenNotBound, "the request has no session")
    }
}

extension RefusalCode {
    static let dualControl = RefusalCode("dual-control", status: 403)
}
