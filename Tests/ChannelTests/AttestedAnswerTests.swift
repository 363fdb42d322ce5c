import Crypto
import Encoding
import Testing

@testable import Channel

/// What a caller refuses of an answer, each change made by whoever holds the receiver's channel keys.
struct AttestedAnswerTests {
    let exchange: TestExchange
    let outgoing: OutgoingRequest
    let incoming: IncomingRequest
    var diagnostics: TestUnit { exchange.diagnostics }

    init() throws {
        exchange = try TestExchange()
        outgoing = try exchange.send()
        incoming = try exchange.diagnostics.open(outgoing.body)
    }

    private func hostile(
        signer: TestUnit? = nil, salt: [UInt8]? = nil, response: BinaryResponse? = nil,
        content change: (inout HopStatement.Content) -> Void = { _ in },
        fields: (inout [BinaryField]) -> Void = { _ in }
    ) throws -> IncomingResponse {
        let signer = signer ?? diagnostics
        let committed = [UInt8](repeating: 5, count: 32)
        let cause = try #require(outgoing.hop)
        var content = HopStatement.Content(
            kind: .response, issuedAt: TestUnit.now, nonce: [UInt8](repeating: 1, count: 16), role: signer.role,
            party: signer.party, tokens: [Digest(of: signer.token)], receiver: incoming.exchange.configuration.name,
            enc: incoming.exchange.encDigest, suite: .xwing, request: cause.content.request, parent: cause.digest,
            response: Commitment.digest(salt: committed, message: try exchange.response.encoded(padded: false)))
        change(&content)
        let hop = try HopStatement.sign(content, with: signer.hopKey)
        var message = response ?? exchange.response
        message.fields += SenderFields(tokens: [signer.token], salt: salt ?? committed, hop: hop).fields
        fields(&message.fields)
        return try outgoing.open(try incoming.exchange.seal(try message.encoded(padded: true)))
    }

    private func verdict(
        _ received: @autoclosure () throws -> IncomingResponse, peer: TestUnit? = nil, at time: Timestamp = TestUnit.now
    ) -> String? {
        refusal { try received().verifySender(try (peer ?? diagnostics).peer, at: time) }
    }

    @Test func `the builder of hostile answers builds a good one`() throws {
        #expect(verdict(try hostile()) == nil)
    }

    @Test("AC-042 a statement about another exchange or answer is refused") func transcript() throws {
        let other = Digest(of: "another")
        let changes: [(String, (inout HopStatement.Content) -> Void)] = [
            ("token", { $0.tokens = [other] }), ("further token", { $0.tokens.append(other) }),
            ("receiver", { $0.receiver = other }), ("enc", { $0.enc = other }),
            ("suite", { $0.suite = .p256 }), ("request", { $0.request = other }), ("response", { $0.response = other }),
            (
                "kind",
                {
                    $0.kind = .request
                    $0.response = nil
                }
            ),
        ]
        for (what, change) in changes {
            #expect(verdict(try hostile(content: change)) == "transcript-mismatch", "\(what)")
        }
    }

    @Test("AC-133 an answer that is not the one committed to is refused") func altered() throws {
        var response = exchange.response
        response.content[0] ^= 1
        #expect(verdict(try hostile(response: response)) == "transcript-mismatch")
        response = exchange.response
        response.status = 201
        #expect(verdict(try hostile(response: response)) == "transcript-mismatch")
        #expect(verdict(try hostile(salt: [UInt8](repeating: 6, count: 32))) == "transcript-mismatch")
    }

    @Test("AC-037 an answer whose parent is not the request is refused") func parent() throws {
        #expect(verdict(try hostile(content: { $0.parent = nil })) == "chain-broken")
        #expect(verdict(try hostile(content: { $0.parent = Digest(of: "x") })) == "chain-broken")
    }

    @Test("AC-029 an answer whose time is off by more than 120 s is refused") func time() throws {
        #expect(verdict(try hostile(), at: TestUnit.now + 121) == "token-time")
        #expect(verdict(try hostile(), at: TestUnit.now - 121) == "token-time")
    }

    @Test("AC-031 an answer by a key that is not in its token is refused") func foreignKey() throws {
        let other = try TestUnit.diagnostics()
        #expect(verdict(try hostile(signer: other)) == "token-not-bound")
    }

    @Test("AC-041 a genuine unit of another party or role that answers is refused") func diversion() throws {
        let elsewhere = try TestUnit(role: "diagnostics", party: Digest(of: "elsewhere"))
        #expect(verdict(try hostile(signer: elsewhere), peer: elsewhere) == "instance-mismatch")
        let otherRole = try TestUnit(role: "cache-gate", party: TestUnit.providerParty)
        #expect(verdict(try hostile(signer: otherRole), peer: otherRole) == "instance-mismatch")
    }

