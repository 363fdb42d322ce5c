public import Crypto
public import Encoding

/// One of Cloister's own signed documents: ES256, a header of exactly `alg`, `typ` and one key member, and a JCS
/// object as payload (`formats.md` section 1).
///
/// Reading one does not verify it: the key is found through `keyID` or `key`, then `verify` is called with it.
public struct SignedDocument: Sendable {
    /// The header member that names the key.
    public enum KeyMember: String, Sendable {
        /// A pin or a thumbprint.
        case kid
        /// The public key itself, which the reader compares with a pinned digest.
        case jwk
    }

    public let jws: JWS
    /// The payload, which is its own JCS form.
    public let payload: JSON
    /// The member `kid`; nil when the header carries `jwk`.
    public let keyID: String?
    /// The member `jwk`; nil when the header carries `kid`.
    public let key: JWK?

    /// - Parameters:
    ///   - type: the value that `typ` must have.
    ///   - unsigned: the code for any other `alg` than ES256, `none` above all.
    /// - Throws: `token-malformed` for the form, `unsigned` for the algorithm.
    public init(
        compact: String, type: String, key member: KeyMember, maximumBytes: Int, unsigned: RefusalCode
    ) throws(Refusal) {
        jws = try JWS(compact: compact, maximumBytes: maximumBytes, refusing: .tokenMalformed)
        guard jws.algorithm == "ES256" else { throw Refusal(unsigned, "\(type) is signed with ES256 and nothing else") }
        let header = try JSON.parseCanonical(jws.headerBytes, "header of \(type)", refusing: .tokenMalformed)
        var members = try ObjectReader(header, "header of \(type)", refusing: .tokenMalformed)
        _ = try members.string("alg")
        guard try members.string("typ") == type else { throw Refusal(.tokenMalformed, "typ is not \(type)") }
        switch member {
        case .kid:
            keyID = try members.string("kid")
            key = nil
        case .jwk:
            keyID = nil
            key = try JWK(json: try members.value("jwk"))
        }
        try members.finish()
        payload = try JSON.parseCanonical(jws.payload, "payload of \(type)", refusing: .tokenMalformed)
    }

    /// Checks the signature with a key that the caller trusts for this document.
    ///
    /// - Throws: `Refusal` with `code` when it is not this key's.
    public func verify(with key: P256.Signing.PublicKey, refusing code: RefusalCode) throws(Refusal) {
        do throws(Refusal) { try VerificationKey.es256(key).verify(jws) } catch {
            throw Refusal(code, "the signature is not of the expected key")
        }
    }

    /// Signs `payload` as JCS with the header of this form.
    ///
    /// - Parameter keyMember: `kid` and its text, or `jwk` and the key.
    public static func sign(
        _ payload: JSON, type: String, keyMember: (name: KeyMember, value: JSON), with key: P256.Signing.PrivateKey
    ) throws(Refusal) -> String {
        try SigningKey.es256(key).sign(
            header: ["typ": .string(type), keyMember.name.rawValue: keyMember.value], payload: payload.canonical)
    }
}
