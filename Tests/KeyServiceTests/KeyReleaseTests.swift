import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import Synchronization
import Testing

@testable import KeyService

@Suite struct KeyReleaseTests {
    private let refusedStatement = "Target environment attestation statement cannot be verified."
    private let refusedPolicy = "Target environment attestation does not meet key release policy requirements."

    /// Checks that nothing was released, in the form that the API gives to a bad token.
    private func expectRefused(
        _ answer: Answer, _ refusal: String, _ message: String, location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == 403, sourceLocation: location)
        #expect(answer.code == "Forbidden", sourceLocation: location)
        #expect(answer.json["error"]?["innererror"]?["code"] == "AccessDenied", sourceLocation: location)
        #expect(answer.message == message, sourceLocation: location)
        #expect(answer.refusal == refusal, sourceLocation: location)
        #expect(answer.json["value"] == nil, sourceLocation: location)
    }

    // MARK: What is released

    @Test(
        "the released key opens with the wrapping key of the token, for each enc",
        arguments: ["RSA_AES_KEY_WRAP_256", "CKM_RSA_AES_KEY_WRAP", nil])
    func releases(_ enc: String?) async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        let answer = await fixture.release(enc: enc)
        try #require(answer.status == 200, "\(answer.json)")
        let isSHA256 = enc == "RSA_AES_KEY_WRAP_256"
        #expect(try answer.material(padding: isSHA256 ? .PKCS1_OAEP_SHA256 : .PKCS1_OAEP) == Fixture.k)
        let payload = try answer.released().payload
        #expect(payload["request"]?["enc"]?.string == enc ?? "CKM_RSA_AES_KEY_WRAP")
        #expect(payload["request"]?["nonce"] == "fresh")
        #expect(payload["request"]?["kid"]?.string == "\(Fixture.base)/keys/records")
        #expect(payload["request"]?["api-version"] == "7.4")
        let bundle = try #require(payload["response"]?["key"])
        #expect(bundle["key"]?["kid"]?.string == made.kid)
        #expect(bundle["key"]?["kty"] == "oct-HSM")
        #expect(bundle["attributes"]?["exportable"] == true)
        #expect(bundle["release_policy"] == made.json["release_policy"])
        let keyHSM = try answer.keyHSM()
        #expect(keyHSM["schema_version"] == "1.0")
        #expect(keyHSM["header"]?["alg"] == "dir")
        #expect(keyHSM["header"]?["kid"]?.string == Shared.runtimeData.wrappingKey.keyID)
        #expect(keyHSM["header"]?["enc"]?.string == enc ?? "CKM_RSA_AES_KEY_WRAP")
        let ciphertext = try answer.ciphertext()
        #expect(ciphertext.count == 384 + 40)
    }

    @Test func `every answer is wrapped anew`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let first = try await fixture.release().ciphertext()
        let second = try await fixture.release().ciphertext()
        #expect(first != second)
        #expect(first.suffix(40) != second.suffix(40))
    }

    @Test func `RSA and EC keys are released as PKCS 8`() async throws {
        let fixture = try Fixture()
        for (number, vector) in ECVector.all.enumerated() {
            let made = await fixture.send(.put, "/keys/ec\(number)", fixture.exportable(["key": vector.jwk]))
            try #require(made.status == 200, "\(made.json)")
            let answer = await fixture.release("ec\(number)")
            try #require(answer.status == 200, "\(answer.json)")
            let material = try answer.material()
            switch number {
            case 0:
                #expect(
                    try P256.Signing.PrivateKey(derRepresentation: material).derRepresentation == Data(vector.pkcs8))
            case 1:
                #expect(
                    try P384.Signing.PrivateKey(derRepresentation: material).derRepresentation == Data(vector.pkcs8))
            default:
                #expect(
                    try P521.Signing.PrivateKey(derRepresentation: material).derRepresentation == Data(vector.pkcs8))
            }
        }
        let made = await fixture.send(.post, "/keys/rsa/create", fixture.exportable(["kty": "RSA-HSM"]))
        try #require(made.status == 200)
        let answer = await fixture.release("rsa")
        let key = try _RSA.Signing.PrivateKey(derRepresentation: try answer.material())
        let modulus = Array(try key.publicKey.getKeyPrimitives().modulus.drop { $0 == 0 })
        #expect(made.json["key"]?["n"]?.string == Base64.encodeURL(modulus))
    }

    @Test func `the version in the path is the one that is released, without it the latest`() async throws {
        let fixture = try Fixture()
        let first = try await fixture.importKey(k: [UInt8](repeating: 1, count: 32))
        let second = try await fixture.importKey(k: [UInt8](repeating: 2, count: 32))
        #expect(try await fixture.release().material() == [UInt8](repeating: 2, count: 32))
        let old = await fixture.release(path: "/keys/records/\(first.version)/release")
        #expect(try old.material() == [UInt8](repeating: 1, count: 32))
        #expect(try old.released().payload["response"]?["key"]?["key"]?["kid"]?.string == first.kid)
        #expect(try await fixture.release(path: "/keys/records/\(second.version)/release").material().first == 2)
        let unknown = String(repeating: "0", count: 32)
        #expect(await fixture.release(path: "/keys/records/\(unknown)/release").status == 404)
    }

    @Test func `the answer is signed by a leaf that names the host, under an intermediate, under the pinned root`()
        async throws
    {
        let fixture = try Fixture()
        try await fixture.importKey()
        let jws = try await fixture.release().released().jws
        #expect(jws.algorithm == "RS256")
        let chain = try (jws.header["x5c"]?.strings ?? []).map {
            try Certificate(der: try #require(Base64.decode($0, .lenient)))
        }
        try #require(chain.count == 3)
        #expect(chain[0].isSigned(by: chain[1]) && chain[1].isSigned(by: chain[2]) && chain[2].isSigned(by: chain[2]))
        #expect(chain[0].issuerName == chain[1].subjectName && chain[1].issuerName == chain[2].subjectName)
        #expect(!chain[0].isCertificateAuthority && chain[1].isCertificateAuthority && chain[2].isCertificateAuthority)
        #expect(chain[2].pin == Shared.signer.pin)
        #expect(chain[0].subjectCommonName == Shared.host)
        let names = try #require(chain[0].extensionValue("2.5.29.17"))
        #expect(String(decoding: names, as: UTF8.self).contains(Shared.host))
        try VerificationKey(chain[0].publicKey).verify(jws)
        #expect(jws.header["x5t#S256"]?.string == Encoding.Digest(of: chain[0].der).description)
        #expect(jws.header["kid"]?.string == Hex.encode(Insecure.SHA1.hash(data: chain[0].der)))
    }

    // MARK: Requests

    @Test("AC-063 a release without a token, or with something else for one, is refused")
    func noToken() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let bodies: [JSON] = [[:], ["target": ""], ["target": 5], ["target": .null]]
        for body in bodies {
            let answer = await fixture.send(.post, "/keys/records/release", body, token: Shared.releaseToken)
            #expect(answer.status == 400)
            #expect(answer.json["value"] == nil)
        }
        for target in ["x", "a.b", "a.b.c", "..", "e30.e30.", String(repeating: "a", count: 70_000)] {
            expectRefused(await fixture.release(target: target), "token-malformed", refusedStatement)
        }
    }

    @Test func `an unknown enc, a long nonce, an old version and an unknown key are refused`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        #expect(await fixture.release(enc: "RSA_OAEP").status == 400)
        #expect(await fixture.release(nonce: String(repeating: "n", count: 2_000)).status == 400)
        #expect(await fixture.release("none").status == 404)
        let old = await fixture.send(
            .post, "/keys/records/release", ["target": .string(fixture.authority.token())], version: "7.2")
        #expect(old.status == 400)
    }

    // MARK: Tokens

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

    // MARK: The key's state

    @Test("AC-070 a key that is not exportable is not released, whatever the token")
    func notExportable() async throws {
        let fixture = try Fixture()
        #expect(await fixture.send(.post, "/keys/closed/create", ["kty": "oct-HSM"]).status == 200)
        let answer = await fixture.release("closed")
        #expect(answer.status == 403)
        #expect(answer.code == "Forbidden")
        #expect(answer.refusal == "not-releasable")
        #expect(answer.json["value"] == nil)
        #expect(fixture.keys.asked.isEmpty)
    }

    @Test("AC-071 a disabled, early or expired version is not released")
    func keyState() async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        func change(_ attributes: JSON) async {
            await fixture.send(.patch, "/keys/records/\(made.version)", ["attributes": attributes])
        }
        func expectState(_ location: SourceLocation = #_sourceLocation) async {
            let answer = await fixture.release()
            #expect(answer.status == 403, sourceLocation: location)
            #expect(answer.refusal == "key-state", sourceLocation: location)
            #expect(answer.json["value"] == nil, sourceLocation: location)
        }
        await change(["enabled": false])
        await expectState()
        #expect(await fixture.release().json["error"]?["innererror"]?["code"] == "KeyDisabled")
        await change(["enabled": true, "nbf": .integer(Shared.now.seconds + 1)])
        await expectState()
        await change(["nbf": 0, "exp": .integer(Shared.now.seconds)])
        await expectState()
        await change(["exp": .integer(Shared.now.seconds + 1)])
        #expect(await fixture.release().status == 200)
    }

    @Test("AC-151 after the end of the owner's policy nothing is released, and the service is not ready")
    func expiredPartyPolicy() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        #expect(await fixture.vault.readiness().isReady)
        #expect(await fixture.vault.readiness().facts["simulated"] == true)
        fixture.clock.advance(61 * 86_400)
        let answer = await fixture.release()
        #expect(answer.status == 503)
        #expect(answer.refusal == "endorsement-invalid")
        #expect(await !fixture.vault.readiness().isReady)
    }

    // MARK: Audit

    @Test("AC-075 a release that cannot be recorded is not answered, allowed or refused")
    func audit() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        fixture.auditFile.breakDown()
        for target in [fixture.authority.token(), "x", fixture.authority.token { $0["x-ms-sgx-mrenclave"] = "0" }] {
            let answer = await fixture.release(target: target)
            #expect(answer.status == 503)
            #expect(answer.refusal == "audit-unavailable")
            #expect(answer.json["value"] == nil)
        }
    }

    @Test func `a release leaves one record with digests, and neither token nor key`() async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        let token = fixture.authority.token()
        let before = fixture.auditFile.entries.count
        #expect(await fixture.release(target: token).status == 200)
        #expect(fixture.auditFile.entries.count == before + 1)
        let entry = try #require(fixture.auditFile.entries.last)
        #expect(entry["outcome"] == "allowed")
        #expect(entry["event"] == "key.release")
        #expect(entry["key"]?.string == "records/\(made.version)")
        #expect(entry["token"]?.string == Encoding.Digest(of: token).description)
        #expect(entry["party"]?.string == Shared.unitParty.description)
        #expect(entry["policy"] != nil)
        let log = fixture.auditFile.entries.map(\.text).joined()
        #expect(!log.contains(token.suffix(20)))
        #expect(!log.contains(Base64.encodeURL(Fixture.k)))
    }
}
