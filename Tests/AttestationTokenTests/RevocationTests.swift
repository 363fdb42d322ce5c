import AttestationToken
import Crypto
import Encoding
import Evidence
import Synchronization
import Testing

/// Lists of revoked tokens: the document, what it does to tokens, and how a relying party keeps one.
struct RevocationTests {
    let authority = TestAuthority("https://first.example")
    static let now = Fixture.now

    private func list(
        _ tokens: Set<String> = ["00"], sequence: Int64 = 7, at time: Timestamp = now, before: Timestamp? = nil,
        issuer: String? = nil
    ) -> RevocationList {
        RevocationList(
            issuer: issuer ?? authority.url, issuedAt: time, sequence: sequence, tokens: tokens, before: before)
    }

    private func signed(_ list: RevocationList, key: P256.Signing.PrivateKey? = nil) throws -> String {
        try list.sign(with: .es256(key ?? authority.signingKey), keyID: "key")
    }

    private func read(_ compact: String, at time: Timestamp = now) throws(Refusal) -> RevocationList {
        try RevocationList(compact: compact, issuer: authority.issuer, keySet: authority.keySet, at: time)
    }

    private func verify(
        _ lists: [RevocationList]?, jti: JSON? = "00", isRevocable: Bool = true, at time: Timestamp = now
    ) -> RefusalCode? {
        let token = authority.token {
            $0["jti"] = jti
            $0[RevocationList.claim] = isRevocable ? true : nil
        }
        return code { () throws(Refusal) in
            try IssuedToken.verify(
                token, issuers: [authority.issuer], keySets: [authority.url: authority.keySet],
                revocations: lists.map { Dictionary(uniqueKeysWithValues: $0.map { ($0.issuer, $0) }) }, at: time)
        }
    }

    // MARK: The document

    @Test func `a list is read back as it was signed`() throws {
        for list in [list(), list([], before: Self.now - 5)] { #expect(try read(signed(list)) == list) }
    }

    @Test("AC-035 a list by another key, another issuer's, or one of another type, is refused") func foreign() throws {
        let forged = try signed(list(), key: Fixture.stranger)
        #expect(code { () throws(Refusal) in try read(forged) } == .tokenSignature)
        let others = try signed(list(issuer: "https://second.example"))
        #expect(code { () throws(Refusal) in try read(others) } == .tokenIssuer)
        #expect(code { () throws(Refusal) in try read(authority.token()) } == .tokenMalformed)
        let unknown = try list().sign(with: .es256(authority.signingKey), keyID: "other")
        #expect(code { () throws(Refusal) in try read(unknown) } == .tokenKeyUnknown)
        let unpinned = PartyPolicy.Issuer(
            pins: [Encoding.Digest(of: "other")], simulated: true, url: authority.url)
        let compact = try signed(list())
        #expect(
            code { () throws(Refusal) in
                try RevocationList(compact: compact, issuer: unpinned, keySet: authority.keySet, at: Self.now)
            } == .issuerKeysUntrusted)
    }

    @Test func `a list that ended, or is of the future, is refused`() throws {
        let compact = try signed(list())
        #expect(try read(compact, at: Self.now + 119).sequence == 7)
        #expect(code { () throws(Refusal) in try read(compact, at: Self.now + 120) } == .revocationsUnavailable)
        #expect(code { () throws(Refusal) in try read(compact, at: Self.now - 61) } == .revocationsUnavailable)
    }

    @Test func `members of another form are refused`() throws {
        let good = try JWS(compact: signed(list()), maximumBytes: 4_096)
        let members = try #require(try JSON.parse(good.payload).object)
        let cases: [(String, JSON?)] = [
            ("format", "cloister-revocations/2"), ("tokens", [1]), ("tokens", nil), ("sequence", -1), ("extra", 1),
            ("exp", .integer(Self.now.seconds + 61)), ("before", "x"),
        ]
        for (name, value) in cases {
            var members = members
            members[name] = value
            let compact = try SigningKey.es256(authority.signingKey)
                .sign(
                    header: ["kid": "key", "typ": "cloister-revocations+jwt"], payload: JSON.object(members).canonical)
            #expect(code { () throws(Refusal) in try read(compact) } == .tokenMalformed, "\(name)")
        }
    }

    // MARK: Tokens

