import Collateral
import Encoding
import Evidence
import TestSupport
import Testing

@Suite("Recorded answers of the vendors' services", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct RecordedServiceTests {
    private static let time = Timestamp(seconds: 1_748_390_400)  // 2025-05-28
    private static let intel = "https://api.trustedservices.intel.com"
    private static let amd = "https://kdsintf.amd.com"

    /// Intel's PCS as it answered on 2025-05-27, in the recording's words.
    private func pcs() throws -> FakeService {
        let service = FakeService()
        func add(_ path: String, _ file: String, header: String, _ member: String) throws {
            let json = try JSON.parse(try Vectors.bytes("pcs/teepot/\(file).json"))
            let text = try #require(json[member]?.string)
            let body = member.hasSuffix("base64") ? Base64.decode(text, .lenient) : Array(text.utf8)
            service.add([
                "\(Self.intel)/\(path)": CollateralResponse(
                    status: 200, headers: [header: percentEncoded(try #require(json["issuer_chain"]?.string))],
                    body: try #require(body))
            ])
        }
        let document = "enclave_identity_json"
        let chain = "tcb-info-issuer-chain"
        try add(
            "sgx/certification/v4/tcb?fmspc=00906ed50000", "sgx_tcb_info_00906ED50000", header: chain, "tcb_info_json")
        try add(
            "sgx/certification/v4/tcb?fmspc=00906ed50000&update=early", "sgx_tcb_info_early", header: chain,
            "tcb_info_json")
        try add(
            "tdx/certification/v4/tcb?fmspc=00806f050000", "tdx_tcb_info_00806F050000", header: chain, "tcb_info_json")
        let enclave = "sgx-enclave-identity-issuer-chain"
        try add("sgx/certification/v4/qe/identity", "sgx_qe_identity", header: enclave, document)
        try add("sgx/certification/v4/qe/identity?update=early", "sgx_qe_identity", header: enclave, document)
        try add("tdx/certification/v4/qe/identity", "tdx_qe_identity", header: enclave, document)
        let list = "sgx-pck-crl-issuer-chain"
        try add(
            "sgx/certification/v4/pckcrl?ca=processor&encoding=der", "pck_crl_processor_der", header: list,
            "crl_data_base64")
        try add("sgx/certification/v4/pckcrl?ca=platform&encoding=der", "pck_crl_platform", header: list, "crl_data")
        let stored = try JSON.parse(try Vectors.bytes("sgx/maa-00906ed5/collateral-2025-05-eval17.json"))
        let root = try #require(stored["root_ca_crl"]?.string.flatMap { Hex.decode($0) })
        service.add([
            "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der": CollateralResponse(
                status: 200, body: root)
        ])
        return service
    }

    private func client(
        _ service: FakeService, _ services: CollateralServices = .vendors, at time: Timestamp = time
    ) -> CollateralClient {
        CollateralClient(
            services: services, transport: service, cache: nil, anchors: .vendors, clock: .fixed(time))
    }

    @Test func `SGX collateral of Intel's service verifies a quote of the same time`() async throws {
        let quote = try Vectors.bytes("sgx/maa-00906ed5/intel-prodid.quote.bin")
        let platform = try DCAPPlatformIdentity(of: try DCAPQuote(quote[...]))
        let collateral = try await client(try pcs()).dcap(
            tee: .sgx, fmspc: platform.fmspc, ca: platform.ca, at: Self.time)
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            quote, tee: .sgx, collateral: .dcap(collateral), at: Self.time)
        #expect(verdict.accepted && verdict.tcbStatus == "OutOfDate", Comment(rawValue: verdict.json.text))
        #expect(verdict.check("tcb-info")?.detail.contains("TCB info 17") == true)
    }

    @Test func `the early update is another document`() async throws {
        var services = CollateralServices.vendors
        services.update = .early
        let fmspc: [UInt8] = [0x00, 0x90, 0x6e, 0xd5, 0, 0]
        let early = try await client(try pcs(), services).dcap(
            tee: .sgx, fmspc: fmspc, ca: "processor", at: Self.time)
        #expect(early.tcbInfo.contains("\"tcbEvaluationDataNumber\":19"))
    }

    @Test func `TDX collateral is TDX's own, with the platform CA's list`() async throws {
        let found = try await client(try pcs()).dcap(
            tee: .tdx, fmspc: [0x00, 0x80, 0x6f, 0x05, 0, 0], ca: "platform", at: Self.time)
        #expect(found.tcbInfo.hasPrefix("{\"id\":\"TDX\"") && found.qeIdentity.hasPrefix("{\"id\":\"TD_QE\""))
        let json = try JSON.parse(try Vectors.bytes("pcs/teepot/pck_crl_platform.json"))
        let pem = try #require(json["crl_data"]?.string.flatMap { PEM.decode($0, label: "X509 CRL")?.first })
        #expect(found.pckCRL == Hex.encode(pem))
    }

    @Test func `SGX's documents do not pass as TDX's, nor TDX's as SGX's`() async throws {
        let service = try pcs()
        let sgx = "\(Self.intel)/sgx/certification/v4/qe/identity"
        let tdx = "\(Self.intel)/tdx/certification/v4/qe/identity"
        (service[sgx], service[tdx]) = (service[tdx], service[sgx])
        let client = client(service)
        for (tee, fmspc, ca) in [
            (TEE.sgx, "00906ed50000", "processor"), (.tdx, "00806f050000", "platform"),
        ] {
            let refused = await refusal {
                _ = try await client.dcap(tee: tee, fmspc: Hex.decode(fmspc) ?? [], ca: ca, at: Self.time)
            }
            #expect(refused?.code == .collateralInvalid && refused?.detail.contains("QE identity is for") == true)
        }
    }

    // MARK: AMD

    /// AMD's KDS with one chip's certificate, from a folder of vectors.
    private func kds(
        _ product: SNPProduct, _ folder: String, list: String?, lineEnd: String = "\n"
    ) throws -> (FakeService, SimulatedVendors.Chip, String) {
        let chip = try SimulatedVendors.chip(try Vectors.bytes("snp/\(folder)/report.bin"))
        let text = String(decoding: try Vectors.bytes("snp/\(folder)/vcek-chain.pem"), as: UTF8.self)
        let blocks = try #require(PEM.decode(text, label: "CERTIFICATE"))
        let chain = blocks.dropFirst().map { PEM.encode($0, label: "CERTIFICATE") }.joined()
            .replacing("\n", with: lineEnd)
        let service = FakeService()
        service.add([
            "\(Self.amd)/\(chip.request.path)": CollateralResponse(status: 200, body: blocks[0]),
            "\(Self.amd)/vcek/v1/\(product.rawValue)/cert_chain": CollateralResponse(
                status: 200, body: Array(chain.utf8)),
        ])
        if let list {
            service.add([
                "\(Self.amd)/vcek/v1/\(product.rawValue)/crl": CollateralResponse(
                    status: 200, body: try Vectors.bytes(list))
            ])
        }
        return (service, chip, chain)
    }

    @Test func `a Milan chip's certificates and list verify its report`() async throws {
        let (service, chip, _) = try kds(.milan, "milan-v3-routex", list: "snp/chains/milan/crl-2025-05.der")
        let found = try await client(service).snp(product: .milan, chipID: chip.id, tcb: chip.tcb, at: Self.time)
        var policy = AcceptancePolicy.default
        policy.requireRevocationLists = true
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            try Vectors.bytes("snp/milan-v3-routex/report.bin"), tee: .snp, collateral: .snp(found), at: Self.time,
            policy: policy)
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
    }

    @Test func `Turin is asked in its own form, and its chain has carriage returns`() async throws {
        let time = Timestamp(seconds: 1_755_363_886)
        let (service, chip, chain) = try kds(.turin, "turin-v5-routex", list: nil, lineEnd: "\r\n")
        #expect(
            chip.request.path == "vcek/v1/Turin/3b42092f69c656d3?fmcSPL=0&blSPL=1&teeSPL=0&snpSPL=2&ucodeSPL=71")
        let client = client(service, at: time)
        // There is no recorded list of Turin's, so that the whole is refused; the certificates are there.
        let refused = await refusal {
            _ = try await client.snp(
                product: .turin, chipID: chip.id + [UInt8](repeating: 0, count: 56), tcb: chip.tcb, at: time)
        }
        #expect(refused?.code == .collateralInvalid && refused?.detail.contains("revocation list for Turin") == true)
        let item = CollateralItem(
            request: chip.request,
            content: try #require(
                PEM.decode(
                    String(decoding: try Vectors.bytes("snp/turin-v5-routex/vcek-chain.pem"), as: UTF8.self),
                    label: "CERTIFICATE")?.first), issuers: chain)
        #expect(try item.proven(.vendors).publication.isCurrent(at: time))
        #expect(chain.contains("\r\n"))
    }

    @Test func `another Turin chip's certificate is refused`() async throws {
        let time = Timestamp(seconds: 1_755_363_886)
        let (service, chip, _) = try kds(.turin, "turin-v5-routex", list: nil)
        service.add([
            "\(Self.amd)/\(chip.request.path)": CollateralResponse(
                status: 200, body: try Vectors.bytes("snp/turin-other-vcek/vcek_turin.der"))
        ])
        let refused = await refusal {
            _ = try await client(service, at: time).snp(
                product: .turin, chipID: chip.id, tcb: chip.tcb, at: time)
        }
        #expect(refused?.code == .collateralInvalid && refused?.detail.contains("another chip") == true)
    }

    @Test func `chains for VCEKs and for VLEKs do not pass for each other`() async throws {
        let service = FakeService()
        let answers = ["vcek": "ask_ark_milan.pem", "vlek": "ask_ark_milan_vlek.pem"]
        for (kind, file) in answers {
            service.add([
                "\(Self.amd)/\(kind)/v1/Milan/cert_chain": CollateralResponse(
                    status: 200, body: try Vectors.bytes("snp/chains/milan/\(file)")),
                "\(Self.amd)/\(kind)/v1/Milan/crl": CollateralResponse(
                    status: 200, body: try Vectors.bytes("snp/chains/milan/crl-2025-05.der")),
            ])
        }
        for kind in [EndorsementKeyKind.vcek, .vlek] {
            #expect(try await client(service).snpCRL(product: "Milan", kind: kind, at: Self.time) != nil)
        }
        let (vcek, vlek) = ("\(Self.amd)/vcek/v1/Milan/cert_chain", "\(Self.amd)/vlek/v1/Milan/cert_chain")
        (service[vcek], service[vlek]) = (service[vlek], service[vcek])
        for kind in [EndorsementKeyKind.vcek, .vlek] {
            let refused = await refusal {
                _ = try await client(service).snpCRL(product: "Milan", kind: kind, at: Self.time)
            }
            #expect(refused?.code == .collateralInvalid)
        }
    }

    @Test func `a recorded answer of Azure's host is a VCEK with its chain`() async throws {
        let body = try Vectors.bytes("snp/thim/uvm_host_amd_certificate.json")
        let json = try JSON.parse(body)
        let vcek = try Certificate.chain(pem: json["vcekCert"]?.string ?? "")[0]
        let id = Array(try #require(vcek.extensionValue("1.3.6.1.4.1.3704.1.4")))
        // tcbm, a number in hexadecimal: 0x73 microcode, 8 SNP, 0 TEE, 3 boot loader.
        #expect(json["tcbm"]?.string == "7308000000000003")
        let tcb = SNPTCBVersion(bootLoader: 3, tee: 0, snp: 8, microcode: 0x73)
        let service = FakeService()
        service.add([
            "http://169.254.169.254/metadata/THIM/amd/certification": CollateralResponse(status: 200, body: body)
        ])
        var services = CollateralServices()
        services.asksAzureInstance = true
        let found = try await client(service, services).snp(product: .milan, chipID: Array(id), tcb: tcb, at: Self.time)
        #expect(found.crl == nil && found.vek.hasPrefix("-----BEGIN CERTIFICATE-----"))
        let other = await refusal {
            _ = try await client(service, services).snp(
                product: .milan, chipID: [UInt8](1...64), tcb: tcb, at: Self.time)
        }
        #expect(other?.code == .collateralInvalid)
    }
}

extension Verdict {
    fileprivate func check(_ name: String) -> Check? { checks.first { $0.name == name } }
}
