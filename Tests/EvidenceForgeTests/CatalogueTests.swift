import Encoding
import Evidence
import EvidenceForge
import Testing

/// One world for all tests of the catalogue, and a verifier that was told its roots.
enum World {
    static let forge = Result { try Forge(seed: "tests") }
    static let verifier = Result {
        EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(try forge.get().root))
    }
    /// All cases, made once.
    static let made: Result<[(forgedCase: ForgedCase, evidence: ForgedEvidence)], any Error> = Result {
        let forge = try World.forge.get()
        return try Catalogue.cases.map { (forgedCase: $0, evidence: try $0.make(forge)) }
    }

    static func verdict(_ made: ForgedEvidence) throws -> Verdict {
        try verifier.get().verify(
            made.evidence, tee: made.tee, collateral: made.collateral, at: made.time, reportData: made.binding)
    }
}

@Suite("The verifier and the catalogue of wrong evidence")
struct CatalogueVerdictTests {
    private static let kinds: [TEE] = [.sgx, .tdx, .snp, .hcl, .tpm, .nitro]

    @Test("right evidence is accepted, with its status", arguments: kinds)
    func right(_ tee: TEE) throws {
        var count = 0
        for (forgedCase, made) in try World.made.get() where forgedCase.tee == tee && forgedCase.code == nil {
            let verdict = try World.verdict(made)
            let explanation = Comment(rawValue: "\(forgedCase.name): \(verdict.json.text)")
            #expect(verdict.accepted && verdict.grade == .simulated, explanation)
            #expect(verdict.tcbStatus == forgedCase.tcbStatus, explanation)
            count += 1
        }
        #expect(count >= 3)
    }

    @Test("each wrong one is refused with its code", arguments: kinds)
    func wrong(_ tee: TEE) throws {
        var count = 0
        for (forgedCase, made) in try World.made.get() where forgedCase.tee == tee && forgedCase.code != nil {
            let verdict = try World.verdict(made)
            let explanation = Comment(
                rawValue: "\(forgedCase.name): \(verdict.code?.name ?? "accepted"), \(verdict.detail)")
            #expect(verdict.code == forgedCase.code, explanation)
            if forgedCase.isGenuine { #expect(verdict.signatureChain == .valid, explanation) }
            count += 1
        }
        #expect(count >= 40)
    }
}

@Suite("The catalogue itself")
struct CatalogueTests {
    @Test func `there are at least 200 wrong ones, a dozen right ones, and no name twice`() {
        let names = Catalogue.cases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" } })
        #expect(Catalogue.cases.count { $0.code != nil } >= 200)
        #expect(Catalogue.cases.count { $0.code == nil } >= 12)
        #expect(Catalogue.named("sgx-right")?.code == nil && Catalogue.named("sgx-debug")?.code == .debugEnabled)
    }

    @Test func `every wrong one names an abuse case and says what is wrong`() {
        for forgedCase in Catalogue.cases {
            #expect((forgedCase.abuseCase != nil) == (forgedCase.code != nil), "\(forgedCase.name)")
            #expect(!forgedCase.about.isEmpty && !forgedCase.about.contains("  "), "\(forgedCase.name)")
        }
    }

    @Test func `each wrong one differs from the right one of its kind in what it is given`() throws {
        var seen: [Digest: String] = [:]
        for (forgedCase, made) in try World.made.get() {
            var content = made.evidence + Array("\(made.tee) \(forgedCase.name.prefix { $0 != "-" })".utf8)
            content += made.collateral?.json.canonical ?? [0]
            content += made.binding ?? []
            let other = seen.updateValue(forgedCase.name, forKey: Digest(of: content))
            #expect(other == nil, "\(forgedCase.name) and \(other ?? "") are the same")
        }
    }

    @Test func `a seed makes the same bytes again, and another seed makes others`() throws {
        let (one, again, other) = (try Forge(seed: "one"), try Forge(seed: "one"), try Forge(seed: "two"))
        #expect(one.root == again.root && one.root != other.root)
        for (index, forgedCase) in Catalogue.cases.enumerated() where index.isMultiple(of: 11) {
            let first = try CaseFiles(forgedCase, in: one)
            let second = try CaseFiles(forgedCase, in: again)
            #expect(first.evidence == second.evidence, "\(forgedCase.name)")
            #expect(first.collateral?.bytes == second.collateral?.bytes, "\(forgedCase.name)")
            #expect(first.entry == second.entry, "\(forgedCase.name)")
            if forgedCase.name.hasSuffix("right") {
                #expect(try CaseFiles(forgedCase, in: other).evidence != first.evidence, "\(forgedCase.name)")
            }
        }
    }

    @Test func `an entry of a case file has the members of the format, and its expectation reads as the code says`()
        throws
    {
        let forge = try World.forge.get()
        for name in ["sgx-right", "sgx-debug", "sgx-pck-revoked", "snp-right", "sgx-platform-outofdate"] {
            let forgedCase = try #require(Catalogue.named(name))
            let entry = try CaseFiles(forgedCase, in: forge).entry
            let members = Set(try #require(entry.object).keys)
            #expect(
                members.isSuperset(of: [
                    "id", "tee", "evidence", "collateral", "time", "unix", "expect", "code", "trust",
                ]))
            #expect(entry["unix"]?.integer == Forge.time.seconds)
            let expect = try #require(entry["expect"]?.string)
            switch name {
            case "sgx-debug": #expect(expect.contains("default policy must reject"))
            case "sgx-pck-revoked": #expect(expect.hasPrefix("reject"))
            case "sgx-platform-outofdate": #expect(expect.contains("TCB OutOfDate"))
            default: #expect(expect.hasPrefix("valid"))
            }
        }
    }
}
