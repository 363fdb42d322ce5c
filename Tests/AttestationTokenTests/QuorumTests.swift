import AttestationToken
import Crypto
import Encoding
import Evidence
import Testing

/// k of n: how many independent attestation services must agree about one unit.
struct QuorumTests {
    let first = TestAuthority("https://first.example")
    let second = TestAuthority("https://second.example")
    let third = TestAuthority("https://third.example")

    private func keySets(_ authorities: [TestAuthority]) -> [String: IssuerKeySet] {
        Dictionary(uniqueKeysWithValues: authorities.map { ($0.url, $0.keySet) })
    }

    private func refusal(
        _ tokens: [String], of authorities: [TestAuthority], threshold: Int64 = 2
    ) -> Refusal? {
        AttestationTokenTests.refusal { () throws(Refusal) in
            try AuthoritySet(authorities, threshold: threshold)
                .verify(tokens, keySets: keySets(authorities), at: Fixture.now)
        }
    }

    private var all: [TestAuthority] { [first, second, third] }

    @Test func `k services that agree suffice, whatever their order, and k minus one do not`() throws {
        #expect(refusal([first.token(), second.token()], of: all) == nil)
        #expect(refusal([third.token(), first.token(), second.token()], of: all, threshold: 3) == nil)
        let one = refusal([second.token()], of: all)
        #expect(one?.code == .quorumNotMet)
        #expect(one?.detail.hasPrefix("1 of the 2 ") == true)
        #expect(refusal([], of: all)?.code == .quorumNotMet)
        #expect(refusal([first.token(), second.token()], of: all, threshold: 3)?.code == .quorumNotMet)
    }

    @Test func `every token that verified is returned`() throws {
        let tokens = try AuthoritySet(all, threshold: 2)
            .verify([second.token(), third.token()], keySets: keySets(all), at: Fixture.now)
        #expect(tokens.map(\.issuer.url) == [second.url, third.url])
    }

    @Test func `the same service twice counts once`() throws {
        let again = first.token { $0["jti"] = "01" }
        #expect(refusal([first.token(), again], of: all)?.code == .quorumNotMet)
        #expect(refusal([first.token(), again, second.token()], of: all) == nil)
    }

    @Test func `two names with one issuer key, or one signing key, count once`() throws {
        let sameIssuer = TestAuthority("https://alias.example", issuerKey: first.issuerKey)
        #expect(refusal([first.token(), sameIssuer.token()], of: [first, sameIssuer])?.code == .quorumNotMet)
        let sameSigner = TestAuthority("https://alias.example", signingKey: first.signingKey)
        #expect(refusal([first.token(), sameSigner.token()], of: [first, sameSigner])?.code == .quorumNotMet)
        #expect(refusal([first.token(), sameSigner.token(), second.token()], of: [first, sameSigner, second]) == nil)
    }

    @Test(
        "AC-023 one name in several spellings counts once, whatever the keys",
        arguments: ["https://FIRST.example", "https://first.example:443"])
    func spellings(url: String) throws {
        let spelt = TestAuthority(url)
        #expect(refusal([spelt.token()], of: [first, spelt], threshold: 1) == nil)
        #expect(refusal([first.token(), spelt.token()], of: [first, spelt])?.code == .quorumNotMet)
        #expect(refusal([first.token(), spelt.token(), second.token()], of: [first, spelt, second]) == nil)
    }

    @Test func `a token that does not verify does not count, and is named`() throws {
        let expired = second.token { $0["exp"] = .integer(Fixture.now.seconds - 61) }
        let refused = refusal([first.token(), expired], of: all)
        #expect(refused?.code == .quorumNotMet)
        #expect(refused?.detail.contains("token-time") == true)
        #expect(refusal([first.token(), expired, third.token()], of: all) == nil)
        let foreign = Fixture.sign(["iss": .string(second.url)], key: .es256(first.signingKey), kid: "key")
        #expect(refusal([first.token(), foreign], of: all)?.code == .quorumNotMet)
        #expect(refusal([first.token(), "a.b.c"], of: all)?.code == .quorumNotMet)
        let stranger = TestAuthority("https://stranger.example")
        #expect(refusal([first.token(), stranger.token()], of: all)?.code == .quorumNotMet)
    }

