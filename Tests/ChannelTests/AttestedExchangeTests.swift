import AttestationToken
import Crypto
import Encoding
import Testing

@testable import Channel

struct AttestedExchangeTests {
    let exchange: TestExchange
    var platform: TestUnit { exchange.platform }
    var diagnostics: TestUnit { exchange.diagnostics }

    init() throws { exchange = try TestExchange() }

    // MARK: The good case

    @Test func `request and answer arrive with verified senders`() throws {
        let outgoing = try exchange.send()
        #expect(outgoing.path == "/channel/\(try diagnostics.configuration(.xwing).name)")
        #expect(outgoing.suite == .xwing)
        let incoming = try diagnostics.open(outgoing.body)
        #expect(incoming.request == exchange.request)
        try incoming.requireAddressed(to: "diagnostics")
        let sender = try incoming.requireSender()
        #expect(sender.tokens == [platform.token])
        #expect(sender.hop == outgoing.hop)
        #expect(sender.salt == outgoing.salt)
        try exchange.verify(incoming)

        let answer = try exchange.answer(incoming)
        let received = try outgoing.open(answer.body)
        #expect(received.response == exchange.response)
        #expect(try received.requireSender().tokens == [diagnostics.token])
        try received.verifySender(diagnostics.peer, at: TestUnit.now)
        let hop = try #require(answer.hop)
        #expect(hop.content.parent == outgoing.hop?.digest)
        #expect(hop.content.model == exchange.model)
        #expect(hop.content.request == outgoing.hop?.content.request)
        _ = try HopChain([try #require(outgoing.hop), hop])
    }

    @Test func `a client that is no unit gets a verified answer`() throws {
        let request = BinaryRequest(method: "GET", authority: "medical-platform", path: "/patients")
        for allowed in [Set<Channel.Suite>([.p256]), [.p256, .xwing]] {
            let outgoing = try OutgoingRequest.seal(
                request, to: platform.peer, from: nil, allowing: allowed, at: TestUnit.now)
            #expect(outgoing.suite == (allowed.count == 1 ? .p256 : .xwing))
            let incoming = try platform.open(outgoing.body, outgoing.suite)
            #expect(incoming.sender == nil)
            let answer = try incoming.answer(exchange.response, from: platform.signer, at: TestUnit.now)
            let received = try outgoing.open(answer.body)
            try received.verifySender(platform.peer, at: TestUnit.now)
            #expect(answer.hop?.content.parent == nil)
        }
    }

    @Test("AC-053 both bodies have the length of a size class") func sizes() throws {
        let outgoing = try exchange.send()
        #expect(outgoing.body.count - 7 - 1_120 - 16 == MessagePadding.minimum)
        let answer = try exchange.answer(try diagnostics.open(outgoing.body))
        #expect(answer.body.count - 32 - 16 == MessagePadding.minimum)
    }

    // MARK: Keys come from the token

    @Test("AC-040 a relay's own key configuration is refused") func relay() throws {
        let relay = try ChannelKeys.generate()
        #expect(refusal { try diagnostics.peer.require(offered: relay.ohttp) } == "binding-mismatch")
        let mixed = KeyConfiguration.encodeList([relay.configurations[0], diagnostics.keys.configurations[1]])
        #expect(refusal { try diagnostics.peer.require(offered: mixed) } == "binding-mismatch")
        try diagnostics.peer.require(offered: diagnostics.keys.ohttp)
    }

    @Test("AC-040 what is sealed to a genuine token does not open with the relay's key") func relayOpens() throws {
        let outgoing = try exchange.send()
        let relay = try ChannelKeys.generate()
        #expect(
            refusal { try relay.open(outgoing.body, named: relay.configurations[0].name) } == "reattestation-required")
    }

    @Test("AC-044 the strongest suite of the token is used, and P-256 never between units") func downgrade() throws {
        #expect(try diagnostics.peer.configuration(allowing: [.p256, .xwing]).suite == .xwing)
        let classical = KeyConfiguration.encodeList([diagnostics.keys.configurations[1]])
        let weak = try TestUnit(role: "diagnostics", party: TestUnit.providerParty, ohttp: classical)
        #expect(
            refusal {
                try OutgoingRequest.seal(
                    exchange.request, to: weak.peer, from: platform.signer, allowing: [.xwing, .p256],
                    at: TestUnit.now)
            } == "suite-not-allowed")
        #expect(
            refusal {
                try OutgoingRequest.seal(exchange.request, to: weak.peer, from: nil, at: TestUnit.now)
            } == "suite-not-allowed")
    }

    @Test("AC-044 a unit that speaks P-256 to a unit is refused") func classicalSender() throws {
        let incoming = try hostile(suite: .p256)
        #expect(refusal { try exchange.verify(incoming) } == "suite-not-allowed")
    }

    // MARK: A hostile sender's message, opened by the diagnostics unit

    /// Seals a request whose statement was changed in one way before signing, or whose fields were changed after.
    private func hostile(
        suite: Channel.Suite = .xwing, signer: TestUnit? = nil, token: String? = nil, salt: [UInt8]? = nil,
        request: BinaryRequest? = nil, content change: (inout HopStatement.Content) -> Void = { _ in },
        fields: (inout [BinaryField]) -> Void = { _ in }
    ) throws -> IncomingRequest {
        let signer = signer ?? platform
        let sealer = try SealedRequest(to: diagnostics.configuration(suite))
        let committed = [UInt8](repeating: 5, count: 32)
        var content = HopStatement.Content(
            kind: .request, issuedAt: TestUnit.now, nonce: [UInt8](repeating: 1, count: 16), role: "medical-platform",
            party: TestUnit.platformParty, tokens: [Digest(of: platform.token)], receiver: sealer.configuration.name,
            enc: sealer.encDigest, suite: suite,
            request: Commitment.digest(salt: committed, message: try exchange.request.encoded(padded: false)))
        change(&content)
        let hop = try HopStatement.sign(content, with: signer.hopKey)
        var message = request ?? exchange.request
        message.fields += SenderFields(tokens: [token ?? platform.token], salt: salt ?? committed, hop: hop).fields
        fields(&message.fields)
        return try diagnostics.open(try sealer.seal(try message.encoded(padded: true)).body, suite)
    }

    private func verdict(_ incoming: @autoclosure () throws -> IncomingRequest, at time: Timestamp = TestUnit.now)
        -> String?
    {
        refusal { try exchange.verify(try incoming(), at: time) }
    }

    @Test func `the builder of hostile requests builds a good one`() throws {
        #expect(verdict(try hostile()) == nil)
    }

    @Test("AC-031 a statement by a key that is not in the token is refused") func foreignKey() throws {
        #expect(verdict(try hostile(signer: try .platform())) == "token-not-bound")
    }

    @Test("AC-031 a statement that names the token's key but is not signed by it is refused") func forged() throws {
        let good = try #require(exchange.send().hop)
        let parts = good.compact.split(separator: ".")
        let signature = try #require(Base64.decode(parts[2]))
        let other = [signature[0] ^ 1] + signature.dropFirst()
        let forged = "\(parts[0]).\(parts[1]).\(Base64.encodeURL(other))"
        let incoming = try hostile(fields: { $0[$0.count - 1].value = forged })
        #expect(verdict(incoming) == "token-not-bound")
    }

    @Test("AC-031 a statement that names another role or party than the token is refused") func foreignRole() throws {
        #expect(verdict(try hostile(content: { $0.role = "cache-gate" })) == "token-not-bound")
        #expect(verdict(try hostile(content: { $0.party = TestUnit.providerParty })) == "token-not-bound")
    }

    @Test("AC-042 a statement about another exchange is refused") func splice() throws {
        let other = Digest(of: "another")
        let changes: [(String, (inout HopStatement.Content) -> Void)] = [
            ("token", { $0.tokens = [other] }), ("further token", { $0.tokens.append(other) }),
            ("receiver", { $0.receiver = other }), ("enc", { $0.enc = other }),
            ("suite", { $0.suite = .p256 }), ("request", { $0.request = other }),
            (
                "kind",
                {
                    $0.kind = .response
                    $0.response = other
                }
            ),
        ]
        for (what, change) in changes {
            #expect(verdict(try hostile(content: change)) == "transcript-mismatch", "\(what)")
        }
    }

    @Test("AC-042 a statement cut out of another request is refused") func splicedHop() throws {
        let other = try #require(exchange.send().hop)
        let incoming = try hostile(fields: { $0[$0.count - 1].value = other.compact })
        #expect(verdict(incoming) == "transcript-mismatch")
    }

    @Test("AC-042 a changed salt, field, path or content is refused") func splicedMessage() throws {
        #expect(verdict(try hostile(salt: [UInt8](repeating: 6, count: 32))) == "transcript-mismatch")
        var request = exchange.request
        request.content[0] ^= 1
        #expect(verdict(try hostile(request: request)) == "transcript-mismatch")
        request = exchange.request
        request.path += "x"
        #expect(verdict(try hostile(request: request)) == "transcript-mismatch")
        #expect(
            verdict(try hostile(fields: { $0.insert(BinaryField("cloister-tenant", "x"), at: 0) }))
                == "transcript-mismatch")
    }

    @Test("AC-042 a statement beside another token is refused") func splicedToken() throws {
        // The receiver verifies the token that came; its digest is not the one that was signed.
        let incoming = try hostile(token: "another.token.x")
        let peer = try AttestedPeer(runtimeData: platform.runtimeData, tokenDigests: [Digest(of: "another.token.x")])
        #expect(refusal { try exchange.verify(incoming, from: peer) } == "transcript-mismatch")
    }

    @Test func `a sender with tokens of several services names each of them`() throws {
        let tokens = [platform.token, "second.token.x"]
        let signer = try HopSigner(tokens: tokens, runtimeData: platform.runtimeData, key: platform.hopKey)
        let outgoing = try OutgoingRequest.seal(
            exchange.request, to: diagnostics.peer, from: signer, at: TestUnit.now)
        let incoming = try diagnostics.open(outgoing.body)
        #expect(try incoming.requireSender().tokens == tokens)
        func peer(_ shown: [String]) throws -> AttestedPeer {
            try AttestedPeer(runtimeData: platform.runtimeData, tokenDigests: shown.map { Digest(of: $0) })
        }
        try exchange.verify(incoming, from: peer(tokens))
        for others in [[tokens[0]], [tokens[1]], tokens.reversed(), tokens + ["third.token.x"]] {
            #expect(
                refusal { try exchange.verify(incoming, from: peer(Array(others))) } == "transcript-mismatch")
        }
    }

    @Test("AC-042 the three fields anywhere but last, or in another order, are refused") func order() throws {
        #expect(verdict(try hostile(fields: { $0.append(BinaryField("accept", "*/*")) })) == "transcript-mismatch")
        #expect(verdict(try hostile(fields: { $0.swapAt($0.count - 1, $0.count - 2) })) == "transcript-mismatch")
    }

    @Test("AC-048 a request without a statement, or with a part of one, is refused") func missing() throws {
        for name in SenderFields.names {
            #expect(verdict(try hostile(fields: { $0.removeAll { $0.name == name } })) == "peer-unattested")
        }
        let none = try hostile(fields: { $0.removeAll { SenderFields.names.contains($0.name) } })
        #expect(none.sender == nil)
        #expect(refusal { try none.requireSender() } == "peer-unattested")
        #expect(verdict(none) == "peer-unattested")
    }

    @Test func `a salt or token of another form is refused`() throws {
        #expect(verdict(try hostile(salt: [1])) == "token-malformed")
        #expect(verdict(try hostile(token: String(repeating: "a", count: 65 << 10))) == "token-malformed")
        let many = [String](repeating: "a.b.c", count: AuthoritySet.maximumTokens + 1).joined(separator: ",")
        #expect(verdict(try hostile(token: many)) == "token-malformed")
    }

    @Test("AC-029 a statement whose time is off by more than 120 s is refused") func time() throws {
        for offset in [-121, 121] as [Int64] {
            #expect(verdict(try hostile(content: { $0.issuedAt = TestUnit.now + offset })) == "token-time")
        }
        for offset in [-120, 120] as [Int64] {
            #expect(verdict(try hostile(content: { $0.issuedAt = TestUnit.now + offset })) == nil)
        }
    }

    @Test("AC-037 a parent that the receiver does not know is refused") func unknownParent() throws {
        let parent = Digest(of: "parent")
        let incoming = try hostile(content: { $0.parent = parent })
        #expect(verdict(incoming) == "chain-broken")
        try incoming.verifySender(
            platform.peer, own: diagnostics.peer.hopKeyThumbprint, parents: [parent], at: TestUnit.now)
    }

    @Test("AC-051 a unit's own statement reflected to it is refused") func reflection() throws {
        let incoming = try hostile(
            signer: diagnostics,
            content: {
                $0.role = "diagnostics"
                $0.party = TestUnit.providerParty
                $0.tokens = [Digest(of: diagnostics.token)]
            })
        #expect(refusal { try exchange.verify(incoming, from: diagnostics.peer) } == "role-mismatch")
    }

    @Test("AC-051 a request for another role is refused on both sides") func otherRole() throws {
        let incoming = try hostile()
        #expect(refusal { try incoming.requireAddressed(to: "medical-platform") } == "role-mismatch")
        var request = exchange.request
        request.authority = "cache-gate"
        #expect(
            refusal {
                try OutgoingRequest.seal(request, to: diagnostics.peer, from: platform.signer, at: TestUnit.now)
            } == "role-mismatch")
    }

    @Test("AC-043 a message that is no request is refused inside the exchange") func noRequest() throws {
        let configuration = try diagnostics.configuration(.xwing)
        for message in [[], [1, 2, 3], try exchange.response.encoded(padded: true)] {
            let opened = try diagnostics.keys.open(
                try SealedRequest.seal(message, to: configuration).body, named: configuration.name)
            #expect(
                refusal { try IncomingRequest(opened.message, exchange: opened.exchange) } == "record-authentication")
        }
    }

    @Test func `a caller cannot smuggle a statement of its own into a message`() throws {
        var request = exchange.request
        request.fields.append(BinaryField("cloister-hop", "x"))
        #expect(
            refusal {
                try OutgoingRequest.seal(request, to: diagnostics.peer, from: platform.signer, at: TestUnit.now)
            } == "transcript-mismatch")
        var response = exchange.response
        response.fields.append(BinaryField("cloister-token", "x"))
        let incoming = try hostile()
        #expect(
            refusal { try incoming.answer(response, from: diagnostics.signer, at: TestUnit.now) }
                == "transcript-mismatch")
    }

    @Test func `credentials whose key is not the one in the runtime data are refused`() {
        #expect(
            refusal {
                try HopSigner(
                    tokens: [platform.token], runtimeData: platform.runtimeData, key: P256.Signing.PrivateKey())
            } == "token-not-bound")
    }
}
