import Collateral
import Encoding
import Evidence
import Testing

struct CollateralRequestTests {
    private static let fmspc: [UInt8] = [0x00, 0xa0, 0x67, 0x11, 0x00, 0x00]
    private static let tcb = SNPTCBVersion(fmc: 1, bootLoader: 3, tee: 0, snp: 8, microcode: 255)

    private static let paths: [(CollateralRequest, String)] = [
        (.tcbInfo(.sgx, fmspc: fmspc, .standard), "sgx/certification/v4/tcb?fmspc=00a067110000"),
        (.tcbInfo(.tdx, fmspc: fmspc, .early), "tdx/certification/v4/tcb?fmspc=00a067110000&update=early"),
        (.qeIdentity(.sgx, .standard), "sgx/certification/v4/qe/identity"),
        (.qeIdentity(.tdx, .early), "tdx/certification/v4/qe/identity?update=early"),
        (.pckRevocationList(.processor), "sgx/certification/v4/pckcrl?ca=processor&encoding=der"),
        (.pckRevocationList(.platform), "sgx/certification/v4/pckcrl?ca=platform&encoding=der"),
        (.rootRevocationList, "sgx/certification/v4/rootcacrl"),
        (.endorsementIssuers(.turin, .vcek), "vcek/v1/Turin/cert_chain"),
        (.endorsementIssuers(.milan, .vlek), "vlek/v1/Milan/cert_chain"),
        (.endorsementRevocationList(.genoa, .vcek), "vcek/v1/Genoa/crl"),
        (.endorsementRevocationList(.milan, .vlek), "vlek/v1/Milan/crl"),
    ]

    @Test(arguments: paths)
    func `a request is the path at the vendor's service, and is read back from it`(
        _ request: CollateralRequest, _ path: String
    ) {
        #expect(request.path == path)
        #expect(CollateralRequest(path: path) == request)
    }

    @Test func `Milan and Genoa are asked with 64 bytes and four versions`() {
        let tcb = SNPTCBVersion(bootLoader: 3, tee: 0, snp: 8, microcode: 255)
        let request = CollateralRequest.endorsement(.milan, chipID: [UInt8](1...64), tcb: tcb)
        #expect(
            request.path
                == "vcek/v1/Milan/\(Hex.encode([UInt8](1...64)))?blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=255")
        #expect(CollateralRequest(path: request.path) == request)
    }

    @Test func `Turin is asked with 8 bytes, and the FMC's version first`() {
        let request = CollateralRequest.endorsement(.turin, chipID: [UInt8](1...8), tcb: Self.tcb)
        #expect(request.path == "vcek/v1/Turin/0102030405060708?fmcSPL=1&blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=255")
        #expect(CollateralRequest(path: request.path) == request)
    }

    @Test(arguments: [
        "", "/", "sgx/certification/v4/tcb", "sgx/certification/v4/tcb?fmspc=00A067110000",
        "sgx/certification/v4/tcb?fmspc=00a0671100", "snp/certification/v4/tcb?fmspc=00a067110000",
        "sgx/certification/v3/tcb?fmspc=00a067110000", "sgx/certification/v4/tcb?fmspc=00a067110000&x=1",
        "sgx/certification/v4/qve/identity", "sgx/certification/v4/pckcrl?ca=root&encoding=der",
        "tdx/certification/v4/rootcacrl", "vcek/v1/Rome/crl", "vcek/v1/Milan/../crl", "vcek/v1/Milan/crl?",
        "vcek/v1/Turin/0102030405060708?blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=255",
        "vcek/v1/Turin/01020304050607?fmcSPL=1&blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=255",
        "vcek/v1/Turin/0102030405060708?fmcSPL=1&blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=256",
        "vcek/v1/Turin/0102030405060708?fmcSPL=01&blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=255",
    ])
    func `a path that nobody writes is no request`(_ path: String) {
        #expect(CollateralRequest(path: path) == nil)
    }
}