    @Test func `a service whose keys are not at hand does not count`() throws {
        #expect(
            AttestationTokenTests.code { () throws(Refusal) in
                try AuthoritySet(all, threshold: 2).verify(
                    [first.token(), second.token()], keySets: [first.url: first.keySet], at: Fixture.now)
            } == .quorumNotMet)
    }

    @Test(
        "AC-023 services that disagree about the program, its platform or its debugging are no quorum",
        arguments: [
            ("x-ms-sevsnpvm-launchmeasurement", .string(String(repeating: "c2", count: 48))),
            ("x-ms-sevsnpvm-launchmeasurement", nil), ("x-ms-sevsnpvm-hostdata", .string(Fixture.peer.hex)),
            ("x-ms-sevsnpvm-is-debuggable", true), ("x-cloister-grade", "hardware"),
            ("x-ms-attestation-type", "sgx"), ("x-ms-sevsnpvm-guestsvn", 1),
        ] as [(String, JSON?)])
    func disagreement(name: String, value: JSON?) throws {
        let authorities = all
        let agreed = first.token { $0["x-ms-sevsnpvm-guestsvn"] = 0 }
        let other = second.token {
            $0["x-ms-sevsnpvm-guestsvn"] = 0
            $0[name] = value
        }
        let refused = refusal([agreed, other], of: authorities)
        #expect(refused?.code == .quorumNotMet)
        #expect(refused?.detail.contains("disagree") == true)
        // A third that agrees with one of them does not outvote the other: somebody must look.
        #expect(refusal([agreed, other, third.token()], of: authorities)?.code == .quorumNotMet)
    }

    @Test("AC-023 tokens about different keys are no quorum") func otherKeys() throws {
        let other = Fixture.runtimeData(role: "medical-platform")
        #expect(refusal([first.token(), second.token(other)], of: all)?.code == .quorumNotMet)
        let none = second.token { $0["x-ms-runtime"] = nil }
        #expect(refusal([first.token(), none], of: all)?.code == .quorumNotMet)
    }

    @Test func `what only one service says, and what it judged with, is no disagreement`() throws {
        let more = second.token {
            $0["x-ms-sevsnpvm-chipid"] = "aa"
            $0["x-ms-policy-hash"] = "other"
            $0["x-cloister-tcb-status"] = "OutOfDate"
        }
        #expect(refusal([first.token(), more], of: all) == nil)
    }

    @Test func `with a threshold of one the refusal is the token's own`() throws {
        let expired = first.token { $0["exp"] = .integer(Fixture.now.seconds - 61) }
        #expect(refusal([expired], of: all, threshold: 1)?.code == .tokenTime)
        #expect(refusal([expired, second.token()], of: all, threshold: 1) == nil)
    }

    @Test func `more tokens than anybody needs are refused unread`() throws {
        let many = [String](repeating: first.token(), count: AuthoritySet.maximumTokens + 1)
        #expect(refusal(many, of: all)?.code == .tokenMalformed)
    }

    @Test("AC-023 acceptance asks for the policy's threshold") func acceptance() throws {
        var policy = Fixture.policy()
        policy.issuers = all.map(\.issuer)
        policy.threshold = 2
        let acceptance = Acceptance(
            policy: policy, manifests: [try Fixture.manifest().sign(with: Fixture.releaseKey)])
        func code(_ tokens: [AttestationToken]) -> RefusalCode? {
            AttestationTokenTests.code { () throws(Refusal) in
                try acceptance.accept(tokens, role: "diagnostics", at: Fixture.now)
            }
        }
        let one = try first.verified()
        #expect(code([one]) == .quorumNotMet)
        #expect(code([one, one]) == .quorumNotMet)
        #expect(code([one, try second.verified(Fixture.runtimeData(role: "medical-platform"))]) == .quorumNotMet)
        #expect(code([one, try second.verified()]) == nil)
        // A token of somebody whom this policy does not name neither counts nor harms.
        let stranger = try TestAuthority("https://stranger.example").verified()
        #expect(code([one, stranger]) == .quorumNotMet)
        #expect(code([one, stranger, try third.verified()]) == nil)
    }
}
