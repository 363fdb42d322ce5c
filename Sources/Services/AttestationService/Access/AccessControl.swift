import Access
package import Encoding
import HTTPTypes
package import ServiceKit

/// What a caller may do with policies and policy signers.
package enum AccessRole: Int, Comparable, Sendable {
    /// Read them.
    case reader
    /// Change them, too.
    case contributor

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A caller whose bearer token was verified.
package struct Caller: Sendable {
    package let role: AccessRole
    /// Who it is, for the audit log: a name of ours, or a digest of the issuer's name for the subject.
    package let name: String
}

/// Says who a caller is, from the bearer token of the request: one of this service's own tokens, or an access token of
/// the configured OpenID Connect issuer (attestation API reference, section 2.1).
///
/// Without either, nobody is anybody.
package struct AccessControl: Sendable {
    /// Shortest own token that is taken, in characters.
    package static let minimumLength = 32

    private let tokens: [(digest: Encoding.Digest, caller: Caller)]
    private let issuer: AccessTokenIssuer?

    /// - Parameters:
    ///   - contributorToken: the administrator's bearer token, nil for none.
    ///   - readerToken: one that may only read.
    /// - Throws: `insecure-configuration` for short tokens, and for two that are the same (AC-146, AC-147).
    package init(
        contributorToken: String? = nil, readerToken: String? = nil, issuer: AccessTokenIssuer? = nil
    ) throws(Refusal) {
        var tokens: [(digest: Encoding.Digest, caller: Caller)] = []
        for (token, caller) in [
            (contributorToken, Caller(role: .contributor, name: "administrator")),
            (readerToken, Caller(role: .reader, name: "reader")),
        ] {
            guard let token else { continue }
            guard token.utf8.count >= Self.minimumLength, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw Refusal(
                    .insecureConfiguration, "a bearer token has fewer than \(Self.minimumLength) characters")
            }
            tokens.append((Encoding.Digest(of: token), caller))
        }
        guard tokens.count < 2 || tokens[0].digest != tokens[1].digest else {
            throw Refusal(.insecureConfiguration, "the administrator's and the reader's token are the same")
        }
        self.tokens = tokens
        self.issuer = issuer
    }

    /// The bearer of the request's token.
    ///
    /// Digests are compared, in constant time, and always all of them, so that timing tells nothing about a token.
    ///
    /// - Throws: `credential-invalid` for no token, and for one that is nobody's; `issuer-keys-unavailable` when the
    ///   issuer's keys cannot be had.
    package func caller(of request: ServerRequest, at time: Timestamp) async throws(Refusal) -> Caller {
        let fields = request.headers[values: .authorization]
        let scheme = "bearer "
        guard fields.count == 1, let field = fields.first, field.prefix(scheme.count).lowercased() == scheme else {
            throw Refusal(.credentialInvalid, "the request carries no bearer token")
        }
        let token = String(field.dropFirst(scheme.count))
        let digest = Encoding.Digest(of: token)
        var found: Caller?
        for (known, caller) in tokens where constantTimeEquals(known.bytes, digest.bytes) { found = caller }
        if let found { return found }
        guard let issuer else { throw Refusal(.credentialInvalid, "the bearer token is not known here") }
        return try await issuer.caller(token, at: time)
    }
}
