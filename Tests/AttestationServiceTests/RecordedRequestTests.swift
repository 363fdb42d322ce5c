import AttestationService
import AttestationToken
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import TestSupport
import Testing

/// Requests with evidence of real hardware, judged at a moment for which collateral was recorded, under the vendors'
/// own roots.
@Suite(.enabled(if: Vectors.available))
struct RecordedRequestTests {
    func request(_ name: String) throws -> (route: String, body: JSON, expected: JSON) {
        let file = try JSON.parse(Vectors.bytes("maa-requests/\(name).json"))
        let path = try #require(file["attestPath"]?.string)
        return (
            "/attest/\(path)?api-version=2022-08-01", try #require(file["request"]),
            file["expected"] ?? .null
        )
    }

    func sgxService() throws -> Service {
        let json = try JSON.parse(Vectors.bytes("sgx/maa-00906ed5/collateral-2025-05-eval17.json"))
        return try Service(
            at: try #require(Timestamp(rfc3339: "2025-05-27T20:31:07Z")), simulated: false,
            collateral: GivenCollateral(collateral: try DCAPCollateral(json: json)))
    }

    func snpService() throws -> Service {
        try Service(
            at: try #require(Timestamp(rfc3339: "2025-06-15T00:00:00Z")), simulated: false,
            collateral: GivenCollateral(list: try Vectors.bytes("snp/chains/milan/crl-2025-05.der")))
    }

    @Test(arguments: ["sgx-intel-sdk-prodid", "sgx-intel-sdk-release"])
    func `a recorded SGX quote gets a token of grade hardware`(name: String) async throws {
        let service = try sgxService()
        let (route, body, expected) = try request(name)
        let answer = await service.post(route, body)
        #expect(answer.status == 200)
        #expect(answer.claims["x-cloister-grade"] == "hardware")
        #expect(answer.claims["x-cloister-tcb-status"] == "OutOfDate")
        for (claim, value) in expected.object ?? [:] where claim.hasPrefix("x-ms-sgx") {
            #expect(answer.claims[claim] == value, "\(claim)")
        }
        #expect(answer.claims["x-ms-sgx-collateral"]?["quotehash"] == expected["collateral.quotehash"])
    }

    @Test("AC-015 the same quote with one byte of its runtime data changed is refused")
    func wrongRuntime() async throws {
        let (route, body, _) = try request("sgx-intel-sdk-release-wrong-runtime")
        let answer = await (try sgxService()).post(route, body)
        #expect(answer.status == 400)
        #expect(answer.refusal == "binding-mismatch")
    }

    @Test("AC-005 a recorded debug enclave is refused")
    func debug() async throws {
        let json = try JSON.parse(Vectors.bytes("sgx/oasis-00606a/collateral-2025-06-eval17.json"))
        let service = try Service(
            at: try #require(Timestamp(rfc3339: "2025-06-19T11:00:35Z")), simulated: false,
            collateral: GivenCollateral(collateral: try DCAPCollateral(json: json)))
        let quote = Base64.encodeURL(try Vectors.bytes("sgx/occlum-00606a/quote.bin"))
        let answer = await service.post(sgxRoute, ["quote": .string(quote)])
        #expect(answer.refusal == "debug-enabled")
    }

    @Test func `a recorded SNP report gets every claim that the recorded token of it has`() async throws {
        let service = try snpService()
        let (route, body, _) = try request("snp-json-report")
        let answer = await service.post(route, body)
        #expect(answer.status == 200, "\(answer.body.text)")
        #expect(answer.claims["x-cloister-grade"] == "hardware")
        let recorded = try JSON.parse(Vectors.bytes("maa-requests/snp-token-2025.json"))["claims"]?.object ?? [:]
        #expect(!recorded.isEmpty)
        for (claim, value) in recorded where claim.hasPrefix("x-ms-sevsnpvm") {
            #expect(answer.claims[claim] == value, "\(claim)")
        }
        #expect(answer.claims["x-ms-policy-hash"] == recorded["x-ms-policy-hash"])
    }

    @Test("AC-015 runtime data of another report is refused")
    func otherRuntime() async throws {
        let (route, body, expected) = try request("snp-json-report")
        var members = body.object ?? [:]
        members["runtimeData"] = ["data": try #require(expected["runtimeDataSample"]), "dataType": "JSON"]
        let answer = await (try snpService()).post(route, .object(members))
        #expect(answer.refusal == "binding-mismatch")
    }

    @Test func `a recorded container group request is understood, its nonce kept to the digit`() async throws {
        let service = try snpService()
        let bytes = try Vectors.bytes("maa-requests/snp-aci-uvm.json")
        let text = String(decoding: bytes, as: UTF8.self)
        let (route, body, _) = try request("snp-aci-uvm")
        #expect(text.contains("13202930541250959283"))
        // The number as it was sent: a parsed one may have lost digits.
        let start = try #require(body.text.range(of: #""nonce":"#)?.upperBound)
        let end = try #require(body.text[start...].firstIndex { $0 == "," || $0 == "}" })
        let sent = body.text[..<start] + "13202930541250959283" + body.text[end...]
        let answer = Answer(
            await service.handler.respond(to: ServerRequest(.post, route, body: Array(String(sent).utf8))))
        #expect(answer.status == 200, "\(answer.body.text)")
        #expect(answer.claims["nonce"] == "13202930541250959283")
        #expect(answer.claims["x-ms-runtime"]?["keys"]?.array?.count == 1)
    }
}
