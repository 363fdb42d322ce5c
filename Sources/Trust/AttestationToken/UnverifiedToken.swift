public import Encoding

/// A token of the right form, whose claims nobody has vouched for yet: they say whose keys and list to fetch, and nothing
/// else may be made of them.
public struct UnverifiedToken: Sendable {
    let jws: JWS
    /// The payload, an object.
    let claims: JSON

    /// - Parameter compact: at most `IssuedToken.maximumBytes`.
    /// - Throws: `token-malformed` for another form, claims that are no object, a `typ` other than JWT, and `crit`.
    /// - Source: `formats.md` section 3, its first step.
    public init(_ compact: String) throws(Refusal) {
        jws = try JWS(compact: compact, maximumBytes: IssuedToken.maximumBytes)
        do throws(JSON.ParseError) { claims = try JSON.parse(jws.payload) } catch {
            throw Refusal(.tokenMalformed, "the claims are not JSON: \(error)")
        }
        guard claims.object != nil else { throw Refusal(.tokenMalformed, "the claims are not an object") }
        if let type = jws.header["typ"] {
            guard type.string?.uppercased() == "JWT" else { throw Refusal(.tokenMalformed, "typ is not JWT") }
        }
        guard jws.header["crit"] == nil else { throw Refusal(.tokenMalformed, "crit is not understood") }
    }

    /// The text as it was received.
    public var compact: String { jws.compact }

    /// The member `alg` of the header.
    public var algorithm: String { jws.algorithm }

    /// The claim `iss`, if it is text.
    public var issuer: String? { claims["iss"]?.string }

    /// The claim `jti`, if it is text.
    public var id: String? { claims["jti"]?.string }

    /// Whether its issuer publishes a list of revoked tokens.
    public var isRevocable: Bool { claims[RevocationList.claim]?.bool == true }
}
