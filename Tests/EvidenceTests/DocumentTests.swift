import Encoding
import Evidence
import Testing

@Suite("Evidence documents, collateral and roots as JSON")
struct DocumentTests {
    @Test func `a document reads back as it was written`() throws {
        let sgx = try SGXFixture().built()
        let snp = try SNPFixture().built()
        for document in [
            EvidenceDocument(
                tee: .sgx, evidence: sgx.quote, runtimeData: [1, 2], collateral: .dcap(sgx.collateral),
                tokens: ["a.b.c"],
                manifest: "d.e.f"),
            EvidenceDocument(tee: .snp, evidence: snp.report, collateral: .snp(snp.collateral)),
            EvidenceDocument(tee: .nitro, evidence: [1]),
        ] {
            #expect(try EvidenceDocument(parsing: document.json.canonical) == document)
        }
    }

    @Test(
        "documents that are not of the format are malformed",
        arguments: [
            "[]", "{}", #"{"format":"cloister-evidence/2","tee":"sgx","evidence":"AA"}"#,
            #"{"format":"cloister-evidence/1","tee":"sev","evidence":"AA"}"#,
            #"{"format":"cloister-evidence/1","tee":"sgx","evidence":"AA=="}"#,
            #"{"format":"cloister-evidence/1","tee":"sgx","evidence":"AA","more":1}"#,
            #"{"format":"cloister-evidence/1","tee":"sgx","evidence":"AA","tokens":[1]}"#,
            #"{"format":"cloister-evidence/1","tee":"snp","evidence":"AA","collateral":{"vek":"","chain":"","x":1}}"#,
            #"{"format":"cloister-evidence/1","tee":"sgx","evidence":"AA","collateral":{"tcb_info":""}}"#,
            #"{"format":"cloister-evidence/1","tee":"nitro","evidence":"AA","collateral":{}}"#,
            #"{"format":"cloister-evidence/1","format":"cloister-evidence/1","tee":"sgx","evidence":"AA"}"#,
        ])
    func malformed(_ text: String) {
        let refusal = #expect(throws: Refusal.self) { try EvidenceDocument(parsing: Array(text.utf8)) }
        #expect(refusal?.code == .evidenceMalformed)
    }

    @Test("AC-018 an oversized document is not read")
    func oversized() {
        let refusal = #expect(throws: Refusal.self) {
            try EvidenceDocument(parsing: Array(repeating: 0x20, count: EvidenceDocument.maximumBytes + 1))
        }
        #expect(refusal?.code == .tooLarge)
    }

    @Test func `a root file reads back, and refuses what it does not know`() throws {
        func root(_ name: String) throws -> Certificate {
            try Certificate(der: try TestCertificate.root("Cloister simulated \(name)", .newP384()).selfSigned())
        }
        let roots = try SimulatedRoot(
            sgxRoot: root("SGX Root CA"),
            arks: [.milan: root("ARK-Milan"), .genoa: root("ARK-Genoa"), .turin: root("ARK-Turin")])
        #expect(try SimulatedRoot(json: roots.json.canonical) == roots)
        guard case .object(var members) = roots.json else { return }
        members["more"] = 1
        #expect(throws: Refusal.self) { try SimulatedRoot(json: JSON.object(members).canonical) }
        let anchors = TrustAnchors.vendors.trusting(roots)
        #expect(anchors.all.count == TrustAnchors.vendors.all.count + 4)
        #expect(Set(anchors.all.filter { $0.grade == .hardware }) == Set(TrustAnchors.vendors.all))
    }

    @Test func `naming a vendor's root again does not change its grade`() throws {
        let built = try SGXFixture().built()
        let anchors = TrustAnchors().trusting(built.root, as: .dcap, grade: .hardware)
        #expect(anchors.trusting(built.root, as: .dcap, grade: .simulated) == anchors)
    }

    @Test func `a verdict as JSON has the members of the format`() throws {
        let json = try SGXFixture().built().verdict().json
        let names = Set(try #require(json.object).keys)
        #expect(
            names.isSuperset(of: [
                "accepted", "code", "tee", "grade", "signatureChain", "tcbStatus", "tcb", "advisories", "claims",
                "policy",
                "validUntil", "checks",
            ]))
        #expect(json["accepted"] == true && json["code"] == .null && json["policy"] == "pass")
        for check in try #require(json["checks"]?.array) {
            let members = Set(try #require(check.object).keys)
            #expect(members == ["name", "outcome", "detail"])
        }
    }

    @Test func `a verdict throws its refusal`() throws {
        var fixture = SNPFixture()
        fixture.report[SNPReport.Layout.policy + 2] |= 0x08
        let built = try fixture.built()
        let refusal = #expect(throws: Refusal.self) { try built.verdict().requireAccepted() }
        #expect(refusal?.code == .debugEnabled)
        try SNPFixture().built().verdict().requireAccepted()
    }
}
