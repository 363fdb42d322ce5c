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
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors"))
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

    func snpService(_ launches: LaunchAcceptance = .none) throws -> Service {
        try Service(
            at: try #require(Timestamp(rfc3339: "2025-06-15T00:00:00Z")), simulated: false,
            collateral: GivenCollateral(list: try Vectors.bytes("snp/chains/milan/crl-2025-05.der")),
            launches: launches)
    }

    @Test(arguments: ["sgx-intel-sdk-prodid", "sgx-intel-sdk-release", "oe-sdk-prodid"])
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
        let sent = try #require((body["quote"] ?? body["report"])?.string.flatMap { Base64.decode($0, .lenient) })
        #expect(
            answer.claims["x-ms-sgx-collateral"]?["quotehash"] == .string(Digest(of: sent).hex),
            "the quote as it was sent, an Open Enclave report with its header")
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

    @Test("AC-015 runtime data of another report is refused")
    func otherRuntime() async throws {
        let (route, body, expected) = try request("snp-json-report")
        var members = body.object ?? [:]
        members["runtimeData"] = ["data": try #require(expected["runtimeDataSample"]), "dataType": "JSON"]
        let answer = await (try snpService()).post(route, .object(members))
        #expect(answer.refusal == "binding-mismatch")
    }

    @Test(
        "a recorded container group request is understood, its nonce kept to the digit, its launch compliant by endorsement",
        arguments: [
            (nil, nil, nil), (103, "azure-compliant-uvm", nil), (104, nil, "svn-too-low"),
        ] as [(Int?, JSON?, String?)])
    func containerGroup(minimum: Int?, status: JSON?, refusal: String?) async throws {
        var launches = LaunchAcceptance.none
        if let minimum {
            let issuer =
                "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2"
            let list: JSON = [
                "format": "cloister-launch-acceptance/1",
                "uvm": [
                    [
                        "issuer": .string(issuer), "feed": "ContainerPlat-AMD-UVM",
                        "minimumSecurityVersion": .integer(Int64(minimum)),
                    ]
                ],
            ]
            launches = try LaunchAcceptance(json: list.canonical)
        }
        let service = try snpService(launches)
        let bytes = try Vectors.bytes("maa-requests/snp-aci-uvm.json")
        let text = String(decoding: bytes, as: UTF8.self)
        let (route, body, expected) = try request("snp-aci-uvm")
        #expect(text.contains("13202930541250959283"))
        // The number as it was sent: a parsed one may have lost digits.
        let start = try #require(body.text.range(of: #""nonce":"#)?.upperBound)
        let end = try #require(body.text[start...].firstIndex { $0 == "," || $0 == "}" })
        let sent = body.text[..<start] + "13202930541250959283" + body.text[end...]
        let answer = Answer(
            await service.handler.respond(to: ServerRequest(.post, route, body: Array(String(sent).utf8))))
        #expect(answer.refusal == refusal, "\(answer.body.text)")
        guard refusal == nil else { return }
        #expect(answer.claims["nonce"] == "13202930541250959283")
        #expect(answer.claims["x-ms-runtime"]?["keys"]?.array?.count == 1)
        #expect(answer.claims["x-ms-compliance-status"] == status)
        let fields = try #require(expected["reportFields"]?.object)
        for (name, value) in fields where !["policy", "reportVersion", "chipId"].contains(name) {
            #expect(answer.claims["x-ms-sevsnpvm-\(name)"] == value, "\(name)")
        }
        #expect(answer.claims["x-ms-sevsnpvm-chipid"] == fields["chipId"])
    }

    @Test(
        "AC-015 an endorsement with one changed bit is refused where its issuer is listed",
        arguments: [200, 5_000, 7_000, 10_890])
    func endorsementBit(offset: Int) async throws {
        let list: JSON = [
            "format": "cloister-launch-acceptance/1",
            "uvm": [["issuer": "anybody", "feed": "any", "minimumSecurityVersion": 0]],
        ]
        let service = try snpService(try LaunchAcceptance(json: list.canonical))
        let (route, body, _) = try request("snp-aci-uvm")
        var members = try #require(body.object)
        members["nonce"] = nil
        var envelope = try #require(try decoded(members["report"]).object)
        let endorsements = try decoded(envelope["Endorsements"])
        var message = try #require(endorsements["Uvm"]?.strings?.first.flatMap { Base64.decode($0, .lenient) })
        // The unprotected header, with a time stamp, is nobody's word; 7,000 is inside it.
        message[offset] ^= 1
        envelope["Endorsements"] = .string(
            Base64.encodeURL(JSON.object(["Uvm": [.string(Base64.encodeURL(message))]]).canonical))
        members["report"] = .string(Base64.encodeURL(JSON.object(envelope).canonical))
        let answer = await service.post(route, .object(members))
        if offset == 7_000 {
            #expect(answer.status == 200, "\(answer.body.text)")
        } else {
            let codes = ["evidence-malformed", "evidence-chain", "evidence-signature"]
            #expect(codes.contains(answer.refusal ?? ""), "\(answer.body.text)")
        }
    }

    func decoded(_ value: JSON?) throws -> JSON {
        try JSON.parse(try #require(value?.string.flatMap { Base64.decode($0, .lenient) }))
    }

    @Test("AC-005 a recorded Open Enclave report of a debug enclave is refused")
    func openEnclaveDebug() async throws {
        let (route, body, _) = try request("oe-sdk-debug")
        let answer = await (try sgxService()).post(route, body)
        #expect(answer.refusal == "debug-enabled")
    }

    @Test func `a recorded TDX quote reaches no level of the collateral there is, and says what can be read from it`()
        async throws
    {
        let json = try JSON.parse(Vectors.bytes("tdx/oe-90c06f-v5-relaunch/collateral.json"))
        let collateral = try DCAPCollateral(json: json)
        let time = try #require(Timestamp(rfc3339: "2025-02-26T11:37:20Z"))
        let service = try Service(at: time, simulated: false, collateral: GivenCollateral(tdx: collateral))
        let (route, body, expected) = try request("tdx-quote-v4")
        #expect(await service.post(route, body).refusal == "tcb-not-accepted")
        // A token would have had these claims.
        let quote = try #require(body["quote"]?.string.flatMap { Base64.decode($0, .lenient) })
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            quote, tee: .tdx, collateral: .dcap(collateral), at: time)
        let claims = expected.object ?? [:]
        #expect(claims.count > 20)
        for (claim, value) in claims { #expect(verdict.claims[claim] == value, "\(claim)") }
    }

    @Test func `a recorded TDX quote of an up-to-date platform gets a token of grade hardware`() async throws {
        let json = try JSON.parse(Vectors.bytes("tdx/phala-b0c06f-v4/collateral.json"))
        let service = try Service(
            at: try #require(Timestamp(rfc3339: "2025-06-19T11:32:27Z")), simulated: false,
            collateral: GivenCollateral(tdx: try DCAPCollateral(json: json)))
        let quote = Base64.encodeURL(try Vectors.bytes("tdx/phala-b0c06f-v4/quote.bin"))
        let answer = await service.post("/attest/TdxVm?api-version=2023-04-01-preview", ["quote": .string(quote)])
        #expect(answer.status == 200, "\(answer.body.text)")
        #expect(answer.claims["eat_profile"] == "https://aka.ms/maa-eat-profile-tdxvm")
        #expect(answer.claims["dbgstat"] == "disabled")
        #expect(answer.claims["intuse"] == "generic")
        #expect(answer.claims["x-ms-attestation-type"] == "tdxvm")
        #expect(answer.claims["attester_tcb_status"] == "UpToDate")
        #expect(answer.claims["x-cloister-grade"] == "hardware")
        #expect(answer.claims["x-ms-policy-hash"] == "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco")
    }

    @Test func `a TDREPORT without its quote is refused on both routes`() async throws {
        let file = try JSON.parse(Vectors.bytes("maa-requests/tdx-hcl-blob.json"))
        let blob = try #require(file["hclBlob"])
        let service = try snpService()
        let tdx = await service.post("/attest/TdxVm?api-version=2023-04-01-preview", ["quote": blob])
        #expect(tdx.refusal == "evidence-malformed")
        let snp = await service.post("/attest/SevSnpVm?api-version=2022-08-01", ["report": blob])
        #expect(snp.refusal == "evidence-malformed")
        #expect(snp.body["error"]?["message"]?.string?.contains("TdxVm") == true)
    }
}
