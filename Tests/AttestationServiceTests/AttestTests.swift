import AttestationService
import AttestationToken
import Attester
import Crypto
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import SimulatedTEE
import Telemetry
import Testing

struct AttestTests {
    @Test(arguments: ["RS256", "ES256", "ES384"])
    func `a token about an SNP guest verifies and says what the evidence says`(algorithm: String) async throws {
        let service = try Service()
        let answer = await service.post(
            try Sample.snp(["nonce": "fresh", "tokenAlgorithm": algorithm == "RS256" ? .null : .string(algorithm)]))
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "application/json; charset=utf-8")
        #expect(answer.headers[HTTPField.Name("x-ms-maa-service-version")!] != nil)
        let token = try service.verify(try #require(answer.token))
        #expect(token.tee == .snp)
        #expect(token.grade == .simulated)
        #expect(token.hostData == Sample.party.bytes)
        #expect(token.runtimeDataBytes == Sample.runtimeData.bytes)
        let jws = try #require(answer.jws)
        #expect(jws.algorithm == algorithm)
        #expect(Set(jws.header.keys) == ["alg", "jku", "kid", "typ"])
        #expect(jws.header["jku"] == "https://localhost:8443/certs")
        #expect(jws.payload == answer.claims.canonical)
        let claims = answer.claims
        #expect(claims["iss"] == "https://localhost:8443")
        #expect(claims["iat"] == .integer(Service.now.seconds))
        #expect(claims["nbf"] == claims["iat"])
        #expect(claims["exp"] == .integer(Service.now.seconds + 28_800))
        #expect(claims["jti"]?.string.flatMap { Hex.decode($0) }?.count == 32)
        #expect(claims["nonce"] == "fresh")
        #expect(claims["x-ms-ver"] == "1.0")
        #expect(claims["x-ms-attestation-type"] == "sevsnpvm")
        #expect(claims["x-ms-policy-hash"] == "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco")
        #expect(claims["x-ms-sevsnpvm-launchmeasurement"] == .string(Hex.encode(Sample.measurement.launch)))
        #expect(claims["x-ms-sevsnpvm-is-debuggable"] == false)
        #expect(claims["x-cloister-grade"] == "simulated")
        #expect(claims.object?["x-cloister-tcb-status"] != nil)
        #expect(try #require(claims["x-cloister-valid-until"]?.integer) > Service.now.seconds)
    }

