import Encoding
import Evidence
import Testing

/// By what evidence can be distrusted, and what a relying party that distrusts it answers.
@Suite struct DistrustTests {
    private func marks(_ verdict: Verdict, _ kind: EvidenceMark.Kind) -> [String] {
        verdict.marks.filter { $0.kind == kind }.map(\.value)
    }

    @Test func `an SNP report has its chip, family, certificates, TCB and measurement`() throws {
        let built = try SNPFixture().built()
        let verdict = built.verdict()
        #expect(marks(verdict, .chip) == [Hex.encode([UInt8](1...64))])
        #expect(marks(verdict, .family) == ["genoa"])
        #expect(marks(verdict, .certificate).count == 3)
        #expect(marks(verdict, .certificate).contains(Digest(of: built.root.der).hex))
        #expect(marks(verdict, .tcb) == [Hex.encode([UInt8]([9, 0, 0, 0, 0, 0, 23, 72]))])
        #expect(marks(verdict, .measurement) == [String(repeating: "c1", count: 48)])
        var masked = SNPFixture()
        masked.report[SNPReport.Layout.keyInfo] |= 2
        #expect(marks(try masked.built().verdict(), .chip).isEmpty)
    }

    @Test func `an SGX quote has its platform, family, certificates, TCB level and measurement`() throws {
        let verdict = try SGXFixture().built().verdict()
        #expect(marks(verdict, .chip) == [String(repeating: "07", count: 16)])
        #expect(marks(verdict, .family) == ["00606a000000"])
        #expect(marks(verdict, .certificate).count == 3)
        #expect(marks(verdict, .tcb) == ["uptodate", "2024-03-13t00:00:00z"])
        #expect(marks(verdict, .measurement) == [String(repeating: "e1", count: 32)])
        var old = SGXFixture()
        old.components[0] = 2
        old.pceSVN = 9
        #expect(
            marks(try old.built().verdict(), .tcb)
                == ["outofdate", "2022-03-13t00:00:00z", "intel-sa-00001"])
    }

    @Test func `evidence that is not genuine has no marks`() throws {
        var fixture = SNPFixture()
        fixture.signsReportWith = fixture.authorityKey
        let verdict = try fixture.built().verdict()
        #expect(verdict.signatureChain == .invalid)
        #expect(verdict.marks.isEmpty)
    }

    @Test("AC-007 AC-010 AC-013 AC-021 AC-022 evidence with a distrusted mark is refused, whatever its kind")
    func distrusted() throws {
        let codes: [EvidenceMark.Kind: RefusalCode] = [
            .chip: .hardwareNotEnrolled, .family: .familyDistrusted, .certificate: .certificateRevoked,
            .tcb: .tcbNotAccepted, .measurement: .measurementRevoked,
        ]
        let snp = try SNPFixture().built()
        let sgx = try SGXFixture().built()
        for (genuine, verdict) in [
            (snp.verdict(), { snp.verdict(policy: $0) }), (sgx.verdict(), { sgx.verdict(policy: $0) }),
        ] as [(Verdict, (AcceptancePolicy) -> Verdict)] {
            #expect(genuine.accepted)
            #expect(genuine.check("distrust") == nil)
            #expect(Set(genuine.marks.map(\.kind)) == Set(EvidenceMark.Kind.allCases))
            for mark in genuine.marks {
                var policy = AcceptancePolicy.default
                policy.distrusted = [mark]
                let refused = verdict(policy)
                #expect(refused.code == codes[mark.kind])
                #expect(refused.check("distrust")?.code == codes[mark.kind])
                #expect(!refused.isPolicyMet && refused.signatureChain == .valid)
            }
            var policy = AcceptancePolicy.default
            policy.distrusted = [try EvidenceMark(.family, "milan"), try EvidenceMark(.chip, "00")]
            #expect(verdict(policy).accepted)
            #expect(verdict(policy).check("distrust")?.outcome == .passed)
        }
    }

    @Test func `a mark is read in any case, and refused when nothing can have it`() throws {
        #expect(try EvidenceMark(parsing: "tcb:INTEL-SA-00615").description == "tcb:intel-sa-00615")
        #expect(try EvidenceMark(parsing: "tcb:2024-03-13T00:00:00Z").value == "2024-03-13t00:00:00z")
        #expect(try EvidenceMark(.family, "Milan") == EvidenceMark(parsing: "family:milan"))
        for text in [
            "", "milan", "cpu:milan", "family:", "family:mi lan", "chip:ä",
            "chip:" + String(repeating: "0", count: 129),
        ] {
            let refusal = #expect(throws: Refusal.self) { try EvidenceMark(parsing: text) }
            #expect(refusal?.code == .requestMalformed)
        }
    }
}
