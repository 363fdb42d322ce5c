import Encoding
import Evidence
import Testing

@Suite("Nitro documents with one thing wrong")
struct NitroFaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let code: RefusalCode
        let check: String
        let change: @Sendable (inout NitroFixture) -> Void

        init(
            _ name: String, _ code: RefusalCode, _ check: String,
            _ change: @escaping @Sendable (inout NitroFixture) -> Void
        ) {
            self.name = name
            self.code = code
            self.check = check
            self.change = change
        }

        var testDescription: String { name }
    }

    @Test func `the fixture itself is accepted`() throws {
        let verdict = try NitroFixture().built().verdict()
        #expect(verdict.accepted && verdict.signatureChain == .valid, Comment(rawValue: verdict.json.text))
        #expect(verdict.reportData == Array(repeating: 0xda, count: 32) && verdict.hostData.isEmpty)
        #expect(verdict.validUntil == Timestamp(seconds: 1_749_999_990 + 10_800))
        #expect(verdict.claims["x-cloister-nitro-user-data"] == "AQID")
        #expect(verdict.claims["x-cloister-nitro-timestamp"] == 1_750_000_000_215)
        #expect(verdict.claims["x-cloister-nitro-pcrs"]?["1"]?.string == String(repeating: "c2", count: 48))
        #expect(verdict.claims["x-cloister-nitro-pcrs"]?.object?.count == 16)
        #expect(verdict.checks.allSatisfy { $0.outcome != .failed && !$0.detail.isEmpty })
        guard case .nitro(let document) = verdict.attested else { throw Refusal(.evidenceMalformed, "not a document") }
        #expect(document.moduleID.hasPrefix("i-0123") && document.publicKey == nil)
    }

    @Test("refused with its code", arguments: NitroFaultTests.faults)
    func refused(_ fault: Fault) throws {
        var fixture = NitroFixture()
        fault.change(&fixture)
        let verdict = try fixture.built().verdict()
        let explanation = Comment(rawValue: verdict.json.text)
        #expect(verdict.code == fault.code, explanation)
        #expect(verdict.check(fault.check)?.code == fault.code, explanation)
        if verdict.signatureChain != .valid { #expect(verdict.claims.isEmpty && verdict.reportData.isEmpty) }
    }

    @Test(
        "a document without one of its members is malformed",
        arguments: ["module_id", "digest", "timestamp", "pcrs", "certificate"])
    func missing(_ name: String) throws {
        var fixture = NitroFixture()
        fixture.changeMembers = { members in
            members.removeAll { if case .text(name) = $0.0 { true } else { false } }
        }
        #expect(try fixture.built().verdict().code == .evidenceMalformed)
    }

    @Test("AC-018 every cut of a document is malformed")
    func truncated() throws {
        let built = try NitroFixture().built()
        for count in 0..<built.document.count {
            let refusal = #expect(throws: Refusal.self) { try NitroDocument(built.document[..<count]) }
            #expect(refusal?.code == .evidenceMalformed)
        }
    }

    // MARK: What may vary

    @Test(
        "other ways to write a document that mean the same are accepted",
        arguments: ["tag", "message", "members", "pcrs", "bundle", "unprotected", "all"])
    func accepted(_ name: String) throws {
        var fixture = NitroFixture()
        let all = name == "all"
        if all || name == "message" { fixture.encodesMessage = TestCBOR.indefiniteArray }
        if name == "tag" { fixture.encodesMessage = { .tag(18, .array($0)) } }
        if all || name == "members" { fixture.encodesMembers = TestCBOR.indefiniteMap }
        if all || name == "pcrs" { fixture.changeMembers = { [pcrs = fixture.pcrs] in $0[3].1 = .indefiniteMap(pcrs) } }
        if all || name == "bundle" { fixture.changeBundle = { .indefiniteArray($0.map(TestCBOR.bytes)) } }
        if all || name == "unprotected" { fixture.unprotected = .indefiniteMap([]) }
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
    }

    @Test func `members that are not known are ignored when they are well formed`() throws {
        var fixture = NitroFixture()
        fixture.changeMembers = { members in
            members.insert(
                (.text("new"), .indefiniteMap([(.text("a"), .raw([0xf9, 0, 0])), (.bytes([1]), .null)])), at: 0)
            members += [
                (.unsigned(7), .nested(8)), (.negative(7), .tag(1, .unsigned(2))), (.bytes([]), .raw([0xf5])),
                (.text("negative"), .negative(UInt64.max)), (.text("simple"), .raw([0xf8, 0x20])),
            ]
        }
        let verdict = try fixture.built().verdict()
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
    }

    @Test func `fields may have 1,024 bytes, and PCRs indices up to 31`() throws {
        var fixture = NitroFixture()
        let long = [UInt8](repeating: 1, count: 1_024)
        (fixture.publicKey, fixture.userData, fixture.nonce) = (.bytes(long), .bytes(long), .bytes(long))
        fixture.pcrs += [16, 17, 31].map { (.unsigned($0), .bytes(Array(repeating: 7, count: 48))) }
        let verdict = try fixture.built().verdict(reportData: long)
        #expect(verdict.accepted && verdict.claims["x-cloister-nitro-pcrs"]?["31"] != nil)
    }

    @Test func `the other signature of the same document is as good as the first`() throws {
        // (r, n − s) verifies too: nobody may take a signature for an identity.
        let order = try #require(
            Hex.decode(
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"))
        let built = try NitroFixture().built()
        let signature = built.document.suffix(48)
        var borrow = 0
        var twin: [UInt8] = []
        for (n, s) in zip(order, signature).reversed() {
            let difference = Int(n) - Int(s) - borrow
            borrow = difference < 0 ? 1 : 0
            twin.insert(UInt8(truncatingIfNeeded: difference), at: 0)
        }
        var other = built
        other.document = built.document.dropLast(48) + twin
        let (first, second) = (built.verdict(), other.verdict())
        #expect(first.accepted && second.accepted && first.claims == second.claims)
    }

    // MARK: Roots

    @Test("AC-003 AC-004 the document's own root is not trusted by itself")
    func roots() throws {
        for (name, code) in [
            ("aws.nitro-enclaves", RefusalCode.untrustedRoot), ("Cloister simulated Nitro", .simulatedRoot),
        ] {
            let built = try NitroFixture(rootName: name).built()
            let verdict = EvidenceVerifier(anchors: .vendors).verify(
                built.document, tee: .nitro, collateral: nil, at: NitroFixture.time)
            #expect(verdict.code == code && verdict.claims.isEmpty && verdict.grade == .simulated)
        }
    }

    @Test func `a root of another vendor does not vouch for enclaves`() throws {
        let built = try NitroFixture().built()
        let anchors = TrustAnchors.vendors.trusting(built.root, as: .nvidia, grade: .hardware)
        let verdict = EvidenceVerifier(anchors: anchors).verify(
            built.document, tee: .nitro, collateral: nil, at: NitroFixture.time)
        #expect(verdict.code == .untrustedRoot)
    }
}
