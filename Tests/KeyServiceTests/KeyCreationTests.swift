import CryptoExtras
import Encoding
import Foundation
import HTTPTypes
import Testing

@testable import KeyService

/// Keys that are made here, and keys that are brought.
@Suite struct KeyCreationTests {
    // MARK: Creating

    @Test(
        "keys of each type are made, with the public part only in the answer",
        arguments: [
            (["kty": "RSA-HSM"], ["n", "e"]),
            (["kty": "RSA-HSM", "key_size": 3_072], ["n", "e"]),
            (["kty": "EC-HSM"], ["crv", "x", "y"]),
            (["kty": "EC-HSM", "crv": "P-384"], ["crv", "x", "y"]),
            (["kty": "EC-HSM", "crv": "P-521"], ["crv", "x", "y"]),
            (["kty": "EC-HSM", "crv": "P-256K"], ["crv", "x", "y"]),
            (["kty": "oct-HSM"], []),
            (["kty": "oct-HSM", "key_size": 128], []),
            (["kty": "oct", "key_size": 512], []),
        ] as [(JSON, [String])])
    func create(_ members: JSON, _ publicMembers: [String]) async throws {
        let fixture = try Fixture()
        let answer = await fixture.send(.post, "/keys/k/create", fixture.exportable(members.object!))
        try #require(answer.status == 200, "\(answer.json)")
        let key = try #require(answer.json["key"]?.object)
        #expect(Set(key.keys) == Set(publicMembers + ["kid", "kty", "key_ops"]))
        #expect(key["kty"]?.string?.hasSuffix("-HSM") == true)
        #expect(answer.kid.hasPrefix("\(Fixture.base)/keys/k/"))
        #expect(answer.version.count == 32)
        if let x = key["x"]?.string, let crv = key["crv"]?.string {
            #expect(Base64.decode(x)?.count == ["P-256": 32, "P-384": 48, "P-521": 66, "P-256K": 32][crv])
        }
        let attributes = try #require(answer.json["attributes"])
        #expect(attributes["exportable"] == true)
        #expect(attributes["enabled"] == true)
        #expect(attributes["created"] == .integer(Shared.now.seconds))
        let policy = try #require(answer.json["release_policy"])
        #expect(policy["contentType"] == "application/json; charset=utf-8")
        #expect(policy["immutable"] == nil)
        let data = try #require(policy["data"]?.string.flatMap { Base64.decode($0) })
        #expect(try JSON.parse(data) == fixture.authority.policy)
        #expect(await fixture.send(.get, "/keys/k/\(answer.version)").json == answer.json)
        #expect(fixture.auditFile.entries.first?["event"] == "key.create")
        #expect(fixture.auditFile.entries.first?["key"]?.string == "k/\(answer.version)")
    }

    @Test(
        "sizes and curves that are not supported are bad parameters",
        arguments: [
            ["kty": "RSA-HSM", "key_size": 1_024] as JSON, ["kty": "RSA-HSM", "key_size": 2_049],
            ["kty": "RSA-HSM", "key_size": 8_192], ["kty": "RSA-HSM", "public_exponent": 3],
            ["kty": "EC-HSM", "crv": "P-224"], ["kty": "oct-HSM", "key_size": 64],
            ["kty": "oct-HSM", "key_size": 520], ["kty": "oct-HSM", "key_size": 129], ["kty": "DSA"], [:],
            ["kty": "EC-HSM", "key_ops": ["fly"]], ["kty": "EC-HSM", "tags": ["a": 1]],
        ])
    func unsupportedKeys(_ members: JSON) async throws {
        let fixture = try Fixture()
        let answer = await fixture.send(.post, "/keys/k/create", fixture.exportable(members.object!))
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(await fixture.send(.get, "/keys/k").status == 404)
    }

    @Test("rules 1001, 1004, 1005 and 1006 of exportable keys")
    func exportableRules() async throws {
        let fixture = try Fixture()
        let good = fixture.exportable(["kty": "EC-HSM"])
        func refused(_ body: JSON, version: String = "7.4", _ number: String, _ code: String) async {
            let answer = await fixture.send(.post, "/keys/k/create", body, version: version)
            #expect(answer.status == 400)
            #expect(answer.code == "BadParameter")
            #expect(answer.message.hasPrefix("AKV.SKR.\(number)"), "\(answer.message)")
            #expect(answer.refusal == code)
        }
        await refused(good, version: "7.2", "1001", "request-malformed")
        await refused(["kty": "EC-HSM", "attributes": ["exportable": true]], "1004", "policy-invalid")
        await refused(
            ["kty": "EC-HSM", "release_policy": good["release_policy"]!], "1005", "not-releasable")
        await refused(fixture.exportable(["kty": "EC"]), "1006", "request-malformed")
        #expect(await fixture.send(.get, "/keys/k").status == 404)
        #expect(await fixture.send(.post, "/keys/k/create", good).status == 200)
    }

