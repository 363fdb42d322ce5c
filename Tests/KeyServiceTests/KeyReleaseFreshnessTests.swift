// swift-format-ignore-file: NeverUseForceTry, NeverForceUnwrap

import AttestationToken
import Crypto
import Encoding
import Foundation
import HTTPTypes
import Synchronization
import Testing

@testable import KeyService

/// Nonces that release once, and attestation authorities that the configuration adds.
@Suite struct KeyReleaseFreshnessTests {
    /// A token whose runtime data carries a nonce, in a form that is not Cloister's own.
    private func token(_ authority: Authority, nonce: String?) -> String {
        authority.token {
            var runtime = $0["x-ms-runtime"]!.object!
            runtime["format"] = nil
            runtime["nonce"] = nonce.map { .string($0) }
            $0["x-ms-runtime"] = .object(runtime)
        }
    }

    @Test("AC-030 a key that asks for nonces is released once for each, and only to the token that carries it")
    func singleUse() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        try await fixture.importKey("other")
        for name in ["records", "other"] {
            let tagged = await fixture.send(.patch, "/keys/\(name)", ["tags": ["cloister-single-use-nonce": "true"]])
            #expect(tagged.status == 200)
        }
        let target = token(fixture.authority, nonce: "n-1")
        for nonce in [nil, "n-2"] {
            let refused = await fixture.release(target: target, nonce: nonce)
            #expect(refused.status == 403 && refused.refusal == "claim-mismatch:x-ms-runtime.nonce")
            #expect(fixture.auditFile.entries.last?["seen"] == "n-1")
        }
        let none = await fixture.release(target: token(fixture.authority, nonce: nil), nonce: "n-1")
        #expect(none.refusal == "claim-mismatch:x-ms-runtime.nonce")
        #expect(try await fixture.release(target: target, nonce: "n-1").material() == Fixture.k)
        let replayed = await fixture.release(target: target, nonce: "n-1")
        #expect(replayed.status == 403 && replayed.refusal == "record-replay" && replayed.json["value"] == nil)
        #expect(await fixture.release("other", target: target, nonce: "n-1").status == 200, "another key")
        fixture.clock.advance(60)
        await fixture.vault.keepUp()
        #expect(await fixture.release(target: target, nonce: "n-1").refusal == "record-replay", "not yet forgotten")
        #expect(await fixture.release(target: token(fixture.authority, nonce: "n-3"), nonce: "n-3").status == 200)
    }

    @Test func `many releases with one nonce at the same moment are one release`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        _ = await fixture.send(.patch, "/keys/records", ["tags": ["cloister-single-use-nonce": "true"]])
        let target = token(fixture.authority, nonce: "n")
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 { group.addTask { await fixture.release(target: target, nonce: "n").status } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 200 }.count == 1)
        #expect(statuses.filter { $0 == 403 }.count == 7)
    }

    // MARK: Changes while a release is decided

    @Test(
        "AC-065 AC-071 a release under way obeys a change that was acknowledged before it was decided",
        arguments: [
            ("claim-mismatch:x-ms-sgx-mrenclave", "policy"), ("key-state", "disable"), ("not-found", "delete"),
            ("authority-not-allowed", "authority"), ("key-state", "expire"),
        ])
    func races(_ refusal: String, _ change: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        var policy = fixture.authority.policy
        switch change {
        case "policy":
            policy = try JSON.parse(
                policy.text.replacing(String(repeating: "5f", count: 32), with: String(repeating: "60", count: 32)))
        case "authority":
            policy = try JSON.parse(policy.text.replacing("attestation.cloister.example", with: "other.example"))
        default: break
        }
        let body: JSON =
            switch change {
            case "disable": ["attributes": ["enabled": false]]
            case "expire": ["attributes": ["exp": .integer(Shared.now.seconds - 1)]]
            default: ["release_policy": ["data": .string(Base64.encodeURL(policy.canonical))]]
            }
        fixture.keys.state.withLock {
            $0.meanwhile = {
                let answer = await fixture.send(change == "delete" ? .delete : .patch, "/keys/records", body)
                #expect(answer.status == 200)
            }
        }
        let answer = await fixture.release()
        #expect(answer.refusal == refusal && answer.json["value"] == nil, "\(answer.json)")
        #expect(fixture.auditFile.entries.last?["event"] == "key.release")
        #expect(fixture.auditFile.entries.last?["outcome"] == "refused")
    }

    @Test func `releases and changes of the policy at the same time agree with the order of the audit log`()
        async throws
    {
        let fixture = try Fixture()
        let open = JSON.string(Base64.encodeURL(fixture.authority.policy.canonical))
        let text = fixture.authority.policy.text
        let closed = JSON.string(
            Base64.encodeURL(try JSON.parse(text.replacing("medical-platform", with: "nobody")).canonical))
        try await fixture.importKey()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<30 {
                group.addTask {
                    let data = index.isMultiple(of: 2) ? closed : open
                    _ = await fixture.send(.patch, "/keys/records", ["release_policy": ["data": data]])
                }
                group.addTask {
                    let answer = await fixture.release()
                    #expect(answer.status == 200 || answer.refusal == "claim-mismatch:x-ms-runtime.role")
                }
            }
        }
        // Each release names the policy that decided it, and only the open one lets anybody through.
        let opened = try KeyReleasePolicy(json: fixture.authority.policy).digest.description
        for entry in fixture.auditFile.entries where entry["event"] == "key.release" {
            #expect((entry["outcome"] == "allowed") == (entry["policy"]?.string == opened))
        }
    }

    // MARK: Authorities of the configuration

    static let url = "https://own.example:9000"

    /// Answers as a test authority that publishes a bare key.
    private func authorityKeys(_ jwks: JSON, revoked: String = "", clock: TestClock) -> AuthorityKeyCache {
        AuthorityKeyCache(
            clock: clock.clock,
            trusted: [
                Self.url: { url, _ throws(Refusal) in
                    if url == Self.url + RevocationList.path { return Array(revoked.utf8) }
                    return url == Self.url + "/.well-known/openid-configuration"
                        ? (["issuer": .string(Self.url + "/"), "jwks_uri": .string(Self.url + "/certs")] as JSON)
                            .canonical
                        : jwks.canonical
                }
            ]
        ) { _, _ throws(Refusal) in throw Refusal(.issuerKeysUnavailable, "this connection proves nothing") }
    }

    @Test func `keys that come over an authority's own connection count without a chain, and nobody else's do`()
        async throws
    {
        let key = P256.Signing.PrivateKey()
        let jwk = JSON.object(JWK(key.publicKey).json.object!.merging(["kid": "bare"]) { $1 })
        let cache = authorityKeys(["keys": [jwk, ["kid": "odd", "kty": "oct"]]], clock: TestClock())
        let issuer = PartyPolicy.Issuer(pins: [], simulated: true, url: Self.url)
        let set = try await cache.keySet(of: issuer, fresh: false)
        #expect(set.contains(kid: "bare") && !set.contains(kid: "odd"))
        #expect(try set.key(kid: "bare", pins: [], at: Shared.now).algorithm == "ES256")
        let other = PartyPolicy.Issuer(pins: [], simulated: true, url: "https://other.example")
        await #expect(throws: Refusal.self) { try await cache.keySet(of: other, fresh: false) }
        // The same list over another connection is worth nothing.
        #expect(throws: Refusal.self) {
            try IssuerKeySet(json: ["keys": [jwk]]).key(kid: "bare", pins: [], at: Shared.now)
        }
    }

    @Test("AC-030 the list of an added authority comes over that authority's own connection, as its keys do")
    func addedList() async throws {
        let key = P256.Signing.PrivateKey()
        let jwk = JSON.object(JWK(key.publicKey).json.object!.merging(["kid": "bare"]) { $1 })
        let list = try RevocationList(issuer: Self.url, issuedAt: Shared.now, sequence: 1, tokens: ["7f"])
            .sign(with: .es256(key), keyID: "bare")
        let cache = authorityKeys(["keys": [jwk]], revoked: list, clock: TestClock())
        let issuer = PartyPolicy.Issuer(pins: [], simulated: true, url: Self.url)
        let set = try await cache.keySet(of: issuer, fresh: false)
        #expect(try await cache.revocations(of: issuer, keySet: set, at: Shared.now).tokens == ["7f"])
        let other = PartyPolicy.Issuer(pins: [], simulated: true, url: "https://other.example")
        let refusal = await #expect(throws: Refusal.self) {
            try await cache.revocations(of: other, keySet: set, at: Shared.now)
        }
        #expect(refusal?.code == .revocationsUnavailable)
    }

    @Test("AC-064 an added authority releases what names it, with or without a slash; others still do not")
    func added() async throws {
        let own = Authority(url: Self.url, keyID: "own")
        let fixture = try Fixture(further: [own.policyEntry()])
        fixture.keys.state.withLock { $0.sets[own.url] = own.keySet }
        try await fixture.importKey(policy: own.policy)
        #expect(try await fixture.release(target: own.token()).material() == Fixture.k)
        let slash = own.token { $0["iss"] = .string(own.url + "/") }
        #expect(await fixture.release(target: slash).status == 200)
        let stranger = Authority(url: "https://stranger.example")
        let refused = await fixture.release(target: stranger.token())
        #expect(refused.refusal == "authority-not-allowed")
        #expect(await fixture.release(target: fixture.authority.token()).refusal == "authority-not-allowed")
    }
}
