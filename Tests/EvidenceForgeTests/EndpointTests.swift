import Encoding
import Evidence
import EvidenceForge
import Testing

@Suite("The vendors' web services over a simulated root")
struct EndpointTests {
    static let time = Timestamp(seconds: 1_795_300_000)
    static let world = Result {
        let keys = try KeyRing.forged(seed: "endpoints")
        let issued = time - 30 * Dates.day
        let dates = Dates(issued: issued, collateral: time - Dates.day)
        return (
            keys: keys, dates: dates, endpoints: VendorEndpoints(keys: keys, issued: issued),
            verifier: EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(try .forged(keys: keys, dates: dates)))
        )
    }
    static let program = AttestedProgram(
        measurement: [UInt8](repeating: 1, count: 48), hostData: [UInt8](repeating: 2, count: 32),
        reportData: [UInt8](repeating: 3, count: 64))

    private func get(_ target: String) throws -> EndpointAnswer {
        try EndpointTests.world.get().endpoints.answer(target, at: EndpointTests.time)
    }

    private func text(_ target: String) throws -> String {
        let answer = try get(target)
        try #require(answer.status == 200, "\(target)")
        return String(decoding: answer.body, as: UTF8.self)
    }

    /// The chain in a header, decoded as a client would.
    private func chain(_ target: String, _ header: String) throws -> String {
        let value = try #require(try get(target).headers[header])
        #expect(!value.contains("\n") && !value.contains("+") && !value.contains(" "))
        var bytes: [UInt8] = []
        var rest = Array(value.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                bytes += try #require(Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)))
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Document and signature, cut out of the answer as verifiers do.
    private func document(_ target: String, _ name: String) throws -> (String, String) {
        let text = try text(target)
        let end = try #require(text.firstRange(of: ",\"signature\":\""))
        return (
            String(text[..<end.lowerBound].dropFirst("{\"\(name)\":".count)),
            String(text[end.upperBound...].prefix { $0 != "\"" })
        )
    }

    @Test("a quote is accepted with collateral fetched by the paths of Intel's service", arguments: [TEE.sgx, .tdx])
    func intel(_ tee: TEE) throws {
        let world = try EndpointTests.world.get()
        var program = EndpointTests.program
        if tee == .sgx { program.measurement.removeLast(16) }
        let recipe = try QuotedEvidenceRecipe.standard(
            tee == .sgx ? .sgx3 : .tdx4, program: program, keys: world.keys, dates: world.dates,
            at: EndpointTests.time)
        let fmspc = Hex.encode(recipe.dcap.platform.fmspc)
        let base = "/\(tee.rawValue)/certification/v4"
        let info = try document("\(base)/tcb?fmspc=\(fmspc)", "tcbInfo")
        let identity = try document("\(base)/qe/identity", "enclaveIdentity")
        let list = "/sgx/certification/v4/pckcrl?ca=\(tee == .sgx ? "processor" : "platform")"
        let collateral = DCAPCollateral(
            pckCRLIssuerChain: try chain(list, "sgx-pck-crl-issuer-chain"),
            rootCACRL: try text("/sgx/certification/v4/rootcacrl"),
            pckCRL: Hex.encode(try get(list + "&encoding=der").body),
            tcbInfoIssuerChain: try chain("\(base)/tcb?fmspc=\(fmspc.uppercased())", "tcb-info-issuer-chain"),
            tcbInfo: info.0, tcbInfoSignature: info.1,
            qeIdentityIssuerChain: try chain("\(base)/qe/identity", "sgx-enclave-identity-issuer-chain"),
            qeIdentity: identity.0, qeIdentitySignature: identity.1)
        let verdict = world.verifier.verify(
            try recipe.made().evidence, tee: tee, collateral: .dcap(collateral), at: EndpointTests.time,
            reportData: EndpointTests.program.reportData)
        #expect(verdict.accepted && verdict.tcbStatus == "UpToDate", "\(verdict.detail)")
        #expect(try PEM.decode(text(list), label: "X509 CRL") == [get(list + "&encoding=der").body])
        #expect(try Hex.decode(collateral.rootCACRL) == get("/IntelSGXRootCA.der").body)
    }

    @Test(
        "a report is accepted with certificates and list fetched by the paths of AMD's service",
        arguments: SNPProduct.allCases)
    func amd(_ product: SNPProduct) throws {
        let world = try EndpointTests.world.get()
        for (kind, name) in [(SNPReport.SigningKey.vcek, "vcek"), (.vlek, "vlek")] {
            let recipe = try SNPRecipe.standard(
                product, kind, version: 5, program: EndpointTests.program, keys: world.keys, dates: world.dates,
                at: EndpointTests.time)
            let base = "/\(name)/v1/\(product.rawValue)"
            // AMD hands VLEKs to cloud providers alone.
            var vek = try recipe.endorsedLeaf.pem()
            if kind == .vcek, let id = recipe.endorsement.hardwareID {
                vek = PEM.encode(
                    try get("\(base)/\(Hex.encode(id))?\(query(recipe.endorsement.tcb, product))").body,
                    label: "CERTIFICATE")
            }
            let collateral = SNPCollateral(
                vek: vek, chain: try text("\(base)/cert_chain"), crl: try get("\(base)/crl").body)
            let verdict = world.verifier.verify(
                try recipe.signedReport(), tee: .snp, collateral: .snp(collateral), at: EndpointTests.time)
            #expect(verdict.accepted, "\(verdict.detail)")
            #expect(verdict.check("revocation-lists")?.outcome == .passed)
        }
    }

    private func query(_ tcb: SNPTCBVersion, _ product: SNPProduct) -> String {
        (product == .turin ? "fmcSPL=\(tcb.fmc)&" : "")
            + "blSPL=\(tcb.bootLoader)&teeSPL=\(tcb.tee)&snpSPL=\(tcb.snp)&ucodeSPL=\(tcb.microcode)"
    }

    @Test func `Azure's host has the same, and the VCEK of its machine as JSON`() throws {
        let world = try EndpointTests.world.get()
        #expect(try text("/metadata/THIM/sgx/certification/v4/rootcacrl") == text("/sgx/certification/v4/rootcacrl"))
        let json = try JSON.parse(try get("/metadata/THIM/amd/certification").body)
        let recipe = try SNPRecipe.standard(
            .milan, version: 3, program: EndpointTests.program, keys: world.keys, dates: world.dates,
            at: EndpointTests.time)
        let collateral = SNPCollateral(
            vek: try #require(json["vcekCert"]?.string), chain: try #require(json["certificateChain"]?.string))
        let verdict = world.verifier.verify(
            try recipe.signedReport(), tee: .snp, collateral: .snp(collateral), at: EndpointTests.time)
        #expect(verdict.accepted, "\(verdict.detail)")
        #expect(json["tcbm"]?.string == "DB18000000000004")
    }

    @Test func `the PCK certificate of a platform is found by what a quote says of it`() throws {
        let platform = try DCAPRecipe.standard(
            .tdx, keys: try EndpointTests.world.get().keys, dates: try EndpointTests.world.get().dates
        ).platform
        let cpuSVN = Hex.encode(platform.cpuSVN)
        let answer = try get("/sgx/certification/v4/pckcert?cpusvn=\(cpuSVN)&pcesvn=0d00&pceid=0000")
        #expect(answer.status == 200 && answer.headers["sgx-pck-certificate-ca-type"] == "platform")
        #expect(answer.headers["sgx-fmspc"] == "00C206F20000" && answer.headers["sgx-tcbm"] == cpuSVN + "0d00")
        #expect(try get("/sgx/certification/v4/pckcert?cpusvn=\(cpuSVN)&pcesvn=0c00&pceid=0000").status == 404)
        #expect(try text("/sgx/certification/v4/fmspcs").contains("00C101570000"))
    }

    @Test(
        "what is not there is not found, and what is not a request is bad",
        arguments: [
            ("/", 404), ("/sgx", 404), ("/sgx/certification/v3/tcb?fmspc=00c101570000", 404),
            ("/sgx/certification/v4/tcb?fmspc=00606a000000", 404), ("/sgx/certification/v4/tcb", 400),
            ("/tdx/certification/v4/tcb?fmspc=00c101570000", 404), ("/sgx/certification/v4/pckcrl", 400),
            ("/sgx/certification/v4/pckcrl?ca=processor&encoding=xml", 400), ("/vcek/v1/Venice/crl", 404),
            ("/vcek/v1/Milan/00", 400), ("/vcek/v1/Milan/00?blSPL=1&teeSPL=0&snpSPL=1&ucodeSPL=1", 404),
            ("/vlek/v1/Milan/00", 404), ("/vcek/v1/Milan/crl/more", 404), ("sgx", 400), ("/sgx?a=1&a=2", 400),
            ("/x?a", 400),
        ])
    func refused(_ target: String, _ status: Int) throws {
        #expect(try get(target).status == status)
    }

    @Test func `answers stay the same for a day and are dated anew the next`() throws {
        let endpoints = try EndpointTests.world.get().endpoints
        let target = "/sgx/certification/v4/qe/identity"
        let midnight = EndpointTests.time - EndpointTests.time.seconds % Dates.day
        #expect(try endpoints.answer(target, at: midnight).body == endpoints.answer(target, at: midnight + 86_399).body)
        #expect(try endpoints.answer(target, at: midnight).body != endpoints.answer(target, at: midnight + 86_400).body)
    }
}

extension Verdict {
    fileprivate func check(_ name: String) -> Check? { checks.first { $0.name == name } }
}