    @Test("AC-067 a policy that protects nothing is refused with its fault, and no key is made")
    func badPolicies() async throws {
        let fixture = try Fixture()
        for policy in [["version": "1.0.0", "anyOf": []] as JSON, ["anyOf": []], [:]] {
            let answer = await fixture.send(
                .post, "/keys/k/create", fixture.exportable(["kty": "EC-HSM"], policy: policy))
            #expect(answer.status == 400)
            #expect(answer.code == "BadParameter")
            #expect(answer.refusal == "policy-invalid")
            #expect(answer.message.hasPrefix("Key Release Policy: "))
        }
        for member in [["data": "***"] as JSON, ["data": 5], [:], ["data": "e30", "contentType": "text/plain"]] {
            let answer = await fixture.send(
                .post, "/keys/k/create",
                ["kty": "EC-HSM", "attributes": ["exportable": true], "release_policy": member])
            #expect(answer.status == 400)
        }
        #expect(await fixture.send(.get, "/keys/k").status == 404)
        #expect(fixture.auditFile.entries.allSatisfy { $0["outcome"] == "refused" })
    }

    @Test func `a policy may be sent padded and in the standard alphabet`() async throws {
        let fixture = try Fixture()
        let data = Base64.encodeStandard(fixture.authority.policy.canonical)
        let answer = await fixture.send(
            .post, "/keys/k/create",
            [
                "kty": "EC-HSM", "attributes": ["exportable": true],
                "release_policy": ["contentType": "application/json; charset=utf-8", "data": .string(data)],
            ])
        #expect(answer.status == 200)
    }

    // MARK: Importing

    @Test func `an imported key of each type comes back as its public part`() async throws {
        let fixture = try Fixture()
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let numbers = try RSANumbers(rsa)
        let body = fixture.exportable(["key": numbers.jwk(kty: "RSA-HSM"), "Hsm": true])
        let answer = await fixture.send(.put, "/keys/rsa", body)
        try #require(answer.status == 200, "\(answer.json)")
        #expect(answer.json["key"]?["n"] == numbers.jwk(kty: "RSA")["n"])
        #expect(answer.json["key"]?["d"] == nil)
        let ec = try #require(ECVector.all.first)
        let imported = await fixture.send(.put, "/keys/ec", fixture.exportable(["key": ec.jwk, "hsm": true]))
        try #require(imported.status == 200, "\(imported.json)")
        #expect(imported.json["key"]?["x"] == ec.jwk["x"])
        #expect(imported.json["key"]?["kty"] == "EC-HSM")
        #expect(imported.json["key"]?["d"] == nil)
        let oct = try await fixture.importKey()
        #expect(oct.json["key"]?["k"] == nil)
    }

    @Test(
        "keys that are incomplete, too small, too large or inconsistent are not imported",
        arguments: [
            ["kty": "oct-HSM"] as JSON, ["kty": "oct-HSM", "k": "AAAA"], ["kty": "oct-HSM", "k": "*"],
            ["kty": "oct-HSM", "k": .string(Base64.encodeURL([UInt8](repeating: 1, count: 65)))],
            ["kty": "RSA-HSM", "n": "AQAB", "e": "AQAB"],
            ["kty": "EC-HSM", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"],
            ["kty": "EC-HSM", "crv": "P-256K", "x": "AA", "y": "AA", "d": "AQ"], ["kty": "what"], [:],
        ])
    func badImports(_ key: JSON) async throws {
        let fixture = try Fixture()
        let answer = await fixture.send(.put, "/keys/k", fixture.exportable(["key": key]))
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(answer.refusal == "key-invalid")
        #expect(await fixture.send(.get, "/keys/k").status == 404)
    }

    @Test func `an EC key whose public point is another key's is not imported`() async throws {
        let fixture = try Fixture()
        var jwk = try #require(ECVector.all.first?.jwk.object)
        (jwk["x"], jwk["y"]) = (jwk["y"], jwk["x"])
        let answer = await fixture.send(.put, "/keys/k", fixture.exportable(["key": .object(jwk), "hsm": true]))
        #expect(answer.status == 400)
        #expect(answer.message.contains("x and y"))
    }
}
