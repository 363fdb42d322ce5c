import Collateral
import Encoding
import Evidence
import HTTPTypes
import ServiceKit
import TestSupport
import Testing

/// Answers that were recorded, by path.
private struct ReplayHandler: RequestHandler {
    var answers: [String: ServerResponse]

    func respond(to request: ServerRequest) async -> ServerResponse {
        answers[request.path] ?? ServerResponse(status: 404)
    }

    func route(of request: ServerRequest) -> StaticString { "/replay" }
    func readiness() async -> Readiness { Readiness(isReady: true) }
}

extension ServerTests {
    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `collateral is fetched over TLS from a service that replays recorded answers`() async throws {
        var handler = ReplayHandler(answers: [:])
        let percentEncode = { (text: String) in text.utf8.map { "%" + Hex.encode([$0]) }.joined() }
        for (path, file, header, member) in [
            ("tcb", "sgx_tcb_info_00906ED50000", "TCB-Info-Issuer-Chain", "tcb_info_json"),
            ("qe/identity", "sgx_qe_identity", "SGX-Enclave-Identity-Issuer-Chain", "enclave_identity_json"),
            ("pckcrl", "pck_crl_processor", "SGX-PCK-CRL-Issuer-Chain", "crl_data"),
        ] {
            let json = try JSON.parse(try Vectors.bytes("pcs/teepot/\(file).json"))
            let name = try #require(HTTPField.Name(header))
            handler.answers["/sgx/certification/v4/" + path] = ServerResponse(
                status: 200, headers: [name: percentEncode(json["issuer_chain"]?.string ?? "")],
                body: Array((json[member]?.string ?? "").utf8))
        }
        let stored = try JSON.parse(try Vectors.bytes("sgx/maa-00906ed5/collateral-2025-05-eval17.json"))
        handler.answers["/sgx/certification/v4/rootcacrl"] = ServerResponse(
            status: 200, body: Array((stored["root_ca_crl"]?.string ?? "").utf8))
        handler.answers["/vcek/v1/Milan/cert_chain"] = ServerResponse(
            status: 429, headers: [.retryAfter: "90"])
        try await withServer(handler) { url, authorities in
            let time = Timestamp(seconds: 1_748_390_400)
            var services = CollateralServices()
            services.intel = url
            services.amd = url
            let transport = try VendorTransport(authorities: authorities)
            let client = CollateralClient(
                services: services, transport: transport, cache: nil, anchors: .vendors, clock: .fixed(time))
            let found = try await client.dcap(
                tee: .sgx, fmspc: [0, 0x90, 0x6e, 0xd5, 0, 0], ca: "processor", at: time)
            #expect(found.tcbInfo.contains("00906ED50000"))
            do throws(Refusal) {
                _ = try await client.snpCRL(product: "Milan", kind: .vcek, at: time)
                Issue.record("a service that answers 429 gave a list")
            } catch {
                #expect(error.code == .collateralUnavailable && error.detail.contains("retry after \(time + 90)"))
            }
            await transport.shutdown()
        }
    }

    @Test func `redirects are not followed, long answers are cut off, and plain HTTP is not spoken`() async throws {
        let handler = ReplayHandler(answers: [
            "/moved": ServerResponse(status: 302, headers: [.location: "/found"]),
            "/found": ServerResponse(status: 200),
            "/long": ServerResponse(
                status: 200, body: [UInt8](repeating: 0, count: CollateralResponse.maximumBytes + 1)),
        ])
        try await withServer(handler) { url, authorities in
            let transport = try VendorTransport(authorities: authorities)
            let moved = try await transport.get(url + "/moved")
            #expect(moved.status == 302 && moved.headers["location"] == "/found")
            await #expect(throws: Refusal.self) { try await transport.get(url + "/long") }
            await #expect(throws: Refusal.self) {
                try await transport.get(url.replacing("https", with: "http") + "/found")
            }
            await transport.shutdown()
            let stranger = try VendorTransport()
            await #expect(throws: Refusal.self) { try await stranger.get(url + "/found") }
            await stranger.shutdown()
        }
    }
}
