package import AttestationToken
package import Channel
package import Encoding
package import Evidence
import HTTPTypes
package import ServiceKit
import Synchronization

/// Another party's unit, as this unit calls it: attested before each use of its keys, every answer verified.
package final class PeerUnit: Sendable {
    /// A verified answer with everything a passport needs.
    package struct Answer: Sendable {
        package var response: BinaryResponse
        package var hops: [HopStatement]
        /// Salts of the commitments to request and answer, to be kept with the record.
        package var requestSalt: [UInt8]
        package var responseSalt: [UInt8]
        /// The tokens that this unit showed.
        package var ownTokens: [AttestationToken]
        /// The peer's tokens that were accepted; never empty.
        package var peerTokens: [AttestationToken]
        /// All tokens that the peer's statement names, whoever they count for.
        package var peerShown: [String]
        /// The peer's evidence and manifest.
        package var peerDocument: EvidenceDocument
    }

    private struct Attested: Sendable {
        var peer: AttestedPeer
        var document: EvidenceDocument
    }

    private let url: String
    private let role: String
    private let identity: UnitIdentity
    private let client: Client
    private let known = Mutex<[Digest: EvidenceDocument]>([:])

    /// - Parameters:
    ///   - url: base URL of the unit; where it is, not whom to trust.
    ///   - role: what it must be.
    package init(url: String, role: String, identity: UnitIdentity, client: Client) {
        self.url = url
        self.role = role
        self.identity = identity
        self.client = client
    }

    /// Sends one request under a tenant's policy and verifies the answer's statement before anyone reads it.
    ///
    /// - Parameters:
    ///   - trusted: decides which issuers, peers and releases count for this request.
    ///   - timeLimit: how long the whole step may take; no token may end before it.
    /// - Throws: the refusal of whichever check fails; an inner refusal of the peer comes as an answer.
    package func send(
        _ request: BinaryRequest, under trusted: TrustedPolicy, timeLimit: Duration
    ) async throws(Refusal) -> Answer {
        do throws(Refusal) {
            return try await attempt(request, under: trusted, timeLimit: timeLimit)
        } catch {
            // What is known of the peer may no longer hold. One that is down is then found to be so by `prepare`, before a
            // job spends another attempt on it.
            known.withLock { _ = $0.removeValue(forKey: trusted.policy.party) }
            // The peer renewed its keys: fetch and verify evidence again, seal anew, once (formats section 4).
            guard error.code == .reattestationRequired else { throw error }
            return try await attempt(request, under: trusted, timeLimit: timeLimit)
        }
    }

    /// Makes sure that the peer is accepted, without sending it anything: asks it for evidence where nothing is remembered of
    /// it, as after a step that failed.
    ///
    /// - Throws: `unavailable` when it does not answer; the refusal of whichever check fails.
    package func prepare(under trusted: TrustedPolicy, timeLimit: Duration) async throws(Refusal) {
        let now = try identity.clock.now()
        _ = try await attest(under: trusted, until: now + timeLimit.components.seconds, at: now)
    }

    private func attempt(
        _ request: BinaryRequest, under trusted: TrustedPolicy, timeLimit: Duration
    ) async throws(Refusal) -> Answer {
        let now = try identity.clock.now()
        let end = now + timeLimit.components.seconds
        let epoch = try identity.current()
        let ownTokens = try epoch.tokens(accepted: trusted.policy.authorities)
        guard ownTokens.allSatisfy({ $0.usableUntil > end }) else {
            throw Refusal(.notReady, "this unit's token ends before the step could; it waits for renewal")
        }
        let attested = try await attest(under: trusted, until: end, at: now)
        let signer = try epoch.signer(accepted: trusted.policy.authorities)
        let outgoing = try OutgoingRequest.seal(request, to: attested.peer, from: signer, at: now)
        let answer = try await client.send(
            .post, url + outgoing.path, headers: [.contentType: SealedMessage.requestType], body: outgoing.body,
            maximumBytes: SealedMessage.maximumBytes, timeout: timeLimit)
        guard answer.status == 200 else {
            if answer.status == 401 {
                throw Refusal(.reattestationRequired, "the peer's key is no longer live")
            }
            throw Refusal(
                RefusalCode(answer.headers[.cloisterRefusal] ?? "unavailable", status: answer.status),
                "the peer answered \(answer.status) outside the channel")
        }
        let incoming = try outgoing.open(answer.body)
        // A peer that refused the sender itself signs nothing; its reason is worth more than that.
        if incoming.sender == nil, incoming.response.status >= 400 { throw PeerUnit.refusal(in: incoming.response) }
        let fields = try incoming.requireSender()
        // The peer answers with the tokens that it prefers, perhaps of other issuers, over the same keys.
        let shown = await identity.directory.verify(fields.tokens, issuers: trusted.policy.issuers)
        try trusted.acceptance(offered: attested.document.manifest)
            .accept(shown.tokens, refused: shown.refused, role: role, at: now)
        try incoming.verifySender(try shown.peer(), at: try identity.clock.now())
        guard let hop = outgoing.hop, let salt = outgoing.salt else {
            throw Refusal(.peerUnattested, "the request went out without a statement")
        }
        return Answer(
            response: incoming.response, hops: [hop, fields.hop], requestSalt: salt, responseSalt: fields.salt,
            ownTokens: ownTokens, peerTokens: shown.tokens, peerShown: fields.tokens,
            peerDocument: attested.document)
    }

    /// The refusal that a problem document inside the channel carries.
    package static func refusal(in response: BinaryResponse) -> Refusal {
        let json = try? JSON.parse(response.content)
        let type = json?["type"]?.string ?? ""
        let prefix = "urn:cloister:refusal:"
        guard type.hasPrefix(prefix) else {
            return Refusal(.outputShape, "the peer answered \(response.status)")
        }
        let parts = type.dropFirst(prefix.count).prefix(128).split(separator: ":", maxSplits: 1).map(String.init)
        return Refusal(
            RefusalCode(parts.first ?? "refused", status: response.status), part: parts.count > 1 ? parts[1] : nil,
            "the peer refused the request")
    }

    /// The peer as its tokens describe it. Its evidence document is remembered until its tokens no longer do for another
    /// step; they are looked at again each time, since they may have been revoked meanwhile.
    private func attest(
        under trusted: TrustedPolicy, until end: Timestamp, at now: Timestamp
    ) async throws(Refusal) -> Attested {
        let party = trusted.policy.party
        if let document = known.withLock({ $0[party] }),
            let attested = try? await judge(document, under: trusted, until: end, at: now)
        {
            return attested
        }
        let answer = try await client.send(.get, url + "/evidence", maximumBytes: EvidenceDocument.maximumBytes)
        guard answer.status == 200 else {
            throw Refusal(.unavailable, "the peer answered \(answer.status) when asked for evidence")
        }
        let document = try EvidenceDocument(parsing: answer.body)
        let attested = try await judge(document, under: trusted, until: end, at: now)
        known.withLock { $0[party] = document }
        return attested
    }

    private func judge(
        _ document: EvidenceDocument, under trusted: TrustedPolicy, until end: Timestamp, at now: Timestamp
    ) async throws(Refusal) -> Attested {
        guard !document.tokens.isEmpty else {
            throw Refusal(.tokenIssuer, "the peer holds no token of an issuer that the policy names")
        }
        let shown = await identity.directory.verify(document.tokens, issuers: trusted.policy.issuers)
        try trusted.acceptance(offered: document.manifest)
            .accept(shown.tokens, refused: shown.refused, role: role, at: now)
        let until = shown.tokens.map(\.usableUntil).min() ?? now
        guard until > end else { throw Refusal(.tokenTime, "the peer's token ends before the step could") }
        return Attested(peer: try shown.peer(), document: document)
    }
}