    @Test func `a token about an SGX enclave carries the old names of the default policy at top level`() async throws {
        let service = try Service()
        let answer = await service.post(sgxRoute, try Sample.sgx())
        let token = try service.verify(try #require(answer.token))
        #expect(token.tee == .sgx)
        #expect(token.hostData == Sample.party.bytes + [UInt8](repeating: 0, count: 32))
        let claims = answer.claims
        let enclave = JSON.string(Hex.encode(Sample.measurement.enclave))
        #expect(claims["x-ms-sgx-mrenclave"] == enclave)
        #expect(claims["sgx-mrenclave"] == enclave)
        #expect(claims["is-debuggable"] == false)
        #expect(claims["tee"] == "sgx")
        #expect(claims["product-id"] == 1)
        #expect(claims["x-ms-policy"] == nil)
        #expect(claims["x-cloister-tcb-status"] == "UpToDate")
        #expect(claims["x-ms-sgx-collateral"] == claims["maa-attestationcollateral"])
        #expect(claims["x-ms-sgx-collateral"]?["quotehash"] != nil)
        #expect(claims["x-ms-sgx-ehd"] == nil)
    }

    @Test func `binary runtime data comes back under its three names and no object`() async throws {
        let service = try Service()
        let data: [UInt8] = [1, 2, 3, 4]
        let evidence = try Sample.evidence(
            .sgx, reportData: Encoding.Digest(of: data).bytes + [UInt8](repeating: 0, count: 32))
        let answer = await service.post(
            sgxRoute,
            [
                "quote": .string(Base64.encodeURL(evidence.evidence)),
                "runtimeData": ["data": .string(Base64.encodeURL(data)), "dataType": "Binary"],
            ])
        for name in ["x-ms-sgx-ehd", "maa-ehd", "aas-ehd"] { #expect(answer.claims[name] == "AQIDBA") }
        #expect(answer.claims["x-ms-runtime"] == nil)
    }

    @Test func `names, paths and base64 are read leniently`() async throws {
        let service = try Service()
        let evidence = try Sample.evidence(.sgx)
        let body: JSON = [
            "QUOTE": .string(Base64.encodeStandard(evidence.evidence)), "unknown": true, "inittimeData": .null,
            "RunTimeData": ["Data": .string(Base64.encodeStandard(Sample.runtimeData.bytes)), "DATATYPE": "json"],
            "initTimeData": ["data": "", "dataType": ""],
        ]
        // Two names that differ in case only, one of them null: the null one is absent.
        let answer = await service.post("/Attest/sgxenclave?API-Version=2020-10-01", body)
        #expect(answer.status == 200)
        _ = try service.verify(try #require(answer.token))
    }

    @Test func `without runtime data nothing is bound and no runtime claim is issued`() async throws {
        let service = try Service()
        let answer = await service.post(try Sample.snp(["runtimeData": .null]))
        #expect(answer.status == 200)
        #expect(answer.claims["x-ms-runtime"] == nil)
        #expect(throws: Refusal.self) { try service.verify(try #require(answer.token)) }
    }

    @Test func `a 64-bit unsigned nonce keeps its digits`() async throws {
        let service = try Service()
        let text = try Sample.snp().text.dropLast() + #","nonce" : 13202930541250959283}"#
        let answer = Answer(
            await service.handler.respond(
                to: ServerRequest(.post, "/attest/SevSnpVm?api-version=2022-08-01", body: Array(text.utf8))))
        #expect(answer.claims["nonce"] == "13202930541250959283")
        for nonce: JSON in [.number(1.5), ["a"], true, .string(String(repeating: "x", count: 2_000))] {
            #expect(await service.post(try Sample.snp(["nonce": nonce])).status == 400)
        }
    }

    @Test func `init-time data must be the host data's digest and comes back as an object`() async throws {
        let service = try Service()
        let wrong = await service.post(
            try Sample.snp(["initTimeData": ["data": .string(Base64.encodeURL(Array("{}".utf8))), "dataType": "JSON"]]))
        #expect(wrong.refusal == "config-mismatch")
        #expect(wrong.status == 400)
        let initTime = Array(#"{"a":1}"#.utf8)
        let evidence = try Sample.evidence(.sgx, party: Encoding.Digest(of: initTime))
        let answer = await service.post(
            sgxRoute,
            [
                "quote": .string(Base64.encodeURL(evidence.evidence)),
                "initTimeData": ["data": .string(Base64.encodeURL(initTime)), "dataType": "JSON"],
            ])
        #expect(answer.claims["x-ms-inittime"] == ["a": 1])
    }

    // MARK: Refusals

    @Test("AC-015 runtime data that the evidence does not bind is refused")
    func binding() async throws {
        let service = try Service()
        var data = Sample.runtimeData.bytes
        data[data.count - 3] ^= 1
        for body in [
            try Sample.snp(["runtimeData": ["data": .string(Base64.encodeURL(data)), "dataType": "Binary"]]),
            try Sample.snp([
                "report": Sample.snpReport(
                    try Sample.evidence(.snp, reportData: [UInt8](repeating: 0, count: 64)))
            ]),
        ] {
            let answer = await service.post(body)
            #expect(answer.status == 400)
            #expect(answer.errorCode == "InvalidParameter")
            #expect(answer.refusal == "binding-mismatch")
            #expect(answer.token == nil)
        }
    }

    @Test("AC-001 a flipped bit in the signed body is refused")
    func flippedBit() async throws {
        let service = try Service()
        let snp = try Sample.evidence(.snp)
        for offset in [0x50, 0x90, 0xc0, 0x140] {
            let answer = await service.post(try Sample.snp(["report": Sample.snpReport(snp) { $0[offset] ^= 1 }]))
            #expect(answer.refusal == "evidence-signature")
        }
        var quote = try Sample.evidence(.sgx).evidence
        quote[48 + 64] ^= 1
        let answer = await service.post(sgxRoute, try Sample.sgx(["quote": .string(Base64.encodeURL(quote))]))
        #expect(answer.refusal == "evidence-signature")
        #expect(answer.errorCode == "InvalidParameter")
    }

    @Test("AC-004 simulated evidence is refused where the simulated root was not named")
    func simulatedRoot() async throws {
        let service = try Service(simulated: false)
        #expect(await service.post(try Sample.snp()).refusal == "simulated-root")
        #expect(await service.post(sgxRoute, try Sample.sgx()).refusal == "simulated-root")
        #expect(!service.authority.trustsSimulation)
    }

    @Test("AC-012 missing, expired or not yet valid collateral is refused")
    func collateral() async throws {
        let none = try Service(collateral: GivenCollateral())
        #expect(await none.post(sgxRoute, try Sample.sgx()).refusal == "collateral-invalid")
        #expect(await none.post(try Sample.snp()).refusal == "collateral-invalid")
        for moment in [Service.now + 31 * 86_400, Service.now - 86_400] {
            let service = try Service(at: moment)
            #expect(await service.post(sgxRoute, try Sample.sgx()).refusal == "collateral-invalid")
            #expect(await service.post(try Sample.snp()).refusal == "collateral-invalid")
        }
    }

    @Test("AC-018 evidence of another kind, unknown versions, trailing bytes and oversized bodies are refused")
    func malformed() async throws {
        let service = try Service()
        let snp = try Sample.evidence(.snp)
        let quote = try Sample.evidence(.sgx).evidence
        let bodies: [(String, JSON)] = [
            (sgxRoute, ["quote": .string(Base64.encodeURL(snp.evidence))]),
            (sgxRoute, ["report": .string(Base64.encodeURL(quote))]),
            (sgxRoute, ["quote": "not base64!"]), (sgxRoute, ["quote": ""]), (sgxRoute, [:]),
            (sgxRoute, ["quote": .string(Base64.encodeURL(quote + [1]))]),
            ("/attest/SevSnpVm?api-version=2022-08-01", ["report": .string(Base64.encodeURL(quote))]),
            (
                "/attest/SevSnpVm?api-version=2022-08-01",
                ["report": Sample.snpReport(snp) { $0.append(0) }]
            ),
            (
                "/attest/SevSnpVm?api-version=2022-08-01",
                ["report": Sample.snpReport(snp) { $0[0] = 9 }]
            ),
        ]
        for (route, body) in bodies {
            let answer = await service.post(route, body)
            #expect(answer.status == 400)
            #expect(answer.refusal == "evidence-malformed", "\(route) \(body.text.prefix(60))")
        }
        let large: JSON = ["quote": .string(String(repeating: "A", count: 1_048_577))]
        let answer = await service.post(sgxRoute, large)
        #expect(answer.status == 413)
        #expect(answer.refusal == "too-large")
    }

    @Test func `a body with a fault is refused with the API's error body`() async throws {
        let service = try Service()
        let bodies: [JSON] = [
            try Sample.snp(["runtimeData": ["data": "AAAA", "dataType": "XML"]]),
            try Sample.snp(["runtimeData": ["data": "AAAA", "dataType": "JSON"]]),
            try Sample.snp(["runtimeData": ["data": .string(Base64.encodeURL(Array("[1]".utf8))), "dataType": "JSON"]]),
            try Sample.snp(["runtimeData": "AAAA"]), try Sample.snp(["runtimeData": ["data": 1, "dataType": "JSON"]]),
            try Sample.snp(["REPORT": "AAAA"]), ["list"],
        ]
        for body in bodies {
            let answer = await service.post(body)
            #expect(answer.status == 400)
            #expect(answer.errorCode == "InvalidParameter")
            #expect(answer.refusal == "request-malformed")
        }
        #expect(await service.post(try Sample.snp(["tokenAlgorithm": "HS256"])).refusal == "token-algorithm")
    }

    @Test("AC-025 a clock that was moved gets no token")
    func clock() async throws {
        for (shift, expected): (Int64, Int) in [(60, 200), (-60, 200), (61, 503), (-61, 503)] {
            let service = try Service()
            service.clock.set(Service.now + shift)
            let answer = await service.post(try Sample.snp())
            #expect(answer.status == expected)
            #expect(answer.refusal == (expected == 200 ? nil : "time-untrusted"))
            #expect(await service.handler.readiness().isReady == (expected == 200))
        }
        let folder = try Service().folder
        #expect(throws: Refusal.self) { try Service(at: Service.now - 61, folder: folder) }
    }

    @Test func `time that passes on both clocks is time that passes`() async throws {
        let service = try Service(elapsed: { 0 })
        service.clock.set(Service.now + 30)
        let answer = await service.post(try Sample.snp())
        #expect(answer.claims["iat"] == .integer(Service.now.seconds + 30))
    }

    // MARK: Drafts

    @Test("AC-026 a draft token has alg none and no relying party accepts it")
    func draft() async throws {
        let service = try Service()
        let text = """
            version= 1.0;authorizationrules{=> permit();};
            issuancerules{=> issue(type="department", value="imaging");
            c:[type=="x-ms-sevsnpvm-vmpl"] => issue(type="is-debuggable", value=c.value);};
            """
        let answer = await service.post(try Sample.snp(["draftPolicyForAttestation": .string(text)]))
        let token = try #require(answer.token)
        #expect(token.hasSuffix("."))
        #expect(answer.jws?.algorithm == "none")
        #expect(answer.jws?.signature == [])
        #expect(answer.claims["x-ms-policy"] == ["department": "imaging", "is-debuggable": 0])
        #expect(answer.claims["is-debuggable"] == nil)
        let hash = Encoding.Digest(of: Base64.encodeURL(Array(text.utf8))).description
        #expect(answer.claims["x-ms-policy-hash"] == .string(hash))
        #expect {
            try service.verify(token)
        } throws: {
            ($0 as? Refusal)?.code == .tokenAlgorithm
        }
        // The form in which policies are set: a token around the text.
        let wrapped =
            "eyJhbGciOiJub25lIn0."
            + Base64.encodeURL(
                JSON.object(["AttestationPolicy": .string(Base64.encodeURL(Array(text.utf8)))]).canonical) + "."
        let second = await service.post(try Sample.snp(["draftPolicyForAttestation": .string(wrapped)]))
        #expect(second.claims["x-ms-policy-hash"] == .string(hash))
    }

    @Test func `a policy that denies, does not parse or asks for what is not honoured gives its own error`()
        async throws
    {
        let service = try Service()
        func draft(_ text: String) async throws -> Answer {
            await service.post(try Sample.snp(["draftPolicyForAttestation": .string(text)]))
        }
        let denied = try await draft("version= 1.0;authorizationrules{=> deny();};")
        #expect(denied.status == 400)
        #expect(denied.errorCode == "PolicyEvaluationError")
        #expect(denied.refusal == "appraisal-insufficient")
        #expect(
            denied.body["error"]?["message"]?.string?.hasSuffix(
                "Policy Engine Exception: A Deny claim was issued, authorization failed.") == true)
        let broken = try await draft("version= 1.0;authorizationrules{")
        #expect(broken.errorCode == "PolicyParsingError")
        let property = try await draft(
            """
            version= 1.1;configurationrules{=> issueproperty(type="x-ms-sgx-tcbidentifier", value="12");};
            authorizationrules{=> permit();};
            """)
        #expect(property.errorCode == "PolicyEvaluationError")
        // Evidence errors come before policy errors.
        let both = await service.post(
            try Sample.snp([
                "draftPolicyForAttestation": "nonsense",
                "report": Sample.snpReport(try Sample.evidence(.snp)) { $0[0x90] ^= 1 },
            ]))
        #expect(both.refusal == "evidence-signature")
    }

    // MARK: Audit

    @Test func `every outcome is in the audit log, and metrics count it`() async throws {
        let service = try Service()
        let allowed = await service.post(try Sample.snp())
        _ = await service.post(["report": "AAAA"])
        _ = await service.post("/attest/SevSnpVm", try Sample.snp())
        let events = try service.audit()
        #expect(events.map { $0["outcome"]?.string } == ["allowed", "refused", "refused"])
        #expect(events[0]["token"] == .string(Encoding.Digest(of: try #require(allowed.token)).description))
        #expect(events[1]["code"] == "evidence-malformed")
        #expect(events[2]["code"] == "request-malformed")
        let text = service.metrics.render()
        #expect(text.contains(#"attestation_verdicts_total{type="SevSnpVm",outcome="allowed",code="none"} 1"#))
        #expect(text.contains(#"code="evidence-malformed"} 1"#))
    }

    @Test("AC-075 without an audit log no token leaves")
    func auditUnavailable() async throws {
        let service = try Service(audit: BrokenAuditFile())
        for body in [try Sample.snp(), ["report": "AAAA"]] {
            let answer = await service.post(body)
            #expect(answer.status == 503)
            #expect(answer.refusal == "audit-unavailable")
            #expect(answer.token == nil)
        }
    }
}
