import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import Testing

@testable import KeyService

/// What is released, of which keys, and what is written down of it.
@Suite struct KeyReleaseTests {
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
