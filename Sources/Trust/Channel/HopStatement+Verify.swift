public import Encoding

extension HopStatement {
    /// How far a statement's time may be from the reader's clock, in seconds.
    public static let clockTolerance: Int64 = 120

    /// What the reader knows of the exchange, independently of the statement.
    public struct Expectation: Sendable {
        public var kind: Kind
        /// Name of the key configuration that the request was sealed to.
        public var receiver: Digest
        /// SHA-256 of the `enc` of this exchange.
        public var enc: Digest
        public var suite: Suite
        /// Commitment to the request that was really sent.
        public var request: Digest
        /// Commitment to the response that was really sent; nil for a request.
        public var response: Digest?
        public var parent: Parent
        /// Thumbprint of the reader's own hop key, if it has one.
        public var ownKeyThumbprint: String?

        public init(
            kind: Kind, receiver: Digest, enc: Digest, suite: Suite, request: Digest, response: Digest? = nil,
            parent: Parent, ownKeyThumbprint: String?
        ) {
            self.kind = kind
            self.receiver = receiver
            self.enc = enc
            self.suite = suite
            self.request = request
            self.response = response
            self.parent = parent
            self.ownKeyThumbprint = ownKeyThumbprint
        }
    }

    /// Which parent a statement may name.
    public enum Parent: Sendable {
        /// Exactly this one; nil means none.
        case exactly(Digest?)
        /// None, or one of these.
        case known(Set<Digest>)
    }

    /// Checks that the peer signed this statement about this very exchange.
    ///
    /// - Parameters:
    ///   - peer: from the verified token that came with the statement.
    ///   - time: the reader's time.
    /// - Throws: `token-not-bound` (signature, or a key, role or party that is not the token's), `role-mismatch` (the
    ///   reader's own statement reflected), `transcript-mismatch` (kind, token, receiver, `enc`, suite, commitments),
    ///   `token-time` (`iat` off by more than 120 s), `chain-broken` (parent).
    public func verify(by peer: AttestedPeer, against expected: Expectation, at time: Timestamp) throws(Refusal) {
        try requireSigner(peer)
        guard peer.hopKeyThumbprint != expected.ownKeyThumbprint else {
            throw Refusal(.roleMismatch, "the hop statement is the receiver's own")
        }
        try requireTranscript(peer, expected)
        guard (time - issuedAt).magnitude <= UInt64(HopStatement.clockTolerance) else {
            throw Refusal(
                .tokenTime, "the hop statement is of \(content.issuedAt), more than 120 seconds from \(time)")
        }
        switch expected.parent {
        case .exactly(let parent):
            guard content.parent == parent else {
                throw Refusal(.chainBroken, "the hop statement's parent is not the hop that caused it")
            }
        case .known(let parents):
            guard content.parent.map(parents.contains) ?? true else {
                throw Refusal(.chainBroken, "the hop statement's parent is unknown")
            }
        }
    }

    private var issuedAt: Timestamp { content.issuedAt }

    /// The signature, and that it speaks for the unit that the token describes.
    func requireSigner(_ peer: AttestedPeer) throws(Refusal) {
        guard keyID == peer.hopKeyThumbprint else {
            throw Refusal(.tokenNotBound, "the hop statement's key is not in its sender's token")
        }
        try requireSignature(of: peer.hopKey)
        guard content.role == peer.role, content.party == peer.party else {
            throw Refusal(.tokenNotBound, "the hop statement names another role or party than its sender's token")
        }
    }

    private func requireTranscript(_ peer: AttestedPeer, _ expected: Expectation) throws(Refusal) {
        func require(_ holds: Bool, _ what: StaticString) throws(Refusal) {
            guard holds else { throw Refusal(.transcriptMismatch, "the hop statement is about another \(what)") }
        }
        try require(content.kind == expected.kind, "kind of message")
        try require(content.tokens == peer.tokenDigests, "token")
        try require(content.receiver == expected.receiver, "receiver key")
        try require(content.enc == expected.enc, "encapsulated key")
        try require(content.suite == expected.suite, "suite")
        try require(content.request == expected.request, "request")
        try require(content.response == expected.response, "response")
    }
}
