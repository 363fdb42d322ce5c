import AttestationToken
import Crypto
import Encoding
import Foundation
import HTTPTypes
import Synchronization
import Testing

@testable import KeyService

/// Attestation tokens that prove nothing, and authorities that nobody named.
@Suite struct KeyReleaseTokenTests {
    @Test("AC-026 AC-063 algorithms that are none of ours are refused")
    func algorithms() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let payload = Base64.encodeURL(JSON.object(fixture.authority.claims).canonical)
        for algorithm in ["none", "HS256", "RS384", "ES512", "EdDSA", "es256"] {
            let header = Base64.encodeURL(
                (["alg": .string(algorithm), "kid": .string(fixture.authority.keyID)] as JSON).canonical)
            let signature = algorithm == "none" ? "" : Base64.encodeURL([UInt8](repeating: 1, count: 64))
            expectRefused(
                await fixture.release(target: "\(header).\(payload).\(signature)"), "token-algorithm", refusedStatement)
        }
        // HMAC with the public key, named as the algorithm of that key.
        let header = Base64.encodeURL((["alg": "ES256", "kid": .string(fixture.authority.keyID)] as JSON).canonical)
        let mac = HMAC<SHA256>.authenticationCode(
            for: Data("\(header).\(payload)".utf8),
            using: SymmetricKey(data: fixture.authority.signingKey.publicKey.derRepresentation))
        expectRefused(
            await fixture.release(target: "\(header).\(payload).\(Base64.encodeURL(Array(mac)))"), "token-signature",
            refusedStatement)
        #expect(fixture.keys.asked.count == 1)
    }

    @Test("AC-027 AC-063 tokens of another key, of no key, and with a key of their own are refused")
    func foreignKeys() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let thief = P256.Signing.PrivateKey()
        expectRefused(
            await fixture.release(target: fixture.authority.token(signedBy: thief)), "token-signature", refusedStatement
        )
        expectRefused(
            await fixture.release(target: fixture.authority.token(header: ["kid": "other"], signedBy: thief)),
            "token-key-unknown", refusedStatement)
        expectRefused(
            await fixture.release(target: fixture.authority.token(header: ["kid": .null])), "token-key-unknown",
            refusedStatement)
        expectRefused(
            await fixture.release(
                target: fixture.authority.token(header: ["jwk": JWK(thief.publicKey).json], signedBy: thief)),
            "token-key-unknown", refusedStatement)
        var good = fixture.authority.token()
        good.removeLast(4)
        expectRefused(await fixture.release(target: good + "AAAA"), "token-signature", refusedStatement)
    }

    @Test("AC-027 where a token says that its keys lie is never looked at")
    func jku() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let answer = await fixture.release(
            target: fixture.authority.token(header: ["jku": "https://thief.example/certs"]))
        #expect(answer.status == 200)
        #expect(fixture.keys.asked.map(\.url) == [fixture.authority.url])
    }

    @Test(
        "AC-029 AC-063 expired, early and old tokens are refused",
        arguments: [
            ("exp", -61), ("exp", -10_000), ("nbf", 61), ("iat", 61), ("iat", -3_601), ("x-cloister-valid-until", -61),
        ])
    func times(_ claim: String, _ offset: Int64) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let target = fixture.authority.token { $0[claim] = .integer(Shared.now.seconds + offset) }
        expectRefused(await fixture.release(target: target), "token-time", refusedStatement)
        // Two seconds nearer lies within the leeway.
        guard offset != -10_000 else { return }
        let near = fixture.authority.token { $0[claim] = .integer(Shared.now.seconds + offset + (offset < 0 ? 2 : -2)) }
        #expect(await fixture.release(target: near).status == 200)
    }

    @Test("AC-029 tokens without times are refused", arguments: ["exp", "nbf", "iat"])
    func missingTimes(_ claim: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        expectRefused(
            await fixture.release(target: fixture.authority.token { $0[claim] = nil }), "token-time", refusedStatement)
    }

    @Test("AC-033 claims with repeated names are refused")
    func repeatedNames() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let claims = JSON.object(fixture.authority.claims).text.dropLast() + #","iss":"https://other.example"}"#
        let target = try SigningKey.es256(fixture.authority.signingKey).sign(
            header: ["kid": .string(fixture.authority.keyID)], payload: Array(claims.utf8))
        expectRefused(await fixture.release(target: target), "token-malformed", refusedStatement)
    }

    @Test("AC-039 a simulated token is refused where the owner wants hardware")
    func grade() async throws {
        let fixture = try Fixture(simulated: false)
        try await fixture.importKey()
        expectRefused(await fixture.release(), "grade-insufficient", refusedStatement)
    }

    @Test("AC-064 an issuer that the key's policy does not name is refused, and never contacted")
    func foreignAuthority() async throws {
        let other = Authority(url: "https://other.example")
        let fixture = try Fixture(others: [other])
        try await fixture.importKey()
        expectRefused(await fixture.release(target: other.token()), "authority-not-allowed", refusedPolicy)
        let stranger = Authority(url: "https://stranger.example")
        expectRefused(await fixture.release(target: stranger.token()), "authority-not-allowed", refusedPolicy)
        #expect(fixture.keys.asked.isEmpty)
    }

    @Test("AC-064 an issuer that only the key's policy names, but its owner does not pin, is refused")
    func unpinnedAuthority() async throws {
        let fixture = try Fixture()
        let stranger = Authority(url: "https://stranger.example")
        try await fixture.importKey(policy: stranger.policy)
        expectRefused(await fixture.release(target: stranger.token()), "authority-not-allowed", refusedPolicy)
        #expect(fixture.keys.asked.isEmpty)
    }

    @Test func `an authority in a policy may be spelt with a slash and in capitals`() async throws {
        let fixture = try Fixture()
        var policy = fixture.authority.policy.object!
        var entry = policy["anyOf"]!.array![0].object!
        entry["authority"] = "https://ATTESTATION.cloister.example:8443/"
        policy["anyOf"] = [.object(entry)]
        try await fixture.importKey(policy: .object(policy))
        #expect(await fixture.release().status == 200)
    }

    @Test("AC-035 a key set that somebody replaced on the way is not trusted")
    func replacedKeys() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let thief = Authority(url: fixture.authority.url)
        fixture.keys.state.withLock { $0.sets = [thief.url: thief.keySet] }
        expectRefused(await fixture.release(target: thief.token()), "issuer-keys-untrusted", refusedStatement)
    }

    @Test("AC-036 without the issuer's keys nothing is released")
    func unavailableKeys() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        fixture.keys.state.withLock { $0.failure = Refusal(.issuerKeysUnavailable, "down") }
        let answer = await fixture.release()
        #expect(answer.status == 503)
        #expect(answer.refusal == "issuer-keys-unavailable")
        #expect(answer.json["value"] == nil)
    }

    @Test func `a key that is not known yet makes the service fetch once more`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let next = fixture.authority.keySet
        fixture.keys.state.withLock { state in
            state.sets[fixture.authority.url] = ["keys": []]
            state.fresh[fixture.authority.url] = next
        }
        #expect(await fixture.release().status == 200)
        #expect(fixture.keys.asked.map(\.isFresh) == [false, true])
    }
}
