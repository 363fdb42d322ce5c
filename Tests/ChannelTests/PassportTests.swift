import AttestationToken
import Crypto
import Encoding
import Evidence
import Testing

@testable import Channel

struct PassportTests {
    var good: TestPassport

    init() throws { good = try TestPassport() }

    /// The refusal after one change.
    private func verdict(
        trusting trust: PassportTrust = PassportTrust(parties: [TestPassport.hospital]),
        _ change: (inout TestPassport) throws -> Void = { _ in }
    ) -> String? {
        refusal {
            var changed = good
            try change(&changed)
            return try changed.verify(trust)
        }
    }

    // MARK: The good case

    @Test func `a passport shows who did what, as of when`() throws {
        let verdict = try good.verify()
        #expect(verdict.validAsOf == TestPassport.now + 5)
        #expect(verdict.grade == .simulated)
        #expect(verdict.hops.map(\.role) == ["medical-platform", "diagnostics"])
        #expect(verdict.hops.map(\.kind) == [.request, .response])
        #expect(verdict.hops.map(\.sequence) == [3, 3])
        #expect(verdict.policyParties == [TestPassport.hospital])
        #expect(verdict.arePartiesPinned)
        #expect(verdict.models.map(\.name) == ["brain"])
        #expect(verdict.json["grade"]?.string == "simulated")
    }

