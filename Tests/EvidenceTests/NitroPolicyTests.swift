import Encoding
import Evidence
import Testing

@Suite("What a relying party asks of a Nitro enclave")
struct NitroPolicyTests {
    private func policy(_ change: (inout NitroRequirements) -> Void) -> AcceptancePolicy {
        var policy = AcceptancePolicy.default
        change(&policy.nitro)
        return policy
    }

    @Test("AC-006 PCRs that are not among the accepted values are refused")
    func pcrs() throws {
        let built = try NitroFixture().built()
        let good = [UInt8](repeating: 0xc1, count: 48)
        let zero = [UInt8](repeating: 0, count: 48)
        func verdict(_ pcrs: [Int: Set<[UInt8]>]) -> Verdict {
            built.verdict(policy: policy { $0.requiredPCRs = pcrs })
        }
        #expect(verdict([0: [zero, good], 8: [zero]]).accepted)
        let wrong = verdict([0: [good], 1: [good]])
        #expect(wrong.code == .measurementUnknown && !wrong.isPolicyMet && wrong.signatureChain == .valid)
        #expect(wrong.check("pcrs")?.detail.contains("PCR1") == true)
        #expect(verdict([16: [zero]]).code == .measurementUnknown)
        #expect(verdict([0: []]).code == .measurementUnknown)
    }

    @Test func `debug enclaves are accepted where the policy says so`() throws {
        var fixture = NitroFixture()
        for index in 0..<3 { fixture.pcrs[index].1 = .bytes(Array(repeating: 0, count: 48)) }
        var policy = AcceptancePolicy.default
        policy.acceptsDebug = true
        let verdict = try fixture.built().verdict(policy: policy)
        #expect(verdict.accepted && verdict.isDebuggable && verdict.claims["x-cloister-nitro-is-debuggable"] == true)
    }

    @Test func `the maximum age counts from the document's own time`() throws {
        let built = try NitroFixture().built()
        let young = policy { $0.maximumAge = 60 }
        let verdict = built.verdict(policy: young)
        #expect(verdict.accepted && verdict.validUntil == NitroFixture.time)
        let old = built.verdict(at: NitroFixture.time + 1, policy: young)
        #expect(old.code == .platformPolicy && !old.isPolicyMet && old.signatureChain == .valid)
        #expect(built.verdict(at: NitroFixture.time + 1).accepted)
    }

    @Test func `a document from the future is accepted within the skew only`() throws {
        let built = try NitroFixture().built()
        let made = Timestamp(seconds: 1_750_000_000)
        #expect(built.verdict(at: made - 5, policy: policy { $0.clockSkew = 5 }).accepted)
        #expect(built.verdict(at: made - 5, policy: policy { $0.clockSkew = 4 }).code == .evidenceChain)
    }

    @Test func `an archived document is verified at its own time`() throws {
        let built = try NitroFixture().built()
        #expect(built.verdict(at: NitroFixture.time + 86_400).code == .evidenceChain)
        let document = try NitroDocument(built.document[...])
        #expect(built.verdict(at: document.timestamp, policy: policy { $0.maximumAge = 0 }).accepted)
    }

    @Test("AC-015 user data and public key that the policy asks for")
    func contents() throws {
        var fixture = NitroFixture()
        let built = try fixture.built()
        #expect(built.verdict(policy: policy { $0.userData = [[1, 2, 3]] }).accepted)
        #expect(built.verdict(policy: policy { $0.userData = [[1, 2]] }).code == .bindingMismatch)
        #expect(built.verdict(policy: policy { $0.requiresPublicKey = true }).code == .bindingMismatch)
        fixture.publicKey = .bytes([4])
        #expect(try fixture.built().verdict(policy: policy { $0.requiresPublicKey = true }).accepted)
        fixture.publicKey = .bytes([])
        #expect(try fixture.built().verdict(policy: policy { $0.requiresPublicKey = true }).code == .bindingMismatch)
        fixture.userData = .null
        #expect(try fixture.built().verdict(policy: policy { $0.userData = [[]] }).code == .bindingMismatch)
    }

    @Test("AC-015 AC-017 the nonce is compared exactly, without one the user data")
    func nonce() throws {
        var fixture = NitroFixture()
        let nonce = [UInt8](repeating: 0xda, count: 32)
        #expect(try fixture.built().verdict(reportData: nonce).accepted)
        for wrong in [Array(nonce.dropLast()), nonce + [0], [], [1, 2, 3]] {
            #expect(try fixture.built().verdict(reportData: wrong).code == .bindingMismatch)
        }
        for absent in [TestCBOR.null, .bytes([])] {
            fixture.nonce = absent
            #expect(try fixture.built().verdict(reportData: [1, 2, 3]).accepted)
            #expect(try fixture.built().verdict(reportData: nonce).code == .bindingMismatch)
        }
        fixture.userData = .null
        #expect(try fixture.built().verdict().reportData.isEmpty)
        #expect(try fixture.built().verdict(reportData: nonce).code == .bindingMismatch)
    }

    // MARK: Caches

    @Test func `a remembered chain ends when it ends`() throws {
        let built = try NitroFixture().built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        func code(_ time: Timestamp) -> RefusalCode? {
            verifier.verify(built.document, tee: .nitro, collateral: nil, at: time).code
        }
        let end = Timestamp(seconds: 1_749_999_990 + 10_800)
        #expect(code(end) == nil && code(end + 1) == .evidenceChain && code(NitroFixture.time) == nil)
    }

    @Test func `a warm verifier judges each document by its own bytes`() throws {
        var fixture = NitroFixture()
        let (bundle, leaf) = try fixture.certificates()
        fixture.changeBundle = { _ in .array(bundle.map(TestCBOR.bytes)) }
        fixture.changeCertificate = { _ in .bytes(leaf) }
        let first = try fixture.built()
        fixture.userData = .bytes([9])
        let second = try fixture.built()
        fixture.signsWith = .newP384()
        let forged = try fixture.built()
        let verifier = EvidenceVerifier(
            anchors: TrustAnchors.vendors.trusting(try Certificate(der: bundle[0]), as: .nitro, grade: .hardware))
        func verdict(_ built: NitroFixture.Built) -> Verdict {
            verifier.verify(built.document, tee: .nitro, collateral: nil, at: NitroFixture.time)
        }
        #expect(verdict(first).claims["x-cloister-nitro-user-data"] == "AQID")
        #expect(verdict(second).claims["x-cloister-nitro-user-data"] == "CQ")
        #expect(verdict(forged).code == .evidenceSignature && verdict(first).accepted)
    }
}