    @Test("AC-030 a token on its issuer's list is refused") func revoked() throws {
        #expect(verify([list()]) == .tokenRevoked)
        #expect(verify([list(["01"])]) == nil)
        #expect(verify([list([], before: Self.now)]) == .tokenRevoked)
        #expect(verify([list([], before: Self.now - 1)]) == nil)
    }

    @Test("AC-030 without a current list no token is accepted that says that there is one") func failsClosed() throws {
        #expect(verify([]) == .revocationsUnavailable)
        #expect(verify([list(["01"], at: Self.now - 121)]) == .revocationsUnavailable)
        #expect(verify([list(issuer: "https://second.example")]) == .revocationsUnavailable)
        #expect(verify([list()], jti: nil) == .tokenMalformed)
        // Services of others publish none, and say so by not saying it.
        #expect(verify([], isRevocable: false) == nil)
        // As of a moment in the past, later revocations say nothing.
        #expect(verify(nil) == nil)
    }

    // MARK: A relying party's copy

    /// A service that answers what it is told to, and counts.
    private final class Endpoint: Sendable {
        let state = Mutex<(answer: String?, asked: [String])>((nil, []))
        func answer(_ compact: String?) { state.withLock { $0.answer = compact } }
        var asked: [String] { state.withLock { $0.asked } }

        func get(_ url: String) throws(Refusal) -> [UInt8] {
            let answer = state.withLock { state in
                state.asked.append(url)
                return state.answer
            }
            guard let answer else { throw Refusal(.notReady, "no answer") }
            return Array(answer.utf8)
        }
    }

    @Test("AC-030 a list is asked for again after seconds, and used no longer than it lives") func cache() async throws
    {
        let endpoint = Endpoint()
        let cache = RevocationCache { url, _ throws(Refusal) in try endpoint.get(url) }
        func sequence(at offset: Int64) async -> Result<Int64, Refusal> {
            do throws(Refusal) {
                let list = try await cache.list(
                    of: authority.issuer, keySet: authority.keySet, at: Self.now + offset)
                return .success(list.sequence)
            } catch { return .failure(error) }
        }
        #expect(await sequence(at: 0).failure == .revocationsUnavailable)
        endpoint.answer(try signed(list()))
        #expect(try await sequence(at: 0).get() == 7)
        #expect(try await sequence(at: 4).get() == 7)
        #expect(endpoint.asked == [authority.url + "/revocations", authority.url + "/revocations"])
        endpoint.answer(try signed(list(sequence: 8, at: Self.now + 5)))
        #expect(try await sequence(at: 5).get() == 8)
        // An older list, even if it is still current, takes nothing back.
        endpoint.answer(try signed(list(sequence: 7, at: Self.now + 6)))
        #expect(try await sequence(at: 12).get() == 8)
        endpoint.answer(nil)
        #expect(try await sequence(at: 100).get() == 8)
        #expect(await sequence(at: 125).failure == .revocationsUnavailable)
        endpoint.answer(try signed(list(sequence: 7, at: Self.now + 126)))
        #expect(await sequence(at: 126).failure == .revocationsUnavailable)
        endpoint.answer(try signed(list(sequence: 8, at: Self.now + 126)))
        #expect(try await sequence(at: 127).get() == 8)
    }

    @Test func `callers that need a list at once make one request for it`() async throws {
        let endpoint = Endpoint()
        endpoint.answer(try signed(list()))
        let cache = RevocationCache { url, _ throws(Refusal) in
            // Others come while the first one waits.
            for _ in 0..<100 { await Task.yield() }
            return try endpoint.get(url)
        }
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<16 {
                group.addTask { [authority] in
                    try await cache.list(of: authority.issuer, keySet: authority.keySet, at: Self.now).sequence
                }
            }
            for try await sequence in group { #expect(sequence == 7) }
        }
        #expect(endpoint.asked.count == 1)
    }

    @Test func `a key that is not in the set at hand is told apart, so that the set is fetched again`() async throws {
        let endpoint = Endpoint()
        endpoint.answer(try list().sign(with: .es256(authority.signingKey), keyID: "rotated"))
        let cache = RevocationCache { url, _ throws(Refusal) in try endpoint.get(url) }
        do throws(Refusal) {
            _ = try await cache.list(of: authority.issuer, keySet: authority.keySet, at: Self.now)
            Issue.record("an unknown key was accepted")
        } catch { #expect(error.code == .tokenKeyUnknown) }
    }
}

extension Result where Failure == Refusal {
    fileprivate var failure: RefusalCode? {
        if case .failure(let refusal) = self { refusal.code } else { nil }
    }
}
