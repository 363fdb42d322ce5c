import Collateral
import Encoding
import Evidence
import HTTPTypes
import SimulatedTEE
import Testing

/// Vendors' services that answer everything alike.
private struct Vendor: CollateralTransport {
    /// Nil for no answer.
    var status: Int?

    func get(_ url: String) async throws(Refusal) -> CollateralResponse {
        guard let status else { throw Refusal(RefusalCode("unavailable", status: 503), "no answer in time") }
        return CollateralResponse(status: status)
    }
}

@Suite struct OutageTests {
    private func service(_ status: Int?) throws -> Service {
        let root = try EvidenceFactory.forTests.get().root.simulatedRoot()
        return try Service(
            collateral: CollateralClient(
                services: .vendors, transport: Vendor(status: status), cache: nil,
                anchors: TrustAnchors.vendors.trusting(root), clock: .fixed(Service.now)))
    }

    @Test(
        "AC-162 while a vendor does not answer, callers are told to come back",
        arguments: [nil, 500, 502, 503, 429] as [Int?])
    func outage(_ status: Int?) async throws {
        let service = try service(status)
        // The second time the vendor is left alone.
        for _ in 0..<2 {
            let sgx = await service.post(sgxRoute, try Sample.sgx())
            #expect(sgx.status == 503)
            #expect(sgx.errorCode == "ServiceUnavailable")
            #expect(sgx.refusal == "collateral-unavailable")
            #expect(sgx.headers[.retryAfter] == "10")
            #expect(sgx.token == nil)
            #expect(await service.post(try Sample.snp()).refusal == "collateral-unavailable")
        }
        #expect(try service.audit().allSatisfy { $0["code"] == "collateral-unavailable" })
    }

    @Test("AC-012 a platform that its vendor does not know is refused for good")
    func unknownPlatform() async throws {
        let service = try service(404)
        for _ in 0..<2 {
            let answer = await service.post(sgxRoute, try Sample.sgx())
            #expect(answer.status == 400)
            #expect(answer.refusal == "collateral-invalid")
            #expect(answer.headers[.retryAfter] == nil)
        }
    }
}
