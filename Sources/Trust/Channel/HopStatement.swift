import AttestationToken
public import Crypto
public import Encoding

/// What a unit signs about one message that it sent: a JWS by the hop key in its token (`cloister-hop`).
///
/// Reading one checks its form only; `verify` compares it with the exchange that carried it.
///
/// - Source: formats, section 4; architecture, section 11, rule 29.
public struct HopStatement: Hashable, Sendable {
    /// Longest compact form that is parsed, in bytes.
    public static let maximumBytes = 8 << 10
    /// Length of the random nonce, in bytes.
    public static let nonceLength = 16
    static let type = "cloister-hop+jwt"
    private static let format = "cloister-hop/1"

    /// Which half of an exchange a statement is about.
    public enum Kind: String, Hashable, Sendable {
        case request
        case response
    }

    /// The members of a statement.
    public struct Content: Hashable, Sendable {
        public var kind: Kind
        public var issuedAt: Timestamp
        /// 16 random bytes.
        public var nonce: [UInt8]
        /// Role of the signer.
        public var role: String
        /// Party of the signer.
        public var party: Encoding.Digest
        /// Digests of the signer's tokens, in the order in which they are sent; the first is the member `token`, any
        /// others are the member `tokens`.
        public var tokens: [Encoding.Digest]
        /// Name of the key configuration that the request was sealed to; the same in the response.
        public var receiver: Encoding.Digest
        /// SHA-256 of the exchange's `enc`; the same in the response.
        public var enc: Encoding.Digest
        public var suite: Suite
        /// Commitment to the request message.
        public var request: Encoding.Digest
        /// Digest of the hop that caused this one.
        public var parent: Encoding.Digest?
        /// Commitment to the response message; in responses only, and there always.
        public var response: Encoding.Digest?
        /// The model that produced the response.
        public var model: ModelReference?
    }

    public let content: Content
    /// RFC 7638 thumbprint of the key that claims to have signed.
    public let keyID: String
    /// The text as it is sent and hashed.
    public let compact: String

    /// SHA-256 of the compact form, by which children and passports name this hop.
    public var digest: Encoding.Digest { Encoding.Digest(of: compact) }

    /// Signs `content` with the hop key.
    public static func sign(_ content: Content, with key: P256.Signing.PrivateKey) throws(Refusal) -> HopStatement {
        let keyID = JWK(key.publicKey).thumbprint
        let compact = try SignedDocument.sign(
            content.json(format: format), type: type, keyMember: (.kid, .string(keyID)), with: key)
        return try HopStatement(compact: compact)
    }

    /// Reads the compact form.
    ///
    /// - Throws: `token-malformed` for anything but the exact format in JCS form, `token-algorithm` for another `alg`
    ///   than ES256.
    public init(compact: String) throws(Refusal) {
        let document = try HopStatement.document(compact)
        content = try Content(json: document.payload, format: HopStatement.format)
        keyID = document.keyID ?? ""
        self.compact = compact
    }

    /// Whether `key` signed this statement.
    ///
    /// - Throws: `token-not-bound` when it did not.
    func requireSignature(of key: P256.Signing.PublicKey) throws(Refusal) {
        try HopStatement.document(compact).verify(with: key, refusing: .tokenNotBound)
    }

    private static func document(_ compact: String) throws(Refusal) -> SignedDocument {
        try SignedDocument(
            compact: compact, type: type, key: .kid, maximumBytes: maximumBytes, unsigned: .tokenAlgorithm)
    }
}

extension HopStatement.Content {
    init(json: JSON, format: String) throws(Refusal) {
        var members = try ObjectReader(json, "hop statement", refusing: .tokenMalformed)
        try members.format(format)
        guard let kind = HopStatement.Kind(rawValue: try members.string("kind")) else {
            throw Refusal(.tokenMalformed, "hop statement: kind is neither request nor response")
        }
        self.kind = kind
        issuedAt = try members.time("iat")
        nonce = try members.bytes("nonce")
        role = try members.string("role")
        party = try members.digest("party")
        tokens = [try members.digest("token")]
        if members.has("tokens") {
            let others = try members.strings("tokens")
            tokens += others.compactMap { Encoding.Digest($0) }
            guard !others.isEmpty, tokens.count == 1 + others.count, tokens.count <= AuthoritySet.maximumTokens,
                Set(tokens).count == tokens.count
            else { throw Refusal(.tokenMalformed, "hop statement: tokens are no further digests, or too many") }
        }
        receiver = try members.digest("receiver")
        enc = try members.digest("enc")
        guard let suite = Suite(rawValue: try members.string("suite")) else {
            throw Refusal(.tokenMalformed, "hop statement: the suite is not listed")
        }
        self.suite = suite
        request = try members.digest("request")
        parent = members.has("parent") ? try members.digest("parent") : nil
        // `finish` refuses `response` and `model` in a request.
        response = kind == .response ? try members.digest("response") : nil
        model = kind == .response && members.has("model") ? try ModelReference(json: try members.value("model")) : nil
        try members.finish()
        guard nonce.count == HopStatement.nonceLength, issuedAt.seconds >= 0, issuedAt.seconds < 1 << 53 else {
            throw Refusal(.tokenMalformed, "hop statement: nonce or iat has the wrong form")
        }
    }

    func json(format: String) -> JSON {
        var members: [String: JSON] = [
            "format": .string(format), "kind": .string(kind.rawValue), "iat": .integer(issuedAt.seconds),
            "nonce": .string(Base64.encodeURL(nonce)), "role": .string(role), "party": .string(party.description),
            "token": .string(tokens.first?.description ?? ""), "receiver": .string(receiver.description),
            "enc": .string(enc.description), "suite": .string(suite.rawValue),
            "request": .string(request.description),
        ]
        if tokens.count > 1 { members["tokens"] = .array(tokens.dropFirst().map { .string($0.description) }) }
        if let parent { members["parent"] = .string(parent.description) }
        if let response { members["response"] = .string(response.description) }
        if let model { members["model"] = model.json }
        return .object(members)
    }
}
