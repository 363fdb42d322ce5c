// swift-format-ignore-file: NeverForceUnwrap

import AttestationToken
import Encoding
import Synchronization
import Testing

@testable import KeyService

/// Releases for which several attestation services must vouch, and tokens that one of them revoked.
@Suite struct KeyReleaseQuorumTests {
    let first = Authority()
    let second = Authority(url: "https://second.example", keyID: "key-2")

    /// A key that both services may vouch for, of an owner who wants both.
    private func fixture(threshold: Int64 = 2) async throws -> Fixture {
        let fixture = try Fixture(authority: first, others: [second], threshold: threshold)
        let entries = [first, second].flatMap { $0.policy["anyOf"]!.array! }
        try await fixture.importKey(policy: ["version": "1.0.0", "anyOf": .array(entries)])
        return fixture
    }

    @Test func `tokens of two services that agree open what one does not`() async throws {
        let fixture = try await fixture()
        let answer = await fixture.release(further: [second.token()])
        try #require(answer.status == 200, "\(answer.json)")
        #expect(try answer.material() == Fixture.k)
        let one = await fixture.release()
        #expect(one.status == 403)
        #expect(one.refusal == "quorum-not-met")
        #expect(one.json["value"] == nil)
    }

    @Test("AC-023 one service twice, an expired token, other keys or another program are no quorum")
    func noQuorum() async throws {
        let fixture = try await fixture()
        let others: [String: String] = [
            "one service twice": first.token { $0["jti"] = "again" },
            "expired": second.token { $0["exp"] = .integer(Shared.now.seconds - 61) },
            "another program": second.token { $0["x-ms-sgx-mrenclave"] = .string(String(repeating: "60", count: 32)) },
            "another platform's answer": second.token { $0["x-ms-sgx-svn"] = 4 },
            "nobody's": "a.b.c",
            "another signature": second.token(signedBy: first.signingKey),
        ]
        for (name, token) in others {
            let answer = await fixture.release(further: [token])
            #expect(answer.refusal == "quorum-not-met", "\(name)")
            #expect(answer.status == 403 && answer.json["value"] == nil, "\(name)")
        }
        let entry = try #require(fixture.auditFile.entries.last)
        #expect(entry["code"] == "quorum-not-met")
        #expect(entry["expected"] == "2 of 2 authorities")
    }

    @Test(
        "AC-023 one service under several spellings of its name is one, with whichever of its keys it signs",
        arguments: ["https://own.example", "https://own.example/", "https://OWN.example", "https://own.example:443"])
    func spellings(url: String) async throws {
        let own = Authority(url: "https://own.example", keyID: "own")
        let next = Authority(url: own.url, keyID: "next")
        let issuer = PartyPolicy.Issuer(pins: [own.pin, next.pin], simulated: true, url: own.url)
        let keys = [own, next].flatMap { $0.keySet["keys"]!.array! }
        let spelt = next.token { $0["iss"] = .string(url) }
        for threshold in [Int64(1), 2] {
            let fixture = try Fixture(threshold: threshold, further: [issuer])
            fixture.keys.state.withLock { $0.sets[own.url] = ["keys": .array(keys)] }
            try await fixture.importKey(policy: own.policy)
            let answer = await fixture.release(target: own.token(), further: [spelt])
            #expect(answer.refusal == (threshold == 1 ? nil : "quorum-not-met"))
            let alone = await fixture.release(target: spelt)
            #expect(alone.refusal == (threshold == 1 ? nil : "quorum-not-met"))
        }
    }

    @Test func `each token must satisfy the key's policy by itself`() async throws {
        let fixture = try Fixture(authority: first, others: [second], threshold: 2)
        try await fixture.importKey()
        let answer = await fixture.release(further: [second.token()])
        #expect(answer.refusal == "quorum-not-met", "the key's policy names the first service only")
    }

    @Test func `a key whose policy asks for all of its authorities is released to all of them together`() async throws {
        let fixture = try Fixture(authority: first, others: [second])
        let entries = [first, second].flatMap { $0.policy["anyOf"]!.array! }
        try await fixture.importKey(policy: ["version": "1.0.0", "allOf": .array(entries)])
        #expect(await fixture.release(further: [second.token()]).status == 200)
        #expect(await fixture.release().refusal == "authority-not-allowed")
    }

    @Test("AC-036 an authority that does not answer is no verdict: the unit may ask again") func unavailable()
        async throws
    {
        let fixture = try await fixture()
        fixture.keys.state.withLock { $0.sets[second.url] = nil }
        let answer = await fixture.release(further: [second.token()])
        #expect(answer.status == 503)
        #expect(answer.refusal == "issuer-keys-unavailable")
    }

    @Test func `more tokens than anybody needs are refused unread`() async throws {
        let fixture = try await fixture()
        let answer = await fixture.release(further: [String](repeating: second.token(), count: 8))
        #expect(answer.status == 400)
        #expect(fixture.keys.asked.isEmpty)
    }

    // MARK: Revocation

    @Test("AC-030 a token that its service revoked opens nothing, nor does one of a service whose list is not at hand")
    func revoked() async throws {
        let fixture = try await fixture(threshold: 1)
        let token = first.token {
            $0["jti"] = "7f"
            $0[RevocationList.claim] = true
        }
        let unknown = await fixture.release(target: token)
        #expect(unknown.status == 503)
        #expect(unknown.refusal == "revocations-unavailable")
        func list(_ tokens: Set<String>) {
            fixture.keys.state.withLock {
                $0.lists[first.url] = RevocationList(
                    issuer: first.url, issuedAt: Shared.now, sequence: 1, tokens: tokens)
            }
        }
        list(["80"])
        #expect(await fixture.release(target: token).status == 200)
        list(["7f"])
        let refused = await fixture.release(target: token)
        #expect(refused.status == 403)
        #expect(refused.refusal == "token-revoked")
    }
}
