import Attester
import Encoding
import Evidence
import HTTPTypes
import KeyRelease
import ServiceKit
import TestSupport
import Testing

@testable import KeyReleaseSidecar

/// Where certificates come from, and that they are of the report's TCB.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors")) struct CertificateTests {
    let group: RecordedGroup
    let thim: [UInt8]
    let tcb: UInt64 = 0x7308_0000_0000_0003

    init() throws {
        group = try RecordedGroup()
        thim = try Vectors.bytes("skr/collateral/uvm_host_amd_certificate.json")
    }

    func fetch(_ endpoint: CertificateEndpoint, _ web: FakeWeb) async throws -> HostCertificates {
        try await endpoint.certificates(
            chip: [0xab, 0x01], tcb: tcb, by: RetryingFetcher(web: web, pause: NoPause()))
    }

    func endpoint(_ members: [String: JSON]) throws -> CertificateEndpoint {
        try CertificateEndpoint(.object(members))
    }

    @Test func `the recorded THIM answer and the recorded PEM are of the recorded report's TCB`() throws {
        let certificates = try HostCertificates(thim: thim)
        #expect(certificates.tcb == tcb)
        #expect(certificates.tcbText == "7308000000000003")
        #expect(certificates.pem == group.pem)
        #expect(try SNPReport(group.report[...]).reportedTCBNumber == tcb)
        #expect(HostCertificates(vcek: "", chain: "", tcb: 3).tcbText == "0000000000000003")
    }

    @Test func `the local service is asked as documented`() async throws {
        let thim = thim
        let web = FakeWeb { _ in FakeWeb.bytes(thim) }
        #expect(try await fetch(try endpoint(["endpoint_type": "LocalTHIM"]), web).tcb == tcb)
        #expect(web.sent.map(\.url) == ["http://169.254.169.254/metadata/THIM/amd/certification"])
        #expect(web.sent[0].headers[.metadata] == "true")
    }

    @Test func `Azure's cache is asked as documented, and the TCB is read from the certificate`() async throws {
        let pem = Array(group.pem.utf8)
        let web = FakeWeb { _ in FakeWeb.bytes(pem) }
        let found = try await fetch(try endpoint([:]), web)
        #expect(found.tcb == tcb)
        #expect(try Certificate.chain(pem: found.pem) == Certificate.chain(pem: group.pem))
        #expect(
            web.sent.map(\.url) == [
                "https://global.acccache.azure.net/SevSnpVM/certificates/ab01/7308000000000003"
                    + "?api-version=2020-10-15-preview&clientId=ConfidentialACI"
            ])
        let refused = await #expect(throws: Refusal.self) {
            try await fetch(try endpoint([:]), FakeWeb { _ in FakeWeb.bytes([1]) })
        }
        #expect(refused?.code == .collateralInvalid)
    }

    @Test func `AMD is asked by chip and components, then for the chain`() async throws {
        let web = FakeWeb { request in
            FakeWeb.bytes(request.url.hasSuffix("cert_chain") ? Array("PEM".utf8) : [1, 2, 3])
        }
        let found = try await fetch(try endpoint(["endpoint_type": "AMD"]), web)
        #expect(found.tcb == tcb)
        #expect(found.chain == "PEM")
        #expect(PEM.decode(found.vcek, label: "CERTIFICATE") == [[1, 2, 3]])
        #expect(
            web.sent.map(\.url) == [
                "https://kdsintf.amd.com/vcek/v1/Milan/ab01?ucodeSPL=115&snpSPL=8&teeSPL=0&blSPL=3",
                "https://kdsintf.amd.com/vcek/v1/Milan/cert_chain",
            ])
    }

    @Test(
        "AC-162 a service in trouble is asked twice more, one that refuses is not",
        arguments: [
            (503, 3), (429, 3), (408, 3), (404, 1), (400, 1), (0, 3),
        ])
    func retries(_ status: Int, _ requests: Int) async throws {
        let web = FakeWeb { _ in status == 0 ? nil : FakeWeb.status(status) }
        let pause = NotedPause()
        let fetcher = RetryingFetcher(
            web: web, pause: pause, randomness: Randomness { .init(repeating: 0xff, count: $0) })
        let refusal = await #expect(throws: Refusal.self) { try await fetcher.get("https://a.test/") }
        #expect(refusal?.code == .unavailable)
        #expect(web.sent.count == requests)
        #expect(pause.waits.count == requests - 1)
        for (index, wait) in pause.waits.enumerated() { #expect(wait < .seconds(index == 0 ? 10 : 100)) }
    }

    @Test func `wrong THIM answers and wrong settings are refused`() throws {
        for text in ["", "{}", #"{"vcekCert":"a","tcbm":"xx","certificateChain":"b"}"#, "[]"] {
            #expect(throws: Refusal.self) { try HostCertificates(thim: Array(text.utf8)) }
        }
        for members: [String: JSON] in [
            ["endpoint_type": "Other"], ["endpoint": "a b"], ["unknown": 1], ["tee_type": 1],
        ] {
            #expect(throws: Refusal.self) { try endpoint(members) }
        }
    }
}

