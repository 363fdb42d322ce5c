import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import TestSupport
import Testing

/// The whole way, over the wire: report, attestation service, key service, wrapped key, JWK.
struct KeyReleaseFlowTests {
    @Test("keys of every kind are released to the group, and AC-063 to AC-065 and AC-072 are refused")
    func release() async throws {
        try await World.run { world in
            try await symmetric(world)
            try await asymmetric(world)
            try await refusals(world)
            try await attestation(world)
        }
    }

    private func symmetric(_ world: World) async throws {
        let k = (0..<32).map { UInt8($0) }
        #expect(try await world.importKey("records", World.symmetricKey(k), policy: world.releasePolicy()) == 200)
        let answer = try await world.post("/key/release", world.wish("records"))
        #expect(answer.status == 200, "\(answer.body)")
        let jwk = try JSON.parse(try #require(answer.body["key"]?.string))
        #expect(jwk["kty"] == "oct")
        #expect(jwk["k"]?.string == Base64.encodeURL(k))
        #expect(answer.body.object?.count == 1)
        let again = try await world.post(
            "/key/release", world.wish("records", ["akv_endpoint": .string("https://LOCALHOST:\(world.vault)/")]))
        #expect(again.status == 200, "\(again.body)")
        // With the identity of the machine in place of a token of the caller's.
        let own = try await world.post("/key/release", world.wish("records", ["access_token": ""]))
        #expect(own.status == 200, "\(own.body)")
    }

    private func asymmetric(_ world: World) async throws {
        let key = P384.Signing.PrivateKey()
        let point = key.publicKey.rawRepresentation
        let wanted: JSON = [
            "kty": "EC-HSM", "crv": "P-384", "d": .string(Base64.encodeURL(key.rawRepresentation)),
            "x": .string(Base64.encodeURL(point.prefix(48))), "y": .string(Base64.encodeURL(point.suffix(48))),
        ]
        #expect(try await world.importKey("signing", wanted, policy: world.releasePolicy()) == 200)
        let answer = try await world.post("/key/release", world.wish("signing"))
        #expect(answer.status == 200, "\(answer.body)")
        let jwk = try JSON.parse(try #require(answer.body["key"]?.string))
        for member in ["crv", "d", "x", "y"] { #expect(jwk[member] == wanted[member], "\(member)") }
        #expect(jwk["kty"] == "EC")
    }

    private func refusals(_ world: World) async throws {
        let k = [UInt8](repeating: 3, count: 32)
        let other = world.releasePolicy(["x-ms-sevsnpvm-hostdata": .string(String(repeating: "0", count: 64))])
        #expect(try await world.importKey("foreign", World.symmetricKey(k), policy: other) == 200)
        let elsewhere = world.releasePolicy(authority: "https://other.example")
        #expect(try await world.importKey("elsewhere", World.symmetricKey(k), policy: elsewhere) == 200)
        for (body, status, code) in [
            (world.wish("foreign"), 403, "claim-mismatch:x-ms-sevsnpvm-hostdata"),
            (world.wish("elsewhere"), 403, "authority-not-allowed"),
            (world.wish("none"), 403, "not-found"),
            (world.wish("records", ["access_token": "wrong"]), 403, "credential-invalid"),
            (world.wish("records/../foreign"), 400, "name-invalid"),
            (world.wish("records?x=1"), 400, "name-invalid"),
            (world.wish("records", ["akv_endpoint": "localhost/other"]), 400, "name-invalid"),
            (world.wish("records", ["maa_endpoint": "user@localhost"]), 400, "name-invalid"),
            (world.wish("records", ["maa_endpoint": "http://localhost"]), 400, "name-invalid"),
            (world.wish("records", ["kid": ""]), 400, "request-malformed"),
            (world.wish("records", ["kid": 3]), 400, "request-malformed"),
            // Its certificate names localhost.
            (world.wish("records", ["akv_endpoint": .string("127.0.0.1:\(world.vault)")]), 403, "unavailable"),
        ] {
            let answer = try await world.post("/key/release", body)
            #expect(answer.status == status, "\(body.text)")
            #expect(answer.refusal == code, "\(answer.body)")
            #expect(answer.body.object?.count == 1 && answer.body["error"]?.string != nil)
            #expect(answer.body["key"] == nil)
        }
        let forbidden = try await world.post("/key/release", world.wish("foreign"))
        #expect(forbidden.body["error"]?.string?.hasPrefix("secure key release failed\nERROR: Please refer") == true)
        #expect(forbidden.body["error"]?.string?.contains("claim-mismatch:x-ms-sevsnpvm-hostdata") == true)
    }

    private func attestation(_ world: World) async throws {
        let runtime = Array(#"{"keys":[]}"#.utf8)
        let answer = try await world.post(
            "/attest/maa",
            [
                "maa_endpoint": .string("localhost:\(world.attestation)"),
                "runtime_data": .string(Base64.encodeStandard(runtime)),
            ])
        #expect(answer.status == 200, "\(answer.body)")
        let parts = (answer.body["token"]?.string ?? "").split(separator: ".")
        try #require(parts.count == 3)
        let claims = try JSON.parse(try #require(Base64.decode(parts[1])))
        #expect(claims["x-ms-sevsnpvm-hostdata"]?.string == Encoding.Digest(of: World.policy).hex)
        #expect(claims["x-ms-runtime"] == ["keys": []])
        let refused = try await world.post(
            "/attest/maa",
            [
                "maa_endpoint": .string("localhost:\(world.attestation)"),
                "runtime_data": .string(Base64.encodeStandard(Array("no JSON".utf8))),
            ])
        #expect(refused.status == 403)
        #expect(refused.body.object?.count == 1)
        #expect(refused.body["error"]?.string?.hasPrefix("attestation failed\n") == true)
    }
}
