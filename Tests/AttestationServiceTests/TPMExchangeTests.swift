import AttestationService
import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence
import EvidenceForge
import Foundation
import TestSupport
import Testing

/// `/attest/Tpm`: challenge, answer, report.
struct TPMExchangeTests {
    static let route = "/attest/Tpm?api-version=2020-10-01"
    static let policy = """
        version= 1.1;configurationrules{=> issueproperty(type="required_pcr_mask", value=255);};
        authorizationrules{c:[type=="aikValidated", value==true] => permit();};
        issuancerules{c:[type=="secureBootEnabled"] => issue(type="secure", value=c.value);
        => issueproperty(type="report_validity_in_minutes", value=60);
        => issueproperty(type="omit_x5c", value=true);};
        """

    func body(_ message: JSON, policy: String? = policy) -> JSON {
        [
            "data": .string(Base64.encodeURL(message.canonical)),
            "draftPolicyForAttestation": policy.map(JSON.string) ?? .null,
        ]
    }

    func inner(_ answer: Answer) throws -> JSON {
        let text = try #require(answer.body["data"]?.string, "\(answer.body.text)")
        return try JSON.parse(try #require(Base64.decode(text)))
    }

    func service() throws -> Service { try Service(root: try GuestWorld.made.get().root) }

    /// The third message; `nonce` in place of what the challenge asks for.
    func answer(
        _ payload: JSON, nonce: [UInt8]? = nil, signer: _RSA.Signing.PrivateKey? = nil, context: [UInt8]? = nil
    ) throws -> JSON {
        let world = try GuestWorld.made.get()
        let attested = try world.keys.rsa(.vtpmAuthority)
        let jwk = try JWK(attested.publicKey)
        let challenge = try #require(payload["payload"]?["challenge"]?.string.flatMap { Base64.decode($0) })
        let wanted = Encoding.Digest(of: challenge + Array(jwk.thumbprint.utf8)).bytes
        var recipe = try TPMEvidenceRecipe.standard(
            binding: nonce ?? wanted, keys: world.keys, dates: world.dates, at: Service.now)
        let log = GuestWorld.secureBoot()
        recipe.log = log
        recipe.quote.registers = log.registers
        let service: JSON =
            context.map { JSON.string(Base64.encodeURL($0)) } ?? payload["payload"]?["service_context"] ?? .null
        let content: JSON = [
            "att_type": "basic", "attest_key": jwk.json, "service_context": service, "rp_data": "cmVseWluZw",
            "att_data": ["current_claim": .string(Base64.encodeURL(try recipe.made().evidence))],
            "custom_claims": ["department": "imaging"],
        ]
        let header: JSON = ["alg": "PS256", "typ": "attReq"]
        let input = Base64.encodeURL(header.canonical) + "." + Base64.encodeURL(content.canonical)
        let signature = try (signer ?? attested).signature(
            for: SHA256.hash(data: Array(input.utf8)), padding: .PSS)
        return ["request": .string(input + "." + Base64.encodeURL(Array(signature.rawRepresentation)))]
    }

    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `the recorded first message gets a challenge of the recorded form`() async throws {
        let file = try JSON.parse(Vectors.bytes("maa-requests/tpm-recorded-init.json"))
        let service = try service()
        let request = try #require(file["request"])
        // Azure's instance had a policy set; without one it refuses, in these words.
        let refused = await service.post(Self.route, request)
        #expect(refused.status == 400)
        #expect(
            refused.body["error"]?["message"]
                == "A VBS attestation policy has not been set on the attestation provider.")
        var members = try #require(request.object)
        members["draftPolicyForAttestation"] = .string(Self.policy)
        let answer = await service.post(Self.route, .object(members))
        #expect(answer.status == 200)
        let recorded = try #require(file["expected"]?["decodedReply"]?["payload"]?.object)
        let payload = try #require(try inner(answer)["payload"]?.object)
        #expect(Set(payload.keys) == Set(recorded.keys))
        #expect(Base64.decode(payload["challenge"]?.string ?? "")?.count == 16)
        #expect(try service.audit().last?["event"] == "attest.challenge")
    }

    @Test func `an answer to the challenge gets a report about the attested key`() async throws {
        let service = try service()
        let start: JSON = ["payload": ["type": "aikcert"]]
        let challenge = try inner(await service.post(Self.route, body(start)))
        let answer = await service.post(Self.route, body(try answer(challenge)))
        let report = try #require(try inner(answer)["report"]?.string)
        let jws = try JWS(compact: report, maximumBytes: 100_000)
        let claims = try JSON.parse(jws.payload)
        #expect(claims["x-ms-attestation-type"] == "tpm")
        #expect(claims["cnf"]?["jwk"]?["kty"] == "RSA")
        #expect(claims["rp_data"] == "cmVseWluZw")
        #expect(claims["secure"] == true)
        #expect(claims["exp"] == .integer(Service.now.seconds + 3_600))
        #expect(jws.header["x5t"] != nil)
        #expect(jws.header["x5c"] == nil)
    }

    @Test("AC-015 another nonce, key or context, or an old one, is refused")
    func replay() async throws {
        let service = try service()
        let challenge = try inner(await service.post(Self.route, body(["payload": ["type": "aikcert"]])))
        let stranger = try KeyRing.forged(seed: "x").rsa(.attestationKey)
        let cases: [(String, JSON)] = [
            ("binding-mismatch", try answer(challenge, nonce: [UInt8](repeating: 1, count: 32))),
            ("token-signature", try answer(challenge, signer: stranger)),
            ("binding-mismatch", try answer(challenge, context: [UInt8](repeating: 0, count: 56))),
            ("request-malformed", ["request": "a.b"]), ("request-malformed", ["payload": ["type": "other"]]),
        ]
        for (code, message) in cases {
            let reply = await service.post(Self.route, body(message))
            #expect(reply.refusal == code, "\(reply.body.text)")
        }
        // A second service with the same issuer key: it knows the context, and that it has ended.
        for (seconds, code) in [(299, nil), (301, "binding-mismatch")] as [(Int64, String?)] {
            let folder = try TemporaryFolder()
            let file = folder.url.appending(path: "signing-keys.json")
            try Data(contentsOf: service.folder.url.appending(path: "signing-keys.json")).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
            let later = try Service(at: Service.now + seconds, folder: folder, root: try GuestWorld.made.get().root)
            #expect(await later.post(Self.route, body(try answer(challenge))).refusal == code)
        }
    }

    @Test func `a policy that wants more registers, or a life of more than a day, is refused`() async throws {
        let service = try service()
        let challenge = try inner(await service.post(Self.route, body(["payload": ["type": "aikcert"]])))
        for rule in [
            #"configurationrules{=> issueproperty(type="require_valid_aik_cert", value=false);};"#,
            #"configurationrules{=> issueproperty(type="report_validity_in_minutes", value=1441);};"#,
        ] {
            let text = "version= 1.1;\(rule)authorizationrules{=> permit();};"
            let reply = await service.post(Self.route, body(try answer(challenge), policy: text))
            #expect(reply.errorCode == "PolicyEvaluationError")
        }
    }
}
