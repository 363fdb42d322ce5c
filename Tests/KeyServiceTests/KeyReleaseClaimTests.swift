import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Foundation
import HTTPTypes
import Testing

@testable import KeyService

/// Good tokens whose claims, or whose wrapping keys, do not do.
@Suite struct KeyReleaseClaimTests {
    // MARK: Claims

    @Test(
        "AC-065 AC-131 any single claim that differs from the policy is named, and its values go to the audit log only",
        arguments: [
            ("x-ms-sgx-mrenclave", .string(String(repeating: "6f", count: 32))),
            ("x-ms-sgx-mrenclave", .string(String(repeating: "5F", count: 32))),
            ("x-ms-sgx-is-debuggable", true), ("x-ms-sgx-is-debuggable", "False"), ("x-ms-sgx-config-id", "00"),
            ("x-cloister-grade", "hardware"),
        ] as [(String, JSON)])
    func claims(_ claim: String, _ value: JSON) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let answer = await fixture.release(
            target: fixture.authority.token {
                $0[claim] = value
                // Of Cloister's own form, it would be refused for its shape before the policy is looked at.
                $0["x-ms-runtime"] = ["keys": $0["x-ms-runtime"]?["keys"] ?? [], "role": "medical-platform"]
            })
        expectRefused(answer, "claim-mismatch:\(claim)", refusedPolicy)
        let entry = try #require(fixture.auditFile.entries.last)
        #expect(entry["event"] == "key.release")
        #expect(entry["outcome"] == "refused")
        #expect(entry["code"]?.string == "claim-mismatch:\(claim)")
        #expect(entry["expected"]?.string?.hasPrefix("equals ") == true)
        #expect(entry["seen"]?.string == ClaimComparison.text(value))
        #expect(entry["token"] != nil && entry["policy"] != nil)
    }

    @Test(
        "AC-066 a claim that is missing or of another kind does not satisfy the policy",
        arguments: [nil, ["5f"], ["x": "y"], .null] as [JSON?])
    func missingClaims(_ value: JSON?) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let answer = await fixture.release(target: fixture.authority.token { $0["x-ms-sgx-mrenclave"] = value })
        expectRefused(answer, "claim-mismatch:x-ms-sgx-mrenclave", refusedPolicy)
    }

    @Test("AC-065 a nested claim counts")
    func nestedClaim() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let other = try RuntimeData(
            wrappingKey: JWK(Shared.wrappingKey.publicKey), hopKey: Shared.hopKey.publicKey, ohttp: [0, 1, 9],
            role: "diagnostics", party: Shared.unitParty)
        let target = fixture.authority.token {
            $0["x-ms-runtime"] = try! JSON.parse(other.bytes)
            $0["x-ms-sgx-report-data"] = .string(Hex.encode(other.reportData))
        }
        expectRefused(await fixture.release(target: target), "claim-mismatch:x-ms-runtime.role", refusedPolicy)
    }

    // MARK: The wrapping key

    @Test("AC-069 keys in the token that are not those of the evidence are refused")
    func foreignWrappingKey() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let thief = try RuntimeData(
            wrappingKey: JWK(_RSA.Encryption.PrivateKey(keySize: .bits3072).publicKey), hopKey: Shared.hopKey.publicKey,
            ohttp: [0, 1, 9], role: "medical-platform", party: Shared.unitParty)
        let target = fixture.authority.token { $0["x-ms-runtime"] = try! JSON.parse(thief.bytes) }
        expectRefused(await fixture.release(target: target), "binding-mismatch", refusedStatement)
        // The caller has no other way to name a key.
        let answer = await fixture.send(
            .post, "/keys/records/release",
            [
                "target": .string(fixture.authority.token()), "enc": "RSA_AES_KEY_WRAP_256", "nonce": "n",
                "key": try JWK(Shared.smallWrappingKey.publicKey).json, "wrappingKey": "x",
            ])
        #expect(try answer.material() == Fixture.k)
    }

    /// A token with runtime data of another form, as other people's units have it.
    private func foreign(_ authority: Authority, _ keys: JSON) -> String {
        authority.token { $0["x-ms-runtime"] = ["keys": keys, "role": "medical-platform"] }
    }

    @Test func `the first RSA key for encryption is taken, in the spellings of other clients`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let key = try JWK(Shared.smallWrappingKey.publicKey, use: nil).json.object!
        let other = try JWK(Shared.wrappingKey.publicKey, use: nil).json.object!
        let hop = JWK(Shared.hopKey.publicKey, use: "enc").json
        func with(_ key: [String: JSON], _ members: [String: JSON]) -> JSON { .object(key.merging(members) { $1 }) }
        for keys in [
            [hop, with(other, ["use": "sig"]), with(key, ["use": "enc", "kid": "k"])] as JSON,
            [with(key, ["key_ops": ["encrypt"], "kid": "k"]), with(other, ["use": "enc"])],
            [with(key, ["key_ops": "encrypt", "kid": "k", "x5t": "extra"])],
        ] {
            let answer = await fixture.release(target: foreign(fixture.authority, keys))
            try #require(answer.status == 200, "\(answer.json) \(answer.refusal ?? "")")
            #expect(try answer.material(with: Shared.smallWrappingKey) == Fixture.k)
            #expect(try answer.keyHSM()["header"]?["kid"] == "k")
        }
    }

    @Test("AC-069 without a usable RSA key for encryption nothing is released")
    func noWrappingKey() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let small = try JWK(.rsa(modulus: [UInt8](repeating: 0xff, count: 128), exponent: [1, 0, 1]), use: "enc").json
        let huge = try JWK(.rsa(modulus: [UInt8](repeating: 0xff, count: 1_000), exponent: [1, 0, 1]), use: "enc").json
        let good = try JWK(Shared.wrappingKey.publicKey, use: nil).json
        for keys in [
            [] as JSON, .null, "x", [JWK(Shared.hopKey.publicKey, use: "enc").json], [good], [small], [huge],
            [["kty": "RSA", "use": "enc"]],
        ] {
            expectRefused(
                await fixture.release(target: foreign(fixture.authority, keys)), "claim-mismatch:x-ms-runtime.keys",
                refusedPolicy)
        }
        expectRefused(
            await fixture.release(target: fixture.authority.token { $0["x-ms-runtime"] = nil }),
            "claim-mismatch:x-ms-runtime.role", refusedPolicy)
    }
}