    @Test("AC-041 a unit of the same service without the receiving key is refused") func otherEpoch() throws {
        let other = try TestUnit.diagnostics()
        #expect(verdict(try hostile(signer: other), peer: other) == "transcript-mismatch")
        // And it does not get as far as signing: its epoch does not hold the key.
        #expect(
            refusal { try incoming.answer(exchange.response, from: other.signer, at: TestUnit.now) }
                == "transcript-mismatch")
    }

    @Test("AC-048 an answer without a statement is refused where one is required") func missing() throws {
        let bare = try outgoing.open(try incoming.answer(exchange.response, from: nil, at: TestUnit.now).body)
        #expect(bare.response == exchange.response)
        #expect(refusal { try bare.requireSender() } == "peer-unattested")
        #expect(verdict(bare) == "peer-unattested")
        for name in SenderFields.names {
            #expect(verdict(try hostile(fields: { $0.removeAll { $0.name == name } })) == "peer-unattested")
        }
    }

    @Test("AC-051 the caller's own statement sent back as an answer is refused") func reflection() throws {
        let received = try hostile(signer: exchange.platform)
        let reflected = try #require(received.sender).hop
        let expected = HopStatement.Expectation(
            kind: .response, receiver: reflected.content.receiver, enc: reflected.content.enc, suite: .xwing,
            request: reflected.content.request, response: reflected.content.response,
            parent: .exactly(reflected.content.parent), ownKeyThumbprint: try exchange.platform.peer.hopKeyThumbprint)
        #expect(
            refusal { try reflected.verify(by: exchange.platform.peer, against: expected, at: TestUnit.now) }
                == "role-mismatch")
    }

    @Test("AC-042 an answer to another request of the same caller is refused") func swapped() throws {
        let second = try exchange.send()
        let answer = try exchange.answer(try diagnostics.open(second.body))
        #expect(refusal { try outgoing.open(answer.body) } == "record-authentication")
    }

    @Test("AC-133 an answer that is no response is refused") func wrongShape() throws {
        for message in [[], try exchange.request.encoded(padded: true)] {
            let body = try incoming.exchange.seal(message)
            #expect(refusal { try outgoing.open(body) } == "record-authentication")
        }
    }

    @Test("AC-112 an answering clock behind the caller's does not turn time back") func clockBehind() throws {
        let answer = try exchange.answer(incoming, at: TestUnit.now - 30)
        #expect(answer.hop?.content.issuedAt == TestUnit.now)
    }
}

struct HopChainTests {
    private func chain(_ count: Int) throws -> [HopStatement] {
        let exchange = try TestExchange()
        var hops: [HopStatement] = []
        for _ in 0..<count / 2 {
            let outgoing = try OutgoingRequest.seal(
                exchange.request, to: exchange.diagnostics.peer, from: exchange.platform.signer, parent: hops.last,
                at: TestUnit.now)
            let opened = try exchange.diagnostics.open(outgoing.body)
            hops += [try #require(outgoing.hop), try #require(try exchange.answer(opened).hop)]
        }
        return hops
    }

    @Test("AC-038 a chain has at most eight hops") func limits() throws {
        let hops = try chain(10)
        #expect(try HopChain(Array(hops.prefix(8))).hops.count == 8)
        #expect(refusal { try HopChain(hops) } == "chain-limits")
    }

    @Test("AC-037 hops that are removed, reordered, repeated or foreign are refused") func broken() throws {
        let hops = try chain(4)
        let foreign = try chain(2)
        for bad in [
            [], [hops[1]], [hops[0]], Array(hops.dropFirst()), Array(hops.dropLast()), [hops[0], hops[2], hops[3]],
            [hops[1], hops[0], hops[2], hops[3]], [hops[0], hops[1], hops[3], hops[2]], hops + [hops[3]],
            hops + foreign, [hops[0], foreign[1]], [hops[0], hops[0], hops[1]],
        ] {
            #expect(refusal { try HopChain(bad) } == "chain-broken")
        }
    }

    @Test("AC-037 an answer to its parent's exchange only, once, not earlier, not by the same key")
    func answers() throws {
        let hops = try chain(2)
        let keys = (request: P256.Signing.PrivateKey(), answer: P256.Signing.PrivateKey())
        var request = hops[0].content
        request.parent = nil
        let first = try HopStatement.sign(request, with: keys.request)
        func answer(
            by key: P256.Signing.PrivateKey? = nil, _ change: (inout HopStatement.Content) -> Void = { _ in }
        ) throws -> HopStatement {
            var content = hops[1].content
            content.parent = first.digest
            change(&content)
            return try HopStatement.sign(content, with: key ?? keys.answer)
        }
        _ = try HopChain([first, try answer()])
        let other = Digest(of: "x")
        for bad in [
            [first, try answer { $0.enc = other }], [first, try answer { $0.receiver = other }],
            [first, try answer { $0.request = other }], [first, try answer { $0.suite = .p256 }],
            [first, try answer { $0.issuedAt = $0.issuedAt - 1 }], [first, try answer(by: keys.request)],
            [first, try answer(), try answer { $0.nonce[0] ^= 1 }],
        ] {
            #expect(refusal { try HopChain(bad) } == "chain-broken")
        }
    }
}