    @Test func `a passport is read back from its file, without what belongs elsewhere`() throws {
        var changed = good
        changed.evidence[0].tokens = ["token"]
        changed.evidence[0].manifest = "manifest"
        let passport = try changed.passport
        let read = try Passport(parsing: passport.json.canonical)
        #expect(read.json == passport.json)
        #expect(read.evidence == good.evidence)
        #expect(
            passport.json.object?.keys.sorted() == [
                "evidence", "format", "hops", "issuers", "manifests", "policies", "tokens",
            ])
    }

    @Test("AC-113 a passport holds no salt") func noSalt() throws {
        let text = try good.passport.json.text
        #expect(!good.salt.isEmpty)
        #expect(!text.contains(Base64.encodeURL(good.salt)))
    }

    @Test func `an issuer pin alone shows whose policies one relies on`() throws {
        let verdict = try good.verify(PassportTrust(issuerPins: [TestPassport.issuerPin()]))
        #expect(!verdict.arePartiesPinned)
        #expect(verdict.policyParties == [TestPassport.hospital])
    }

    // MARK: Nothing trusted, other things trusted

    @Test func `with nothing trusted beforehand nothing is verified`() {
        #expect(verdict(trusting: PassportTrust()) == "receipt-unverifiable")
    }

    @Test("AC-111 the policy of a party that the reader does not trust does not count") func otherParty() throws {
        #expect(verdict(trusting: PassportTrust(parties: [Digest(of: "other")])) == "receipt-invalid:manifest")
        #expect(verdict { $0.policies = [] } == "receipt-invalid:manifest")
        let key = P256.Signing.PrivateKey()
        #expect(
            verdict {
                $0.policies = [try TestPassport.policy(party: partyID(of: key.publicKey)).sign(with: key)]
            } == "receipt-invalid:manifest")
    }

    @Test("AC-110 an issuer key that the reader did not pin does not count") func otherIssuerPin() {
        let trust = PassportTrust(parties: [TestPassport.hospital], issuerPins: [Digest(of: "other")])
        #expect(verdict(trusting: trust) == "receipt-invalid:token")
    }

    @Test func `a policy that did not hold at the time of the hop does not count`() throws {
        #expect(
            verdict {
                var policy = try TestPassport.policy()
                policy.notBefore = TestPassport.now + 1
                $0.policies = [try policy.sign(with: TestPassport.hospitalKey)]
            } == "receipt-invalid:manifest")
    }

    // MARK: Hops

    @Test("AC-112 missing, foreign, repeated and reordered hops") func hops() throws {
        let foreign = try TestPassport()
        #expect(verdict { $0.hops = [] } == "passport-invalid")
        #expect(verdict { $0.hops.removeLast() } == "passport-invalid")
        #expect(verdict { $0.hops.removeFirst() } == "passport-invalid")
        #expect(verdict { $0.hops.reverse() } == "passport-invalid")
        #expect(verdict { $0.hops.append($0.hops[1]) } == "passport-invalid")
        #expect(verdict { $0.hops[1] = foreign.hops[1] } == "passport-invalid")
        #expect(verdict { $0.hops += foreign.hops } == "passport-invalid")
    }

    @Test("AC-112 a hop that is its own or its child's parent") func cycle() throws {
        // A digest cannot be its own preimage: whoever wants a cycle must name a hop that does not come before.
        #expect(
            verdict {
                var content = $0.hops[0].content
                content.parent = $0.hops[1].digest
                $0.hops[0] = try HopStatement.sign(content, with: $0.platform.hopKey)
            } == "passport-invalid")
    }

    @Test("AC-112 time that goes back") func time() throws {
        #expect(
            verdict {
                var content = $0.hops[1].content
                content.issuedAt = $0.hops[0].content.issuedAt - 1
                $0.hops[1] = try HopStatement.sign(content, with: $0.diagnostics.hopKey)
            } == "passport-invalid")
    }

    @Test("AC-112 a hop that its unit did not sign") func forgedHop() throws {
        let key = P256.Signing.PrivateKey()
        #expect(
            verdict { $0.hops[1] = try HopStatement.sign($0.hops[1].content, with: key) } == "passport-invalid")
        #expect(
            verdict {
                var content = $0.hops[1].content
                content.role = "cache-gate"
                $0.hops[1] = try HopStatement.sign(content, with: $0.diagnostics.hopKey)
            } == "passport-invalid")
    }

    @Test("AC-112 an answer by a unit that did not hold the key that was sealed to") func otherReceiver() throws {
        let diverted = try TestPassport(answeredBy: try .diagnostics())
        #expect(refusal { try diverted.verify() } == "passport-invalid")
    }

    @Test("AC-038 more than eight hops in a file") func tooManyHops() throws {
        var members = try #require(try good.passport.json.object)
        members["hops"] = .array([JSON](repeating: "x", count: 9))
        let bytes = JSON.object(members).canonical
        #expect(refusal { try Passport(parsing: bytes) } == "passport-invalid")
    }

    // MARK: Several attestation services

    /// The refusal after one change of a passport for which two services vouch, as its policy asks.
    private func verdictOfTwo(_ change: (inout TestPassport) throws -> Void = { _ in }) -> String? {
        refusal {
            var changed = try TestPassport(authorities: [.first, .second])
            try change(&changed)
            return try changed.verify()
        }
    }

    @Test func `with a threshold of two each hop names two tokens, and both are verified`() throws {
        let two = try TestPassport(authorities: [.first, .second])
        #expect(two.hops.map(\.content.tokens.count) == [2, 2])
        #expect(try two.verify().hops.map(\.role) == ["medical-platform", "diagnostics"])
        let passport = try two.passport
        #expect(try Passport(parsing: passport.json.canonical).json == passport.json)
    }

    @Test("AC-023 one service, or one service's token twice, is too few for a threshold of two") func oneOfTwo() throws
    {
        #expect(
            verdict {
                var policy = try TestPassport.policy()
                policy.issuers.append(try TestPassport.Authority.second.issuer)
                policy.threshold = 2
                $0.policies = [try policy.sign(with: TestPassport.hospitalKey)]
            } == "receipt-invalid:token")
        #expect(
            verdictOfTwo {
                $0.tokens[3] = try TestPassport.token($0.diagnostics) { $0["jti"] = "again" }
                var content = $0.hops[1].content
                content.tokens[1] = Digest(of: $0.tokens[3])
                $0.hops[1] = try HopStatement.sign(content, with: $0.diagnostics.hopKey)
            } == "receipt-invalid:manifest")
        #expect(verdictOfTwo { $0.issuers.removeLast() } == "receipt-invalid:token")
        #expect(verdictOfTwo { $0.tokens.removeLast() } == "receipt-invalid:digest")
    }

    @Test("AC-023 two services that disagree about the measurement are no quorum") func twoOpinions() throws {
        #expect(
            verdictOfTwo {
                $0.tokens[3] = try TestPassport.token($0.diagnostics, by: .second) {
                    $0["x-ms-sevsnpvm-launchmeasurement"] = .string(String(repeating: "9", count: 96))
                }
                var content = $0.hops[1].content
                content.tokens[1] = Digest(of: $0.tokens[3])
                $0.hops[1] = try HopStatement.sign(content, with: $0.diagnostics.hopKey)
            } == "receipt-invalid:manifest")
    }

    @Test func `a policy that knows only one of the two services is content with it`() throws {
        #expect(
            verdictOfTwo {
                $0.policies = [try TestPassport.policy().sign(with: TestPassport.hospitalKey)]
            } == nil)
    }

    // MARK: Tokens

    @Test("AC-111 tokens that are not those of the hops") func otherTokens() throws {
        let token = try TestPassport.token(good.platform) { $0["jti"] = "other" }
        #expect(verdict { $0.tokens[0] = token } == "receipt-invalid:digest")
        #expect(verdict { $0.tokens.removeLast() } == "receipt-invalid:digest")
        #expect(verdict { $0.tokens.append($0.tokens[0]) } == "receipt-invalid:digest")
    }

    /// A passport whose second token, and the hop that names it, are others.
    private func withToken(_ claims: (inout [String: JSON]) -> Void) -> String? {
        verdict {
            $0.tokens[1] = try TestPassport.token($0.diagnostics, change: claims)
            var content = $0.hops[1].content
            content.tokens = [Digest(of: $0.tokens[1])]
            $0.hops[1] = try HopStatement.sign(content, with: $0.diagnostics.hopKey)
        }
    }

    @Test func `the builder of other tokens builds a good one`() {
        #expect(withToken { $0["jti"] = "1" } == nil)
    }

    @Test("AC-115 a token that did not hold at the time of its hop") func tokenTime() {
        #expect(withToken { $0["exp"] = .integer(TestPassport.now.seconds - 90) } == "receipt-invalid:token")
        #expect(withToken { $0["iat"] = .integer(TestPassport.now.seconds - 3_700) } == "receipt-invalid:token")
    }

    @Test("AC-110 a token of another issuer, or without its chain") func tokenIssuer() throws {
        #expect(withToken { $0["iss"] = "https://other" } == "receipt-invalid:token")
        #expect(verdict { $0.issuers = [] } == "receipt-invalid:token")
        #expect(verdict { $0.issuers[0].url = "https://other" } == "receipt-invalid:token")
        #expect(verdict { $0.issuers[0].chains[0].removeLast() } == "receipt-invalid:token")
        #expect(verdict { $0.issuers[0].chains[0][0][200] ^= 1 } == "receipt-invalid:token")
    }

    @Test func `a further chain of the issuer does no harm`() {
        #expect(
            verdict {
                $0.issuers[0].chains.insert([TestPassport.issuerCertificate], at: 0)
                $0.issuers[0].chains.append([TestPassport.issuerCertificate])
            } == nil)
    }

    @Test("AC-069 a token whose runtime data is not what its report data says") func tokenBinding() {
        #expect(
            withToken { $0["x-ms-sevsnpvm-reportdata"] = .string(String(repeating: "0", count: 128)) }
                == "receipt-invalid:token")
    }

    // MARK: Evidence

    @Test("AC-111 evidence of another unit") func otherEvidence() throws {
        #expect(verdict { $0.evidence.swapAt(0, 1) } == "receipt-invalid:digest")
        #expect(verdict { $0.evidence[0].runtimeData = nil } == "receipt-invalid:digest")
        let other = [UInt8](repeating: 0, count: 64)
        #expect(
            verdict { $0.verdicts[[1]] = TestPassport.verdict($0.platform, reportData: other) }
                == "receipt-invalid:digest")
        #expect(verdict { $0.evidence.removeLast() } == "passport-invalid")
    }

    @Test("AC-115 evidence without its collateral cannot be verified") func noCollateral() throws {
        #expect(
            verdict { $0.evidence[1] = TestPassport.document($0.diagnostics, byte: 2, collateral: false) }
                == "receipt-unverifiable")
    }

    @Test("AC-110 evidence that the verifier refuses") func refusedEvidence() {
        #expect(
            verdict { $0.verdicts[[2]] = TestPassport.verdict($0.diagnostics, code: .simulatedRoot) }
                == "receipt-invalid:evidence")
    }

    @Test("AC-003 evidence is judged by signatures where nobody judges it instead") func realVerifier() throws {
        let trust = PassportTrust(parties: [TestPassport.hospital])
        #expect(refusal { try good.passport.verify(trusting: trust) } == "receipt-invalid:evidence")
    }

    @Test("AC-111 evidence that says other things than its token") func disagreement() {
        let changes: [(String, (TestUnit) -> Verdict)] = [
            ("tee", { TestPassport.verdict($0, tee: .sgx) }), ("grade", { TestPassport.verdict($0, grade: .hardware) }),
            ("host data", { TestPassport.verdict($0, hostData: [UInt8](repeating: 0, count: 32)) }),
            ("debug", { TestPassport.verdict($0, isDebuggable: true) }),
            ("measurement", { TestPassport.verdict($0, measurement: "00") }),
        ]
        for (what, other) in changes {
            #expect(
                verdict { $0.verdicts[[2]] = other($0.diagnostics) } == "receipt-invalid:evidence", "\(what)")
        }
    }

    // MARK: Releases and model

    @Test("AC-006 a measurement that no accepted release has") func unknownMeasurement() throws {
        #expect(verdict { $0.manifests.removeLast() } == "receipt-invalid:manifest")
        #expect(
            verdict { $0.manifests[1] = try TestPassport.manifest("diagnostics", measured: "00") }
                == "receipt-invalid:manifest")
        #expect(
            verdict { $0.manifests[1] = try TestPassport.manifest("diagnostics", key: P256.Signing.PrivateKey()) }
                == "receipt-invalid:manifest")
        #expect(
            verdict { $0.manifests[1] = try TestPassport.manifest("diagnostics", sequence: 2) }
                == "receipt-invalid:manifest")
    }

    @Test("AC-041 a unit of a party that the policy does not name") func otherPeer() throws {
        #expect(
            verdict {
                var policy = try TestPassport.policy()
                policy.peers.removeLast()
                $0.policies = [try policy.sign(with: TestPassport.hospitalKey)]
            } == "receipt-invalid:manifest")
    }

    @Test("AC-130 an answer without a model, and a result that claims another") func model() throws {
        let without = try TestPassport(model: false)
        #expect(refusal { try without.verify() } == "receipt-invalid:model")
        let shown = try good.verify()
        let stated = try #require(shown.models.first)
        try shown.require(stated)
        for claimed in [
            ModelReference(name: stated.name, sha256: [UInt8](repeating: 8, count: 32), version: stated.version),
            ModelReference(name: "other", sha256: stated.sha256, version: stated.version),
            ModelReference(name: stated.name, sha256: stated.sha256, version: "2"),
        ] {
            #expect(refusal { try shown.require(claimed) } == "receipt-invalid:model")
        }
    }

    // MARK: Disclosure

    @Test("AC-114 a disclosed message is compared with its commitment") func disclosure() throws {
        let passport = try good.passport
        let message = try good.request.encoded(padded: false)
        try passport.requireDisclosure(of: message, salt: good.salt, by: good.hops[0].digest)
        try passport.requireDisclosure(of: [9], salt: good.salt, by: good.hops[1].digest)
        let otherSalt = [UInt8](repeating: 0, count: 32)
        for (message, salt, hop) in [
            (message, otherSalt, good.hops[0].digest), (message + [0], good.salt, good.hops[0].digest),
            (message, good.salt, good.hops[1].digest), (message, good.salt, Digest(of: "other")),
            (message, Array(good.salt.prefix(31)), good.hops[0].digest),
            (Array(good.salt.suffix(1)) + message, Array(good.salt.dropLast()), good.hops[0].digest),
        ] {
            #expect(
                refusal { try passport.requireDisclosure(of: message, salt: salt, by: hop) } == "disclosure-invalid")
        }
    }

    // MARK: The file's form

    @Test(
        "a file of another form is refused",
        arguments: [
            ("format", "cloister-passport/2"), ("extra", true), ("hops", [1]), ("hops", ["a.b.c"]), ("tokens", .null),
            ("issuers", [["url": "u"]]), ("issuers", [["url": "u", "x5c": [["*"]]]]),
            ("issuers", [["url": "u", "x5c": [[]]]]), ("evidence", [["tee": "snp"]]), ("policies", "x"),
        ] as [(String, JSON)])
    func form(name: String, value: JSON) throws {
        var members = try #require(try good.passport.json.object)
        members[name] = value
        let bytes = JSON.object(members).canonical
        #expect(refusal { try Passport(parsing: bytes) } == "passport-invalid")
    }

    @Test func `a missing member, tokens inside evidence, and too long a file are refused`() throws {
        let members = try #require(try good.passport.json.object)
        for name in members.keys {
            var fewer = members
            fewer[name] = nil
            let bytes = JSON.object(fewer).canonical
            #expect(refusal { try Passport(parsing: bytes) } == "passport-invalid", "\(name)")
        }
        var document = good.evidence[0]
        document.tokens = ["t"]
        var inside = members
        inside["evidence"] = [document.json, good.evidence[1].json]
        #expect(refusal { try Passport(parsing: JSON.object(inside).canonical) } == "passport-invalid")
        let long = [UInt8](repeating: 0x20, count: Passport.maximumBytes + 1)
        #expect(refusal { try Passport(parsing: long) } == "passport-invalid")
    }
}
