import AttestationToken
import Crypto
import Encoding
import Testing

@testable import Channel

struct HopStatementTests {
    let key = P256.Signing.PrivateKey()
    var content: HopStatement.Content {
        HopStatement.Content(
            kind: .response, issuedAt: TestUnit.now, nonce: [UInt8](repeating: 1, count: 16), role: "diagnostics",
            party: Digest(of: "p"), tokens: [Digest(of: "t")], receiver: Digest(of: "r"), enc: Digest(of: "e"),
            suite: .xwing, request: Digest(of: "q"), parent: Digest(of: "h"), response: Digest(of: "a"),
            model: ModelReference(name: "brain", sha256: [UInt8](repeating: 2, count: 32), version: "1"))
    }

    @Test func `a statement is read back, with the header and members of the format`() throws {
        let hop = try HopStatement.sign(content, with: key)
        let read = try HopStatement(compact: hop.compact)
        #expect(read == hop)
        #expect(read.content == content)
        #expect(read.digest == Digest(of: hop.compact))
        let jws = try JWS(compact: hop.compact, maximumBytes: 8_192)
        #expect(
            jws.header == [
                "alg": "ES256", "typ": "cloister-hop+jwt", "kid": .string(JWK(key.publicKey).thumbprint),
            ])
        let members = try #require(try JSON.parse(jws.payload).object)
        #expect(
            members.keys.sorted() == [
                "enc", "format", "iat", "kind", "model", "nonce", "parent", "party", "receiver", "request", "response",
                "role", "suite", "token",
            ])
        try hop.requireSignature(of: key.publicKey)
    }

    @Test(
        arguments: [
            ("format", "cloister-hop/2"), ("kind", "push"), ("nonce", "AA"), ("iat", .string("1")),
            ("iat", .integer(-1)), ("party", "short"), ("suite", "x25519"), ("extra", true), ("enc", .null),
            ("response", .null), ("model", ["name": "a"]), ("role", 1),
        ] as [(String, JSON)])
    func `a member of another form is refused`(name: String, value: JSON) throws {
        var members = try #require(content.json(format: "cloister-hop/1").object)
        members[name] = value
        let compact = try SignedDocument.sign(
            .object(members), type: "cloister-hop+jwt", keyMember: (.kid, "k"), with: key)
        #expect(refusal { try HopStatement(compact: compact) } == "token-malformed")
    }

    @Test func `further tokens stand beside the first, each once`() throws {
        var two = content
        two.tokens.append(Digest(of: "u"))
        let hop = try HopStatement.sign(two, with: key)
        #expect(try HopStatement(compact: hop.compact).content == two)
        let members = try #require(try JSON.parse(JWS(compact: hop.compact, maximumBytes: 8_192).payload).object)
        #expect(members["token"]?.string == Digest(of: "t").description)
        #expect(members["tokens"]?.strings == [Digest(of: "u").description])
        let many = (0..<AuthoritySet.maximumTokens).map { Digest(of: "\($0)").description }
        for wrong: JSON in [
            [], ["short"], [.string(Digest(of: "t").description)], [1], .array(many.map(JSON.string)),
        ] {
            var members = members
            members["tokens"] = wrong
            let compact = try SignedDocument.sign(
                .object(members), type: "cloister-hop+jwt", keyMember: (.kid, "k"), with: key)
            #expect(refusal { try HopStatement(compact: compact) } == "token-malformed")
        }
    }

    @Test func `a request states neither response nor model`() throws {
        var members = try #require(content.json(format: "cloister-hop/1").object)
        members["kind"] = "request"
        for absent in ["response", "model"] {
            var members = members
            members[absent] = nil
            let compact = try SignedDocument.sign(
                .object(members), type: "cloister-hop+jwt", keyMember: (.kid, "k"), with: key)
            #expect(refusal { try HopStatement(compact: compact) } == "token-malformed")
        }
    }

    @Test("AC-026 another typ or alg is refused") func otherHeader() throws {
        let payload = content.json(format: "cloister-hop/1")
        let policy = try SignedDocument.sign(
            payload, type: "cloister-party-policy+jwt", keyMember: (.kid, "k"), with: key)
        #expect(refusal { try HopStatement(compact: policy) } == "token-malformed")
        let header = Base64.encodeURL(Array(#"{"alg":"none","kid":"k","typ":"cloister-hop+jwt"}"#.utf8))
        let unsigned = header + "." + Base64.encodeURL(payload.canonical) + "."
        #expect(refusal { try HopStatement(compact: unsigned) } == "token-algorithm")
    }

    @Test func `a statement longer than 8 KiB is refused`() throws {
        var content = content
        content.role = String(repeating: "a", count: 8_000)
        #expect(refusal { try HopStatement.sign(content, with: key) } == "token-malformed")
    }

    @Test func `commitments depend on salt and message`() {
        let salt = [UInt8](repeating: 1, count: 32)
        let digest = Commitment.digest(salt: salt, message: [1, 2])
        #expect(digest == Digest(of: salt + [1, 2]))
        #expect(digest != Commitment.digest(salt: [UInt8](repeating: 2, count: 32), message: [1, 2]))
        #expect(digest != Commitment.digest(salt: salt, message: [1, 3]))
    }
}
