import Collateral
import Encoding
import Evidence
import Testing

@Suite("Forms in which services answer")
struct CollateralFormTests {
    private typealias Vendors = SimulatedVendors

    /// Changes one answer, and asks for everything.
    private func dcap(
        _ url: String, _ change: (inout CollateralResponse) throws -> Void
    ) async throws -> (DCAPCollateral, SimulatedVendors) {
        let vendors = try Vendors()
        guard case .response(var response) = vendors.service[url] else { throw Refusal(.notFound, url) }
        try change(&response)
        vendors.service[url] = .response(response)
        return (try await vendors.dcap(try vendors.client()), vendors)
    }

    @Test(arguments: ["der", "pem", "hex", "HEX\r\n"])
    func `revocation lists come as DER, PEM or hexadecimal, and are the same then`(_ form: String) async throws {
        for url in [Vendors.rootList, "\(Vendors.base)/sgx/certification/v4/pckcrl?ca=processor&encoding=der"] {
            let (found, vendors) = try await dcap(url) { response in
                switch form {
                case "pem": response.body = Array(PEM.encode(response.body, label: "X509 CRL").utf8)
                case "hex": response.body = Array(Hex.encode(response.body).utf8)
                case "HEX\r\n": response.body = Array((Hex.encode(response.body).uppercased() + "\r\n").utf8)
                default: break
                }
            }
            #expect(try found == Vendors.published(at: Vendors.start).sgx)
            let stored = try #require(try vendors.cache.stored(.rootRevocationList))
            #expect(Hex.encode(stored.item.content) == found.rootCACRL)
        }
    }

    @Test func `a PCCS has the root list under its own address`() async throws {
        let vendors = try Vendors()
        var services = Vendors.services
        services.intelRootList = nil
        vendors.service["\(Vendors.base)/sgx/certification/v4/rootcacrl"] = vendors.service[Vendors.rootList]
        #expect(
            try await vendors.dcap(try vendors.client(services)) == Vendors.published(at: Vendors.start).sgx)
        #expect(!vendors.service.asked.contains(Vendors.rootList))
    }

    @Test func `what Intel signed is taken out byte by byte, wherever it stands`() async throws {
        let published = try Vendors.published(at: Vendors.start).sgx
        let decoys = "\"note\":\"\\\"tcbInfo\\\":{}\",\"list\":[\"tcbInfo\",{\"tcbInfo\":{}}],\"tcb\\\\\":1"
        let url = try Vendors().tcbInfoURL
        for body in [
            "{\"signature\":\"\(published.tcbInfoSignature)\",\"tcbInfo\":\(published.tcbInfo)}",
            " {\(decoys), \"tcbInfo\" \n:\t \(published.tcbInfo) \r\n, \"signature\": \"\(published.tcbInfoSignature)\"}\n",
        ] {
            let (found, _) = try await dcap(url) { $0.body = Array(body.utf8) }
            #expect(found == published)
        }
    }

    @Test(arguments: [
        "{\"tcbInfo\":INFO}", "{\"tcbInfo\":[INFO],\"signature\":\"SIGN\"}",
        "[{\"tcbInfo\":INFO,\"signature\":\"SIGN\"}]",
        "{\"a\":{\"tcbInfo\":INFO},\"signature\":\"SIGN\"}", "{\"tcb\\u0049nfo\":INFO,\"signature\":\"SIGN\"}",
        "{\"tcbInfo\":INFO,\"signature\":\"SIGN\"}}", "{\"tcbInfo\":INFO,\"tcbInfo\":INFO,\"signature\":\"SIGN\"}",
        "{\"tcbInfo\": INFO ,\"signature\":\"00\"}",
    ])
    func `another shape is refused`(_ shape: String) async throws {
        let published = try Vendors.published(at: Vendors.start).sgx
        let body = shape.replacing("INFO", with: published.tcbInfo).replacing("SIGN", with: published.tcbInfoSignature)
        let refused = await refusal { _ = try await dcap(try Vendors().tcbInfoURL) { $0.body = Array(body.utf8) } }
        #expect(refused?.code == .collateralInvalid)
    }

    @Test func `issuer chains are percent-encoded in headers, the older name counts too`() async throws {
        let (found, _) = try await dcap(try Vendors().tcbInfoURL) { response in
            response.headers["sgx-tcb-info-issuer-chain"] = response.headers.removeValue(
                forKey: "tcb-info-issuer-chain")
        }
        #expect(try found == Vendors.published(at: Vendors.start).sgx)
    }

    @Test(arguments: ["%", "%4", "%zz", "%+1", "%ff", "-----BEGIN%20CERTIFICATE-----"])
    func `a header that is no encoded chain is refused`(_ value: String) async throws {
        let refused = await refusal {
            _ = try await dcap(try Vendors().tcbInfoURL) { $0.headers["tcb-info-issuer-chain"] = value }
        }
        #expect(refused?.code == .collateralInvalid)
    }

    @Test func `the host of an Azure machine is asked first, and AMD where it has another chip`() async throws {
        let vendors = try Vendors()
        var services = Vendors.services
        services.asksAzureInstance = true
        let host = "http://169.254.169.254/metadata/THIM/amd/certification"
        let published = try Vendors.published(at: Vendors.start).snp
        let json: JSON = [
            "vcekCert": .string(published.vek), "certificateChain": .string(published.chain),
            "tcbm": "DB18000000000004", "cacheControl": "86400",
        ]
        vendors.service[host] = .response(CollateralResponse(status: 200, body: json.canonical))
        let chip = try Vendors.chip()
        let found = try await vendors.client(services).snp(
            product: chip.product, chipID: chip.id, tcb: chip.tcb, at: vendors.clock.now)
        #expect(found == published)
        #expect(vendors.service.asked.first == host)
        #expect(!vendors.service.asked.contains { $0.contains("SPL") })

        // Another machine, whose host answers with its own certificate.
        let elsewhere = try Vendors()
        elsewhere.service[host] = .response(
            CollateralResponse(status: 200, body: Array("{\"vcekCert\":\"\",\"certificateChain\":\"\"}".utf8)))
        let asked = try await elsewhere.client(services).snp(
            product: chip.product, chipID: chip.id, tcb: chip.tcb, at: elsewhere.clock.now)
        #expect(asked == published)
        #expect(elsewhere.service.asked.contains { $0.contains("SPL") })
    }

    @Test func `without a way to AMD an Azure machine has certificates and no list`() async throws {
        let vendors = try Vendors(publishes: false)
        var services = CollateralServices()
        services.asksAzureInstance = true
        let published = try Vendors.published(at: Vendors.start).snp
        let json: JSON = ["vcekCert": .string(published.vek), "certificateChain": .string(published.chain)]
        vendors.service["http://169.254.169.254/metadata/THIM/amd/certification"] = .response(
            CollateralResponse(status: 200, body: json.canonical))
        let chip = try Vendors.chip()
        let found = try await vendors.client(services).snp(
            product: chip.product, chipID: chip.id, tcb: chip.tcb, at: vendors.clock.now)
        #expect(found == SNPCollateral(vek: published.vek, chain: published.chain))
    }
}
