package import Access
package import Encoding
import HTTPTypes
import ServiceKit

/// Who calls.
package enum Caller: Hashable, Sendable {
    /// May do everything.
    case administrator
    /// May call release and nothing else. Assumed known to the host (architecture rule 18): the token decides.
    case release
    /// The subject of an access token, or a client certificate; may do what the roles allow that were assigned to it.
    case principal(String)

    /// What names of client certificates begin with; no issuer can name anybody so.
    static let certificatePrefix = "certificate:"
}

/// The callers that this service knows: two bearer tokens of its own, as digests, those of an OpenID Connect issuer, and
/// verified client certificates, named by their public keys.
package struct Credentials: Sendable {
    private let administrator: Digest
    private let release: Digest
    private let issuer: AccessTokens?

    /// Shortest token that is taken, in characters.
    package static let minimumLength = 32

    /// - Parameter issuer: of callers' access tokens, nil for none.
    /// - Throws: `insecure-configuration` for short tokens, and for two that are the same (AC-146, AC-147).
    package init(
        administratorToken: String, releaseToken: String, issuer: AccessTokens? = nil
    ) throws(Refusal) {
        self.issuer = issuer
        for token in [administratorToken, releaseToken] {
            guard token.utf8.count >= Credentials.minimumLength, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
            else {
                throw Refusal(
                    .insecureConfiguration, "a bearer token has fewer than \(Credentials.minimumLength) characters")
            }
        }
        administrator = Digest(of: administratorToken)
        release = Digest(of: releaseToken)
        guard administrator != release else {
            throw Refusal(.insecureConfiguration, "the administrator's and the release token are the same")
        }
    }

    /// Whose token the request carries, or else whose certificate the connection; nil for neither.
    ///
    /// Digests are compared, in constant time, and both always, so that timing tells nothing about a token.
    ///
    /// - Throws: `credential-invalid` for a token that is nobody's; `issuer-keys-unavailable`.
    func caller(of request: ServerRequest, at time: Timestamp) async throws(Refusal) -> Caller? {
        let fields = request.headers[values: .authorization]
        guard let field = fields.first else {
            return request.clientKey.map { .principal("\(Caller.certificatePrefix)\($0)") }
        }
        let unknown = Refusal(.credentialInvalid, "the bearer token is not known here")
        let scheme = "bearer "
        guard fields.count == 1, field.prefix(scheme.count).lowercased() == scheme else { throw unknown }
        let token = String(field.dropFirst(scheme.count))
        let presented = Digest(of: token)
        let isAdministrator = constantTimeEquals(presented.bytes, administrator.bytes)
        let isRelease = constantTimeEquals(presented.bytes, release.bytes)
        if isAdministrator { return .administrator }
        if isRelease { return .release }
        // Anything but a JWS was meant to be one of ours.
        guard let issuer, token.contains(".") else { throw unknown }
        let subject = try await issuer.verify(token, at: time).subject
        guard !subject.hasPrefix(Caller.certificatePrefix) else { throw unknown }
        return .principal(subject)
    }

    /// How the audit log names a caller.
    func auditName(of caller: Caller) -> String {
        switch caller {
        case .administrator: "administrator"
        case .release: "release"
        case .principal(let id):
            id.hasPrefix(Caller.certificatePrefix) ? id : issuer?.auditName(of: id) ?? "principal"
        }
    }
}

/// What a client without a token is told, so that it knows where to get one (key API reference, section 3).
package struct Challenge: Sendable {
    /// `https://<authority host>/<tenant>`.
    package var authorization: String
    package var resource: String

    /// - Throws: `insecure-configuration` for values that a client could not read back.
    package init(authorization: String, resource: String) throws(Refusal) {
        for value in [authorization, resource] {
            guard value.hasPrefix("https://"), value.utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
                !value.contains(where: { ",=\"\\".contains($0) })
            else { throw Refusal(.insecureConfiguration, "a value of the challenge is not a plain https URL") }
        }
        self.authorization = authorization
        self.resource = resource
    }

    func error(_ message: String, _ refusal: Refusal) -> APIError {
        var error = APIError(status: 401, code: "Unauthorized", message: message, refusal: refusal)
        error.headers[.wwwAuthenticate] = "Bearer authorization=\"\(authorization)\", resource=\"\(resource)\""
        return error
    }
}
