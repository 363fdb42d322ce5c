import Encoding
import TestSupport
import Testing

@testable import Evidence

@Suite("Recorded evidence of Azure VMs over TDX", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct HCLTDXVectorTests {
    static let cases = VectorCase.all(.hcl).filter { $0.id.contains("tdx") }
    /// Intel's collateral for the same FMSPC, and a moment at which it holds.
    private static let collateral = ("tdx/google/collateral-00806f05-2025-05.json", Timestamp(seconds: 1_748_377_505))

    private func evidence(_ vector: VectorCase) throws -> [UInt8] {
        guard let file = vector.tpmQuoteFile else { return try vector.evidence() }
        return HCLEvidence(
            report: try vector.evidence(), quote: try HCLQuote(bincode: Vectors.bytes(file)),
            tdQuote: try Vectors.bytes("hcl/tdx/td-quote.bin")
        ).json.canonical
    }

    private func verdict(
        _ vector: VectorCase, hasCollateral: Bool = true, policy: AcceptancePolicy = .default,
        change: (inout HCLEvidence) -> Void = { _ in }
    ) throws -> Verdict {
        let (path, time) = HCLTDXVectorTests.collateral
        let collateral = EvidenceCollateral.dcap(try DCAPCollateral(json: try JSON.parse(try Vectors.bytes(path))))
        var evidence = try HCLEvidence(parsing: evidence(vector)[...])
        change(&evidence)
        return EvidenceVerifier(anchors: .vendors).verify(
            evidence.json.canonical, tee: .hcl, collateral: hasCollateral ? collateral : nil, at: time, policy: policy,
            reportData: vector.nonce)
    }

    @Test("HCL over TDX, with the collateral of another machine of its kind", arguments: cases)
    func tdx(_ vector: VectorCase) throws {
        let verdict = try verdict(vector)
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.accepted && vector.isAccepted && verdict.grade == .hardware, explanation)
        #expect(verdict.signatureChain == .valid && verdict.tcbStatus != nil, explanation)
        #expect(verdict.check("td-quote")?.outcome == .passed && verdict.check("report-data")?.outcome == .passed)
        #expect(verdict.claims["x-ms-runtime"]?["vm-configuration"]?["tpm-enabled"] == true)
        #expect(verdict.claims["tdx_mrtd"] != nil && verdict.claims["x-cloister-tpm-pcrs"] != nil)
        let names = verdict.checks.map(\.name)
        #expect(names.firstIndex(of: "tcb-level") ?? 99 < names.firstIndex(of: "tpm-quote-signature") ?? 0)
    }

    @Test("without collateral the hardware is not judged, and every link below it is", arguments: cases)
    func withoutCollateral(_ vector: VectorCase) throws {
        let verdict = try verdict(vector, hasCollateral: false)
        #expect(verdict.code == .collateralInvalid, Comment(rawValue: verdict.json.text))
        for name in [
            "quote-signature", "report-data", "td-quote", "tpm-key", "tpm-quote-signature", "nonce", "pcr-digest",
        ] {
            #expect(verdict.check(name)?.outcome == .passed, "\(name)")
        }
    }

    @Test func `a policy may ask for SEPT_VE_DISABLE, which Azure's TDs run without`() throws {
        var policy = AcceptancePolicy.default
        policy.hcl.tdx.requiredAttributes = .septVEDisable
        let verdict = try verdict(VectorCase.named("hcl-tdx-v1"), policy: policy)
        #expect(verdict.code == .platformPolicy && verdict.signatureChain == .valid)
    }

    @Test func `AC-002 the TD quote of another machine is refused`() throws {
        let foreign = try Vectors.bytes("tdx/google/cos-113-tdx-quote.dat")
        let verdict = try verdict(VectorCase.named("hcl-tdx-v1")) { $0.tdQuote = foreign }
        #expect(verdict.check("td-quote")?.code == .bindingMismatch && verdict.signatureChain == .invalid)
        #expect(verdict.failures.contains("binding-mismatch") && verdict.attested == nil)
    }
}

