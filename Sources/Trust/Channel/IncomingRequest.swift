public import Encoding

/// An opened request, taken apart; its sender is not yet verified.
public struct IncomingRequest: Sendable {
    /// The request without the sender's three fields.
    public let request: BinaryRequest
    /// The sending unit's statement; nil when the sender is no unit.
    public let sender: SenderFields?
    /// The exchange, which also seals answers when `init` refuses.
    public let exchange: ServerExchange
    /// The request without the sender's three fields as it was received, and the commitment to it with the sender's salt.
    private let bare: [UInt8]
    private let committed: Digest?

    /// Parses what `ChannelKeys.open` returned. Refusals from here on are inner errors, sealed with `exchange`.
    ///
    /// - Throws: `record-authentication` for a message of another form; else as `SenderFields.split`.
    public init(_ message: [UInt8], exchange: ServerExchange) throws(Refusal) {
        var request = try BinaryRequest(parsing: message)
        let split = try SenderFields.split(request.fields)
        request.fields = split.rest
        bare = try request.encoded(padded: false)
        committed = split.sender.map { [bare] in Commitment.digest(salt: $0.salt, message: bare) }
        self.request = request
        sender = split.sender
        self.exchange = exchange
    }

    /// Refuses a request for another role.
    ///
    /// - Throws: `role-mismatch` unless the authority is `role`.
    public func requireAddressed(to role: String) throws(Refusal) {
        guard request.authority == role else {
            throw Refusal(.roleMismatch, "the request is addressed to another role")
        }
    }

    /// The statement, where one is required.
    ///
    /// - Throws: `peer-unattested` when there is none.
    public func requireSender() throws(Refusal) -> SenderFields {
        guard let sender else {
            throw Refusal(.peerUnattested, "the request carries no token and hop statement of its sender")
        }
        return sender
    }

    /// Verifies the sending unit's statement. Afterwards, and before any effect, comes the replay window.
    ///
    /// - Parameters:
    ///   - peer: from the verified and accepted token in `requireSender().tokens`.
    ///   - own: thumbprint of the receiving unit's hop key.
    ///   - parents: digests of hops that this request may name as its cause.
    ///   - time: the receiver's time.
    /// - Throws: `peer-unattested`; `suite-not-allowed` when units talk anything but X-Wing; otherwise as
    ///   `HopStatement.verify`.
    public func verifySender(
        _ peer: AttestedPeer, own: String, parents: Set<Digest> = [], at time: Timestamp
    ) throws(Refusal) {
        let sender = try requireSender()
        guard exchange.suite == .xwing else {
            throw Refusal(.suiteNotAllowed, "between units the suite is xwing")
        }
        let expected = HopStatement.Expectation(
            kind: .request, receiver: exchange.configuration.name, enc: exchange.encDigest, suite: exchange.suite,
            request: commitment(salt: sender.salt), parent: .known(parents), ownKeyThumbprint: own)
        try sender.hop.verify(by: peer, against: expected, at: time)
    }

    /// Commitment to this request as it was really received.
    ///
    /// - Parameter salt: of the answer, for a request that carried none.
    private func commitment(salt: [UInt8]) -> Digest { committed ?? Commitment.digest(salt: salt, message: bare) }

    /// Seals the answer.
    ///
    /// - Parameters:
    ///   - signer: credentials of the epoch whose key opened the request; nil for an answer without a statement.
    ///   - model: the model that produced the answer.
    /// - Throws: `transcript-mismatch` when `signer` is of another epoch, `too-large`, `record-authentication` (an
    ///   answer that no reader would accept).
    public func answer(
        _ response: BinaryResponse, from signer: HopSigner?, model: ModelReference? = nil, at time: Timestamp,
        randomness: Randomness = .system
    ) throws(Refusal) -> OutgoingResponse {
        try SenderFields.requireAbsent(in: response.fields)
        guard let signer else {
            let message = try response.encoded(padded: true)
            return OutgoingResponse(body: try exchange.seal(message, randomness: randomness), hop: nil, salt: nil)
        }
        guard signer.identity.has(exchange.configuration.name) else {
            throw Refusal(.transcriptMismatch, "the signing epoch does not hold the key that opened the request")
        }
        let salt = randomness.bytes(Commitment.saltLength)
        let cause = sender?.hop
        let hop = try HopStatement.sign(
            HopStatement.Content(
                // A clock slightly behind the sender's must not make time go back in the chain.
                kind: .response, issuedAt: max(time, cause?.content.issuedAt ?? time),
                nonce: randomness.bytes(HopStatement.nonceLength), role: signer.identity.role,
                party: signer.identity.party, tokens: signer.identity.tokenDigests,
                receiver: exchange.configuration.name, enc: exchange.encDigest, suite: exchange.suite,
                request: commitment(salt: salt), parent: cause?.digest,
                response: Commitment.digest(salt: salt, message: try response.encoded(padded: false)), model: model),
            with: signer.key)
        var signed = response
        signed.fields += SenderFields(tokens: signer.tokens, salt: salt, hop: hop).fields
        let message = try signed.encoded(padded: true)
        return OutgoingResponse(body: try exchange.seal(message, randomness: randomness), hop: hop, salt: salt)
    }
}

/// A sealed answer.
public struct OutgoingResponse: Sendable {
    /// The outer body.
    public let body: [UInt8]
    /// The answering unit's statement, if it made one.
    public let hop: HopStatement?
    /// The salt of the commitment to the answer, to be kept with the record.
    public let salt: [UInt8]?
}
