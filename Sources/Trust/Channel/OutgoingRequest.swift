public import Encoding

/// A request that is sealed to an attested peer, and what its answer is held against.
public struct OutgoingRequest: Sendable {
    /// The outer body, sent once and never again: a retry is sealed anew.
    public let body: [UInt8]
    /// The peer as its token described it when the request was sealed.
    public let receiver: AttestedPeer
    /// The sender's statement; nil when the sender is no unit.
    public let hop: HopStatement?
    /// The salt of the commitment in `hop`, to be kept with the record; nil when the sender is no unit.
    public let salt: [UInt8]?

    private let exchange: ClientExchange
    private let ownKeyThumbprint: String?
    /// The bare message when nothing has been committed to yet.
    private let uncommitted: [UInt8]?

    /// Seals `request` to the strongest key of `receiver` that is allowed.
    ///
    /// - Parameters:
    ///   - request: without the sender's three fields; its authority is the receiver's role.
    ///   - signer: the sending unit's credentials; nil for a client that is no unit (a browser, the CLI).
    ///   - parent: the hop that caused this request.
    ///   - allowed: what a client that is no unit accepts; between units it is X-Wing alone.
    /// - Throws: `role-mismatch` (authority), `suite-not-allowed`, `key-invalid`, `too-large`, `record-authentication`
    ///   (a request that no reader would accept).
    public static func seal(
        _ request: BinaryRequest, to receiver: AttestedPeer, from signer: HopSigner?, parent: HopStatement? = nil,
        allowing allowed: Set<Suite> = [.xwing], at time: Timestamp, randomness: Randomness = .system
    ) throws(Refusal) -> OutgoingRequest {
        guard request.authority == receiver.role else {
            throw Refusal(.roleMismatch, "the request is not addressed to the role that its receiver's token names")
        }
        try SenderFields.requireAbsent(in: request.fields)
        let configuration = try receiver.configuration(allowing: signer == nil ? allowed : [.xwing])
        let sealer = try SealedRequest(to: configuration)
        let bare = try request.encoded(padded: false)
        guard let signer else {
            let sealed = try sealer.seal(try request.encoded(padded: true))
            return OutgoingRequest(
                body: sealed.body, receiver: receiver, hop: nil, salt: nil, exchange: sealed.exchange,
                ownKeyThumbprint: nil, uncommitted: bare)
        }
        let salt = randomness.bytes(Commitment.saltLength)
        let hop = try HopStatement.sign(
            HopStatement.Content(
                kind: .request, issuedAt: max(time, parent?.content.issuedAt ?? time),
                nonce: randomness.bytes(HopStatement.nonceLength), role: signer.identity.role,
                party: signer.identity.party, tokens: signer.identity.tokenDigests, receiver: configuration.name,
                enc: sealer.encDigest, suite: configuration.suite,
                request: Commitment.digest(salt: salt, message: bare), parent: parent?.digest),
            with: signer.key)
        var signed = request
        signed.fields += SenderFields(tokens: signer.tokens, salt: salt, hop: hop).fields
        let sealed = try sealer.seal(try signed.encoded(padded: true))
        return OutgoingRequest(
            body: sealed.body, receiver: receiver, hop: hop, salt: salt, exchange: sealed.exchange,
            ownKeyThumbprint: signer.identity.hopKeyThumbprint, uncommitted: nil)
    }

    /// The path of the outer request.
    public var path: String { SealedMessage.path(to: exchange.configuration.name) }

    /// The suite that was used.
    public var suite: Suite { exchange.suite }

    /// Opens the answer and takes it apart; its sender is not yet verified.
    ///
    /// - Throws: `record-authentication` when it does not open or has the wrong shape; else as `SenderFields`.
    public func open(_ body: [UInt8]) throws(Refusal) -> IncomingResponse {
        var response = try BinaryResponse(parsing: try exchange.open(body))
        let split = try SenderFields.split(response.fields)
        response.fields = split.rest
        return IncomingResponse(response: response, sender: split.sender, request: self)
    }

    /// What a statement about the answer must say.
    fileprivate func expectation(response: BinaryResponse, salt: [UInt8]) throws(Refusal) -> HopStatement.Expectation {
        let request =
            if let uncommitted {
                // The request of a client that is no unit carried no salt: the answer's salt serves both commitments.
                Commitment.digest(salt: salt, message: uncommitted)
            } else {
                hop?.content.request ?? Commitment.digest(salt: salt, message: [])
            }
        return HopStatement.Expectation(
            kind: .response, receiver: exchange.configuration.name, enc: exchange.encDigest, suite: exchange.suite,
            request: request,
            response: Commitment.digest(salt: salt, message: try response.encoded(padded: false)),
            parent: .exactly(hop?.digest), ownKeyThumbprint: ownKeyThumbprint)
    }
}

/// An opened answer.
///
/// The encapsulation proves that the receiver of the request made it. `verifySender` proves what that unit states about
/// it, which is what a passport shows to others.
public struct IncomingResponse: Sendable {
    /// The answer without the sender's three fields.
    public let response: BinaryResponse
    /// The answering unit's statement, not yet verified; nil when it made none.
    public let sender: SenderFields?
    private let request: OutgoingRequest

    init(response: BinaryResponse, sender: SenderFields?, request: OutgoingRequest) {
        self.response = response
        self.sender = sender
        self.request = request
    }

    /// The statement, where one is required.
    ///
    /// - Throws: `peer-unattested` when there is none.
    public func requireSender() throws(Refusal) -> SenderFields {
        guard let sender else {
            throw Refusal(.peerUnattested, "the answer carries no token and hop statement of its sender")
        }
        return sender
    }

    /// Verifies the answering unit's statement; to be called before anything of the answer is stored.
    ///
    /// - Parameters:
    ///   - peer: from the verified token in `requireSender().tokens`.
    ///   - time: the reader's time.
    /// - Throws: `peer-unattested`; `instance-mismatch` when another unit than the receiver signed; otherwise as
    ///   `HopStatement.verify`.
    public func verifySender(_ peer: AttestedPeer, at time: Timestamp) throws(Refusal) {
        let sender = try requireSender()
        guard peer.role == request.receiver.role, peer.party == request.receiver.party else {
            throw Refusal(.instanceMismatch, "the answer is signed by another unit than the request was sealed to")
        }
        let expected = try request.expectation(response: response, salt: sender.salt)
        try sender.hop.verify(by: peer, against: expected, at: time)
        guard peer.has(expected.receiver) else {
            throw Refusal(.transcriptMismatch, "the answer's token does not name the key that was sealed to")
        }
    }
}