@Suite("Evidence of Azure VMs over TDX with one thing wrong")
struct HCLTDXFaultTests {
    private func fixture() throws -> HCLFixture {
        var fixture = try HCLFixture()
        fixture.tdx = TDXFixture()
        return fixture
    }

    @Test("the fixture itself is accepted, with quotes of each version", arguments: [4, 5] as [UInt16])
    func accepted(_ version: UInt16) throws {
        var fixture = try fixture()
        fixture.tdx = TDXFixture(version: version, isExtended: version == 5)
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted && verdict.grade == .hardware, Comment(rawValue: verdict.json.text))
        #expect(verdict.tcbStatus == "UpToDate" && verdict.reportData == Array("challenge".utf8))
        guard case .hcl(let report, _) = verdict.attested, case .tdx = report.hardware else {
            Issue.record("no HCL report over TDX")
            return
        }
    }

    @Test func `a TDREPORT that the quote does not repeat is refused`() throws {
        for offset in [528, 575] {
            var fixture = try fixture()
            fixture.changeLocal = { $0[offset] ^= 1 }
            let verdict = try fixture.built().verdict()
            #expect(verdict.code == .bindingMismatch && verdict.check("td-quote")?.outcome == .failed)
            #expect(verdict.signatureChain == .invalid && verdict.claims.isEmpty)
        }
        var reportData = try fixture()
        reportData.changeLocal = { $0[191] ^= 1 }
        let verdict = try reportData.built().verdict()
        #expect(verdict.check("td-quote")?.outcome == .failed && verdict.check("tpm-key")?.outcome == .failed)
    }

    @Test func `runtime data that the quote does not bind is refused`() throws {
        var fixture = try fixture()
        fixture.boundData = try fixture.standardRuntimeData(key: .otherRSA())
        let verdict = try fixture.built().verdict()
        #expect(verdict.code == .bindingMismatch && verdict.check("tpm-key")?.outcome == .failed)
        #expect(verdict.signatureChain == .invalid && verdict.claims.isEmpty)
    }

    @Test func `AC-018 a missing, broken or foreign TD quote is malformed`() throws {
        var fixture = try fixture()
        fixture.changeEvidence = { $0.tdQuote = nil }
        #expect(try fixture.built().verdict().code == .evidenceMalformed)
        fixture.changeEvidence = { $0.tdQuote?.removeLast() }
        #expect(try fixture.built().verdict().check("td-quote")?.code == .evidenceMalformed)
        let sgx = try SGXFixture().built().quote
        fixture.changeEvidence = { $0.tdQuote = sgx }
        #expect(try fixture.built().verdict().code == .evidenceMalformed)
    }

    @Test func `the report type decides, not what else comes along`() throws {
        var fixture = try fixture()
        fixture.reportType = 2
        #expect(try fixture.built().verdict().check("format")?.code == .evidenceMalformed)
        fixture.reportType = 4
        fixture.changeLocal = { $0[0] = 0x80 }
        #expect(try fixture.built().verdict().check("format")?.code == .evidenceMalformed)
        fixture.changeLocal = { $0 += [1] }
        #expect(try fixture.built().verdict().check("format")?.code == .evidenceMalformed)
    }

    @Test func `the hardware's own faults stand in the same record`() throws {
        var debug = try fixture()
        debug.tdx?.body[TDReport.Layout.tdAttributes] = 1
        let verdict = try debug.built().verdict()
        #expect(verdict.code == .debugEnabled && verdict.signatureChain == .valid && verdict.isDebuggable)
        var collateral = try fixture().built()
        collateral.collateral = nil
        #expect(collateral.verdict().code == .collateralInvalid)
        let snp = try HCLFixture().built()
        collateral.collateral = snp.collateral
        #expect(collateral.verdict().code == .collateralInvalid)
        var swapped = snp
        swapped.collateral = try fixture().built().collateral
        #expect(swapped.verdict().code == .collateralInvalid)
    }
}
