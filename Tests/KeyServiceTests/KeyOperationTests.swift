// swift-format-ignore-file: NeverUseForceTry, NeverForceUnwrap

import Crypto
import CryptoExtras
import Encoding
import Foundation
import HTTPTypes
import Testing

@testable import KeyService

/// Using keys without taking them out: key API reference, section 6.
@Suite struct KeyOperationTests {
    static let digests: [String: [UInt8]] = [
        "256": Array(SHA256.hash(data: [1])), "384": Array(SHA384.hash(data: [1])),
        "512": Array(SHA512.hash(data: [1])), "56K": Array(SHA256.hash(data: [1])),
    ]

    private func text(_ bytes: [UInt8]) -> JSON { .string(Base64.encodeURL(bytes)) }

    private func value(_ answer: Answer, _ name: String = "value") -> [UInt8]? {
        answer.json[name]?.string.flatMap { Base64.decode($0) }
    }

    // MARK: Signatures

    @Test(
        "a signature verifies, and does not over another digest or after a change",
        arguments: [
            (["kty": "RSA"], ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
            (["kty": "RSA", "key_size": 3_072], ["RS256", "PS512"]),
            (["kty": "EC"], ["ES256"]), (["kty": "EC", "crv": "P-384"], ["ES384"]),
            (["kty": "EC", "crv": "P-521"], ["ES512"]), (["kty": "EC", "crv": "P-256K"], ["ES256K"]),
            (["kty": "oct-HSM"], ["HS256", "HS384", "HS512"]),
        ] as [(JSON, [String])])
    func signatures(_ kind: JSON, _ algorithms: [String]) async throws {
        let fixture = try Fixture()
        let made = try await fixture.create(kind)
        for algorithm in algorithms {
            let digest = Self.digests[String(algorithm.suffix(3))]!
            let signed = await fixture.send(
                .post, "/keys/k/\(made.version)/sign", ["alg": .string(algorithm), "value": text(digest)])
            try #require(signed.status == 200, "\(algorithm): \(signed.json)")
            #expect(signed.json["kid"]?.string == made.kid)
            let signature = try #require(value(signed))
            func holds(_ signature: [UInt8], _ digest: [UInt8]) async -> JSON? {
                await fixture.send(
                    .post, "/keys/k//verify",
                    ["alg": .string(algorithm), "digest": text(digest), "value": text(signature)]
                ).json["value"]
            }
            #expect(await holds(signature, digest) == true)
            var other = digest
            other[0] ^= 1
            #expect(await holds(signature, other) == false, "\(algorithm)")
            var changed = signature
            changed[signature.count - 1] ^= 1
            #expect(await holds(changed, digest) == false, "\(algorithm)")
            #expect(await holds(Array(signature.dropLast()), digest) == false, "\(algorithm)")
        }
    }

    @Test func `another library verifies what is signed`() async throws {
        let fixture = try Fixture()
        let digest = SHA256.hash(data: [1])
        func sign(_ name: String, _ algorithm: JSON) async throws -> [UInt8] {
            try #require(
                value(
                    await fixture.send(.post, "/keys/\(name)//sign", ["alg": algorithm, "value": text(Array(digest))])))
        }
        let ec = try await fixture.create("ec", ["kty": "EC"]).json["key"]!
        let point = Base64.decode(ec["x"]!.string!)! + Base64.decode(ec["y"]!.string!)!
        #expect(
            try P256.Signing.PublicKey(rawRepresentation: point).isValidSignature(
                .init(rawRepresentation: try await sign("ec", "ES256")), for: digest))
        let rsa = try await fixture.create("rsa", ["kty": "RSA"]).json["key"]!
        let key = try _RSA.Signing.PublicKey(
            n: Base64.decode(rsa["n"]!.string!)!, e: Base64.decode(rsa["e"]!.string!)!)
        #expect(
            key.isValidSignature(
                .init(rawRepresentation: try await sign("rsa", "RS256")), for: digest, padding: .insecurePKCS1v1_5))
        #expect(
            key.isValidSignature(.init(rawRepresentation: try await sign("rsa", "PS256")), for: digest, padding: .PSS))
    }

    @Test func `the public key of the private number 1 of P-256K is the curve's base point`() throws {
        var one = [UInt8](repeating: 0, count: 32)
        #expect(throws: Refusal.self) { try Secp256k1PrivateKey(number: one) }
        one[31] = 1
        let key = try Secp256k1PrivateKey(number: one)
        #expect(Hex.encode(key.point).hasPrefix("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"))
        #expect(try Secp256k1PrivateKey(pkcs8: key.pkcs8).point == key.point)
        var broken = key.pkcs8
        broken[broken.count - 1] ^= 1
        #expect(throws: Refusal.self) { try Secp256k1PrivateKey(pkcs8: broken) }
        // The order of the curve is no private number.
        let order = Hex.decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")!
        #expect(throws: Refusal.self) { try Secp256k1PrivateKey(number: order) }
    }

    @Test func `digests of another length and algorithms of other keys are bad parameters`() async throws {
        let fixture = try Fixture()
        try await fixture.create(["kty": "EC"])
        let digest = Self.digests["256"]!
        let bodies: [JSON] = [
            ["alg": "ES256", "value": text(Array(digest.dropLast()))], ["alg": "ES256", "value": text(digest + [0])],
            ["alg": "ES384", "value": text(Self.digests["384"]!)], ["alg": "ES256K", "value": text(digest)],
            ["alg": "RS256", "value": text(digest)], ["alg": "HS256", "value": text(digest)],
            ["alg": "none", "value": text(digest)], ["value": text(digest)], ["alg": "ES256"],
            ["alg": "ES256", "value": "***"], [:],
        ]
        for body in bodies {
            let answer = await fixture.send(.post, "/keys/k//sign", body)
            #expect(answer.status == 400, "\(body)")
            #expect(answer.code == "BadParameter")
        }
    }

    // MARK: Encryption

    static let iv = [UInt8](repeating: 3, count: 16)

    @Test(
        "what is encrypted comes back, and nothing does after a change",
        arguments: [
            (["kty": "RSA"], "encrypt", ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"]),
            (["kty": "RSA"], "wrapkey", ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"]),
            (["kty": "oct-HSM", "key_size": 128], "encrypt", ["A128GCM", "A128CBC", "A128CBCPAD"]),
            (["kty": "oct-HSM", "key_size": 192], "encrypt", ["A192GCM", "A192CBC", "A192CBCPAD"]),
            (["kty": "oct-HSM"], "encrypt", ["A256GCM", "A256CBC", "A256CBCPAD"]),
            (["kty": "oct-HSM", "key_size": 128], "wrapkey", ["A128KW", "CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_PAD"]),
            (["kty": "oct-HSM"], "wrapkey", ["A256KW", "CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_PAD"]),
        ] as [(JSON, String, [String])])
    func encryption(_ kind: JSON, _ operation: String, _ algorithms: [String]) async throws {
        let fixture = try Fixture()
        let made = try await fixture.create(kind)
        let back = operation == "encrypt" ? "decrypt" : "unwrapkey"
        let plain = Array("sixteen byte key and more of it.".utf8)
        for algorithm in algorithms {
            let isGCM = algorithm.hasSuffix("GCM")
            var body: [String: JSON] = ["alg": .string(algorithm), "value": text(plain)]
            if algorithm.contains("CBC") { body["iv"] = text(Self.iv) }
            if isGCM { body["aad"] = text([9, 9]) }
            let sealed = await fixture.send(.post, "/keys/k//\(operation)", .object(body))
            try #require(sealed.status == 200, "\(algorithm): \(sealed.json)")
            #expect(sealed.json["kid"]?.string == made.kid)
            for name in ["value", "iv", "tag"] { body[name] = sealed.json[name] }
            if isGCM { #expect(value(sealed, "iv")?.count == 12 && value(sealed, "tag")?.count == 16) }
            let opened = await fixture.send(.post, "/keys/k/\(made.version)/\(back)", .object(body))
            #expect(value(opened) == plain, "\(algorithm): \(opened.json)")
            // CBC alone has no proof of origin.
            guard !algorithm.contains("CBC") else { continue }
            var changed = try #require(value(sealed))
            changed[changed.count - 1] ^= 1
            body["value"] = text(changed)
            let refused = await fixture.send(.post, "/keys/k//\(back)", .object(body))
            #expect(refused.status == 400 || algorithm == "RSA1_5", "\(algorithm)")
            #expect(value(refused) != plain)
        }
    }

    @Test func `an initialisation vector for GCM is the service's to choose`() async throws {
        let fixture = try Fixture()
        try await fixture.create(["kty": "oct-HSM"])
        let body: [String: JSON] = ["alg": "A256GCM", "value": text([1]), "iv": text([UInt8](repeating: 0, count: 12))]
        #expect(await fixture.send(.post, "/keys/k//encrypt", .object(body)).status == 400)
        for (path, algorithm) in [
            ("encrypt", "A128GCM"), ("encrypt", "A256KW"), ("wrapkey", "A256GCM"), ("encrypt", "RSA-OAEP"),
            ("encrypt", "A256CBC"),
        ] {
            let answer = await fixture.send(
                .post, "/keys/k//\(path)", ["alg": .string(algorithm), "value": text([1, 2])])
            #expect(answer.status == 400, "\(algorithm)")
        }
    }

    // MARK: Who may use which key when

    @Test("AC-071 operations that key_ops does not have, disabled keys and other times are refused")
    func state() async throws {
        let fixture = try Fixture()
        try await fixture.create(["kty": "RSA", "key_ops": ["encrypt", "sign", "decrypt"]])
        let digest = text(Self.digests["256"]!)
        func send(_ operation: String) async -> Answer {
            await fixture.send(
                .post, "/keys/k//\(operation)",
                operation == "sign" ? ["alg": "RS256", "value": digest] : ["alg": "RSA-OAEP", "value": text([1])])
        }
        let wrap = await send("wrapkey")
        #expect(wrap.status == 403 && wrap.refusal == "operation-not-allowed")
        #expect(await send("sign").status == 200)
        let sealed = try #require(await send("encrypt").json["value"])
        _ = await fixture.send(.patch, "/keys/k", ["attributes": ["exp": .integer(Shared.now.seconds - 1)]])
        let expired = await send("sign")
        #expect(expired.status == 403 && expired.refusal == "key-state")
        #expect(await send("encrypt").status == 403)
        #expect(await fixture.send(.post, "/keys/k//decrypt", ["alg": "RSA-OAEP", "value": sealed]).status == 200)
        _ = await fixture.send(.patch, "/keys/k", ["attributes": ["enabled": false]])
        let disabled = await fixture.send(.post, "/keys/k//decrypt", ["alg": "RSA-OAEP", "value": sealed])
        #expect(disabled.status == 403)
        #expect(disabled.json["error"]?["innererror"]?["code"] == "KeyDisabled")
        #expect(disabled.message == "Operation decrypt is not permitted on a disabled key.")
        #expect(fixture.auditFile.entries.last?["event"] == "key.decrypt")
        #expect(fixture.auditFile.entries.last?["code"] == "key-state")
    }

    @Test func `random bytes come in the number asked for`() async throws {
        let fixture = try Fixture()
        let answers = [
            await fixture.send(.post, "/rng", ["count": 32]), await fixture.send(.post, "/rng", ["count": 32]),
        ]
        #expect(answers.map { value($0)?.count } == [32, 32])
        #expect(value(answers[0]) != value(answers[1]))
        for count in [0, -1, 129] as [JSON] {
            #expect(await fixture.send(.post, "/rng", ["count": count]).status == 400)
        }
    }
}