/// After an update of the host's firmware, reports and certificates must agree again.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors")) struct TCBRefreshTests {
    static let data = Array("{}".utf8)

    func attester(_ group: RecordedGroup, initial: UInt64, _ web: FakeWeb) throws -> GroupAttester {
        var certificates = try HostCertificates(thim: try Vectors.bytes("skr/collateral/uvm_host_amd_certificate.json"))
        certificates.tcb = initial
        return GroupAttester(
            source: group, context: SecurityContext(),
            store: CertificateStore(
                certificates, endpoint: .localTHIM("thim.test"), fetcher: RetryingFetcher(web: web, pause: NoPause())),
            attestation: AttestationClient(client: web))
    }

    func thim() throws -> FakeWeb {
        let answer = FakeWeb.bytes(try Vectors.bytes("skr/collateral/uvm_host_amd_certificate.json"))
        return FakeWeb { _ in answer }
    }

    @Test func `certificates that agree are used as they are`() async throws {
        let web = try thim()
        let endorsed = try await attester(try RecordedGroup(), initial: 0x7308_0000_0000_0003, web).endorsed(
            over: Self.data)
        #expect(endorsed.certificates.tcb == 0x7308_0000_0000_0003)
        #expect(web.sent.isEmpty)
    }

    @Test func `other certificates are fetched once and kept`() async throws {
        let web = try thim()
        let attester = try attester(try RecordedGroup(), initial: 0xffff_ffff, web)
        for _ in 0..<2 { _ = try await attester.endorsed(over: Self.data) }
        #expect(web.sent.count == 1)
    }

    @Test func `a report from before the update is made anew, and the new one is sent`() async throws {
        let web = try thim()
        let endorsed = try await attester(try RecordedGroup(otherTCBs: [7]), initial: 9, web).endorsed(over: Self.data)
        #expect(try SNPReport(endorsed.report[...]).reportedTCBNumber == 0x7308_0000_0000_0003)
        #expect(web.sent.count == 2)
    }

    @Test("AC-011 a report whose TCB no certificate has is refused")
    func mismatch() async throws {
        let attester = try attester(try RecordedGroup(otherTCBs: [7, 8]), initial: 9, try thim())
        let refusal = await #expect(throws: Refusal.self) { try await attester.endorsed(over: Self.data) }
        #expect(refusal?.code == .tcbInconsistent)
        #expect(
            refusal?.detail
                == "SNP reported TCB value: 8 doesn't match Certificate TCB value: \(0x7308_0000_0000_0003)")
    }

    @Test func `without certificates anywhere the sidecar does not start`() async throws {
        let web = FakeWeb()
        let attester = GroupAttester(
            source: try RecordedGroup(), context: SecurityContext(),
            store: CertificateStore(
                nil, endpoint: .localTHIM("thim.test"), fetcher: RetryingFetcher(web: web, pause: NoPause())),
            attestation: AttestationClient(client: web))
        await #expect(throws: Refusal.self) { try await attester.prepare() }
    }
}
