import Attester
import Encoding
import Evidence
import EvidenceForge
import SimulatedTEE
import Testing

@Suite struct EvidenceFactoryTests {
    private static let simulated: [TEE] = [.sgx, .tdx, .snp, .hcl, .nitro]

    @Test(arguments: simulated)
    func `evidence is accepted by a verifier that was told the root, as simulated`(tee: TEE) throws {
        let factory = try Scene.factory()
        let made = try factory.evidence(
            tee, measurement: Scene.program, party: Scene.party, reportData: Scene.reportData, at: Scene.time)
        let verdict = try Scene.trusting(factory.root).verify(
            made.evidence, tee: tee, collateral: made.collateral, at: Scene.time, reportData: Scene.reportData)
        #expect(verdict.accepted, "\(verdict.detail)")
        #expect(verdict.grade == .simulated)
        #expect(verdict.signatureChain == .valid)
        #expect(verdict.reportData == Scene.reportData)
        #expect(!verdict.isDebuggable)
        let measured = tee == .sgx ? Scene.program.enclave : Scene.program.launch
        if tee == .nitro {
            let pcrs = verdict.claims["x-cloister-nitro-pcrs"]
            #expect(pcrs?["0"] == .string(Hex.encode(measured)))
            #expect(pcrs?["3"]?.string?.hasPrefix(Scene.party.hex) == true)
        } else {
            #expect(verdict.hostData == Scene.party.bytes)
            #expect(verdict.claims[Scene.measurement(tee)] == .string(Hex.encode(measured)))
            #expect(verdict.validUntil == Scene.time - 300 + PublishedCollateral.validity)
        }
    }

    private static let models: [(TEE, MachineModel)] =
        SNPProduct.allCases.flatMap { product in
            [2, 3, 5].flatMap { version in
                [SNPReport.SigningKey.vcek, .vlek].map { key in
                    (.snp, MachineModel(product: product, reportVersion: version, endorsementKey: key))
                }
            }
        } + [(.tdx, MachineModel(tdQuote: .tdx5)), (.tdx, MachineModel(tdQuote: .tdx5TD15))]
        + [(.hcl, MachineModel(product: .genoa))]

    @Test(arguments: models)
    func `every model of machine that can be chosen gives evidence that is accepted`(
        tee: TEE, model: MachineModel
    ) throws {
        let factory = try EvidenceFactory(root: try DevelopmentRoot.forTests.get(), model: model)
        let made = try factory.evidence(
            tee, measurement: Scene.program, party: Scene.party, reportData: Scene.reportData, at: Scene.time)
        let verdict = try Scene.trusting(factory.root).verify(
            made.evidence, tee: tee, collateral: made.collateral, at: Scene.time, reportData: Scene.reportData)
        #expect(verdict.accepted, "\(verdict.detail)")
        guard tee == .snp else { return }
        let report = try SNPReport(made.evidence[...])
        #expect(report.version == model.reportVersion && report.signingKey == model.endorsementKey)
    }

    @Test("AC-004 evidence of a simulated root that nobody named is refused", arguments: simulated)
    func unnamedRoot(tee: TEE) throws {
        let made = try Scene.factory().evidence(
            tee, measurement: Scene.program, party: Scene.party, reportData: Scene.reportData, at: Scene.time)
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            made.evidence, tee: tee, collateral: made.collateral, at: Scene.time)
        #expect(verdict.code == .simulatedRoot)
    }

    @Test(arguments: simulated)
    func `a root named for another machine does not help`(tee: TEE) throws {
        let made = try Scene.factory().evidence(
            tee, measurement: Scene.program, party: Scene.party, reportData: Scene.reportData, at: Scene.time)
        let verdict = try Scene.trusting(try Scene.otherRoot.get()).verify(
            made.evidence, tee: tee, collateral: made.collateral, at: Scene.time)
        #expect(verdict.code == .simulatedRoot)
    }

    @Test func `an SGX quote carries the identity of simulated enclaves, and the party with key separation`() throws {
        let factory = try Scene.factory()
        let made = try factory.sgx(
            measurement: Scene.program, party: Scene.party, reportData: Scene.reportData, at: Scene.time)
        let quote = try SGXQuote(made.evidence[...])
        #expect(Array(quote.report.mrSigner) == Digest(of: "cloister simulated signer").bytes)
        #expect(quote.report.productID == 1)
        #expect(quote.report.svn == 1)
        #expect(quote.report.attributes.contains(.keySeparationAndSharing))
        #expect(Array(quote.report.configID) == Scene.party.bytes + [UInt8](repeating: 0, count: 32))
        #expect(quote.envelope.signatureData.certificationType == .certificateChain)
        let verdict = try Scene.trusting(factory.root).verify(
            made.evidence, tee: .sgx, collateral: made.collateral, at: Scene.time)
        #expect(verdict.tcbStatus == "UpToDate")
        #expect(verdict.advisories.isEmpty)
    }

    @Test func `an SNP report is of version 3, of Milan, of guest version 1, and not debuggable`() throws {
        let made = try Scene.factory().snp(
            measurement: Scene.program, party: Scene.party, reportData: Scene.reportData, at: Scene.time)
        let report = try SNPReport(made.evidence[...])
        #expect(report.version == 3)
        #expect(report.guestSVN == 1)
        #expect(report.policy == SNPGuestPolicy(rawValue: 0x30000))
        #expect(report.product == .milan)
        #expect(report.signingKey == .vcek)
    }

    @Test func `collateral keeps its bytes until it is due, and is renewed well ahead of its end`() throws {
        let factory = try EvidenceFactory(root: try DevelopmentRoot.forTests.get())
        let first = try factory.collateral(at: Scene.time)
        #expect(try factory.collateral(at: Scene.time + PublishedCollateral.renewal - 1).sgx == first.sgx)
        let later = Scene.time + PublishedCollateral.renewal
        #expect(try factory.collateral(at: later).sgx != first.sgx)
        #expect(PublishedCollateral.renewal <= PublishedCollateral.validity / 2)
    }

    @Test(arguments: [(TEE.sgx, 63), (.sgx, 65), (.snp, 0), (.tpm, 64), (.nvidia, 64)])
    func `report data of another length and other TEEs are refused`(tee: TEE, length: Int) throws {
        let factory = try Scene.factory()
        let refusal = #expect(throws: Refusal.self) {
            try factory.evidence(
                tee, measurement: Scene.program, party: Scene.party, reportData: [UInt8](repeating: 0, count: length),
                at: Scene.time)
        }
        #expect(refusal?.code == .requestMalformed)
    }

    @Test func `an in-process source signs for the measurement and party that a test gives it`() async throws {
        let factory = try Scene.factory()
        let source = SimulatedEvidenceSource(
            tee: .snp, measurement: Scene.program, party: Scene.party, factory: factory, clock: .fixed(Scene.time))
        let made = try await source.evidence(reportData: Scene.reportData)
        let report = try SNPReport(made.evidence[...])
        #expect(Array(report.measurement) == Scene.program.launch)
        #expect(Array(report.hostData) == Scene.party.bytes)
    }
}
