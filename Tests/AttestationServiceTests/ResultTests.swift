import AttestationService
import AttestationToken
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

/// Tokens in the form of EAT attestation results.
struct ResultTests {
    func post(_ service: Service, _ profile: JSON, _ members: [String: JSON] = [:]) async throws -> Answer {
        await service.post(try Sample.snp(members.merging(["tokenProfile": profile]) { $1 }))
    }

    @Test(arguments: EARProfile.allCases)
    func `a result verifies with pinned keys and says the same as the compatible form`(profile: EARProfile) async throws
    {
        let service = try Service()
        let report = Sample.snpReport(try Sample.evidence(.snp))
        let members: [String: JSON] = ["nonce": "0123456789", "report": report]
        let answer = try await post(service, .string(profile.rawValue), members)
        #expect(answer.status == 200, "\(answer.body.text)")
        #expect(answer.claims["eat_profile"] == .string(profile.rawValue))
        #expect(answer.claims["eat_nonce"] == .string(Base64.encodeURL(Array("0123456789".utf8))))
        #expect(answer.claims[profile.verifierID]?["developer"] == "Cloister")
        let token = try service.verify(try #require(answer.token))
        #expect(token.issued.result?.profile == profile)
        #expect(try UnverifiedToken(#require(answer.token)).isRevocable)
        #expect(token.runtimeDataBytes == Sample.runtimeData.bytes)
        let plain = await service.post(try Sample.snp(members))
        var ours = try #require(token.claims.object)
        var theirs = try #require(plain.claims.object)
        ours["jti"] = nil
        theirs["jti"] = nil
        #expect(ours == theirs)
    }

    @Test func `simulated evidence is contraindicated, and refused where only hardware is accepted`() async throws {
        let service = try Service()
        let answer = try await post(service, "EAR")
        #expect(answer.claims["ear_status"] == "contraindicated")
        let token = try #require(answer.token)
        let result = try #require(try service.verify(token).issued.result)
        #expect(result.vector["hardware"] == 97)
        #expect {
            try result.requireAffirmed(["hardware"])
        } throws: {
            ($0 as? Refusal)?.code == .appraisalInsufficient
        }
        let issuer = PartyPolicy.Issuer(pins: [service.keys.pin], simulated: false, url: Service.url)
        #expect {
            try AttestationToken.verify(
                token, issuers: [issuer],
                keySets: [Service.url: try IssuerKeySet(json: service.authority.keySet)], at: Service.now)
        } throws: {
            ($0 as? Refusal)?.code == .gradeInsufficient
        }
    }

    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `hardware that is out of date is genuine with known vulnerabilities`() async throws {
        let recorded = RecordedRequestTests()
        let (route, body, _) = try recorded.request("sgx-intel-sdk-release")
        var members = try #require(body.object)
        members["tokenProfile"] = "EAR"
        let answer = await (try recorded.sgxService()).post(route, .object(members))
        let vector = answer.claims["submods"]?["sgx"]?["ear_trustworthiness_vector"]
        #expect(vector == ["configuration": 3, "hardware": 32, "instance-identity": 2, "runtime-opaque": 2])
        #expect(answer.claims["ear_status"] == "warning")
        let (snpRoute, snpBody, _) = try recorded.request("snp-json-report")
        members = try #require(snpBody.object)
        members["tokenProfile"] = "EAR"
        let snp = await (try recorded.snpService()).post(snpRoute, .object(members))
        #expect(snp.claims["ear_status"] == "affirming")
    }

    @Test func `another profile, and a nonce that a result cannot carry, are refused`() async throws {
        let service = try Service()
        #expect(try await post(service, "JSON").refusal == "request-malformed")
        #expect(try await post(service, "EAR", ["nonce": "short"]).refusal == "request-malformed")
        let long = JSON.string(String(repeating: "n", count: 65))
        #expect(try await post(service, "EAR", ["nonce": long]).refusal == "request-malformed")
    }

    @Test("AC-026 a result under a draft policy has alg none")
    func draft() async throws {
        let service = try Service()
        let policy: JSON = "version= 1.0;authorizationrules{=> permit();};"
        let answer = try await post(service, "EAR", ["draftPolicyForAttestation": policy])
        #expect(answer.jws?.algorithm == "none")
    }
}
