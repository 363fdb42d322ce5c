import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Testing

private typealias Digest = Encoding.Digest

/// Formats section 6, "A token is accepted".
struct AcceptanceTests {
    func acceptance(
        _ change: (inout PartyPolicy) -> Void = { _ in }, manifests: [ReleaseManifest] = [Fixture.manifest()]
    ) throws -> Acceptance {
        var policy = Fixture.policy()
        change(&policy)
        return Acceptance(policy: policy, manifests: try manifests.map { try $0.sign(with: Fixture.releaseKey) })
    }

    private func code(
        _ acceptance: Acceptance, _ token: AttestationToken, role: String = "diagnostics", pinned: Digest? = nil
    )
        -> RefusalCode?
    {
        AttestationTokenTests.code { () throws(Refusal) in
            try acceptance.accept(token, role: role, pinnedParty: pinned, at: Fixture.now)
        }
    }

    /// A token of the unit as another party runs it.
    private func token(of party: Digest, role: String = "diagnostics") throws -> AttestationToken {
        try Fixture.verify(Fixture.sign(Fixture.claims(Fixture.runtimeData(role: role, party: party))))
    }

    @Test func `a unit of the own party, of a peer and of a pinned party is accepted with its release`() throws {
        let acceptance = try acceptance()
        #expect(
            try acceptance.accept(Fixture.token(), role: "diagnostics", at: Fixture.now) == Fixture.manifest())
        #expect(code(acceptance, try token(of: Fixture.peer)) == nil)
        let third = Digest(of: "third")
        #expect(code(acceptance, try token(of: third), pinned: third) == nil)
    }

    @Test("AC-005 a debuggable unit is refused")
    func debuggable() throws {
        let token = try Fixture.token { $0["x-ms-sevsnpvm-is-debuggable"] = true }
        #expect(code(try acceptance(), token) == .debugEnabled)
    }

    @Test("AC-006 a measurement that no accepted release has is refused")
    func measurement() throws {
        let acceptance = try acceptance()
        for value: JSON? in [
            .string(String(repeating: "c2", count: 48)), .string(Fixture.measurement.uppercased()), nil, 7,
        ] {
            let token = try Fixture.token { $0["x-ms-sevsnpvm-launchmeasurement"] = value }
            #expect(code(acceptance, token) == .measurementUnknown)
        }
        #expect(code(try self.acceptance(manifests: []), try Fixture.token()) == .measurementUnknown)
    }

    @Test func `a measurement counts only in its own grade and TEE, and with all its claims`() throws {
        var hardware = Fixture.manifest()
        hardware.measurements[1].grade = .hardware
        #expect(code(try acceptance(manifests: [hardware]), try Fixture.token()) == .measurementUnknown)
        var otherTEE = Fixture.manifest()
        otherTEE.measurements[1].tee = .tdx
        #expect(code(try acceptance(manifests: [otherTEE]), try Fixture.token()) == .measurementUnknown)
        var more = Fixture.manifest()
        more.measurements[1].claims["x-ms-sevsnpvm-guestsvn"] = 1
        #expect(code(try acceptance(manifests: [more]), try Fixture.token()) == .measurementUnknown)
        let text = try Fixture.token { $0["x-ms-sevsnpvm-guestsvn"] = "1" }
        #expect(code(try acceptance(manifests: [more]), text) == .measurementUnknown)
        let number = try Fixture.token { $0["x-ms-sevsnpvm-guestsvn"] = 1 }
        #expect(code(try acceptance(manifests: [more]), number) == nil)
    }

    @Test("AC-007 a withdrawn release is refused")
    func withdrawn() throws {
        #expect(
            code(try acceptance(manifests: [Fixture.manifest(sequence: 11)]), try Fixture.token())
                == .measurementRevoked)
    }

    @Test("AC-009 a release below the least sequence is refused")
    func leastSequence() throws {
        #expect(code(try acceptance(manifests: [Fixture.manifest(sequence: 9)]), try Fixture.token()) == .svnTooLow)
        #expect(code(try acceptance(manifests: [Fixture.manifest(sequence: 10)]), try Fixture.token()) == nil)
    }

    @Test("AC-008 host data that is not the party of the runtime data is refused")
    func hostData() throws {
        let acceptance = try acceptance()
        for value: JSON? in [
            .string(Fixture.peer.hex), .string(Fixture.party.hex + "01"), .string(""), nil,
        ] {
            let token = try Fixture.token { $0["x-ms-sevsnpvm-hostdata"] = value }
            #expect(code(acceptance, token) == .configMismatch)
        }
    }

    @Test("AC-041 a genuine unit that another party runs is refused")
    func diversion() throws {
        let acceptance = try acceptance()
        #expect(code(acceptance, try token(of: Digest(of: "third"))) == .instanceMismatch)
        let pinned = Digest(of: "pinned")
        #expect(code(acceptance, try token(of: Digest(of: "third")), pinned: pinned) == .instanceMismatch)
    }

    @Test func `a peer counts only in its role`() throws {
        let platform = try acceptance({ $0.peers = [.init(party: Fixture.peer, role: "medical-platform")] })
        #expect(code(platform, try token(of: Fixture.peer)) == .instanceMismatch)
        #expect(
            code(try acceptance(), try token(of: Fixture.peer, role: "medical-platform")) == .roleMismatch)
        #expect(
            code(try acceptance(), try token(of: Fixture.party, role: "medical-platform"), role: "medical-platform")
                == .measurementUnknown)
    }

    @Test("AC-039 the policy at hand decides about issuer and grade, not the one that verified the token")
    func issuerAndGrade() throws {
        let hardwareOnly = try acceptance({ $0.issuers[0].simulated = false })
        #expect(code(hardwareOnly, try Fixture.token()) == .gradeInsufficient)
        let otherPin = try acceptance({ $0.issuers[0].pins = [Digest(of: "other")] })
        #expect(code(otherPin, try Fixture.token()) == .tokenIssuer)
        let otherURL = try acceptance({ $0.issuers[0].url = "https://other.example" })
        #expect(code(otherURL, try Fixture.token()) == .tokenIssuer)
    }

    @Test("AC-029 a token that was verified long ago is refused")
    func stale() throws {
        let token = try Fixture.token()
        let acceptance = try acceptance()
        #expect(
            AttestationTokenTests.code { () throws(Refusal) in
                try acceptance.accept(token, role: "diagnostics", at: Fixture.now + 3_661)
            } == .tokenTime)
    }

    // MARK: Manifests

    @Test func `a manifest by another key, or unsigned, is refused`() throws {
        let policy = Fixture.policy()
        let foreign = try Fixture.manifest().sign(with: Fixture.stranger)
        #expect(code(Acceptance(policy: policy, manifests: [foreign]), try Fixture.token()) == .endorsementInvalid)
        let good = try Fixture.manifest().sign(with: Fixture.releaseKey)
        let forged = try SignedDocument.sign(
            Fixture.manifest().json, type: "cloister-release+jwt",
            keyMember: (.kid, .string(partyID(of: Fixture.releaseKey.publicKey).description)), with: Fixture.stranger)
        #expect(
            AttestationTokenTests.code { () throws(Refusal) in
                try ReleaseManifest(compact: forged, signers: policy.releaseSigners)
            } == .endorsementInvalid)
        let header: JSON = [
            "alg": "none", "kid": .string(partyID(of: Fixture.releaseKey.publicKey).description),
            "typ": "cloister-release+jwt",
        ]
        let unsigned = Fixture.replacing(
            part: 2, of: Fixture.replacing(part: 0, of: good, with: Base64.encodeURL(header.canonical)), with: "")
        #expect(code(Acceptance(policy: policy, manifests: [unsigned]), try Fixture.token()) == .endorsementInvalid)
        // A foreign manifest beside a good one does no harm.
        #expect(code(Acceptance(policy: policy, manifests: [foreign, good]), try Fixture.token()) == nil)
    }

    @Test func `a release key counts only for its unit`() throws {
        var platform = Fixture.manifest()
        platform.unit = "medical-platform"
        let compact = try platform.sign(with: Fixture.releaseKey)
        #expect(
            AttestationTokenTests.code { () throws(Refusal) in
                try ReleaseManifest(compact: compact, signers: Fixture.policy().releaseSigners)
            } == .endorsementInvalid)
    }

    @Test func `a manifest is read back as it was, and refused with a fault`() throws {
        let compact = try Fixture.manifest().sign(with: Fixture.releaseKey)
        #expect(
            try ReleaseManifest(compact: compact, signers: Fixture.policy().releaseSigners) == Fixture.manifest())
        func changed(_ name: String, _ value: JSON?) throws -> String {
            var members = Fixture.manifest().json.object ?? [:]
            members[name] = value
            return try SignedDocument.sign(
                .object(members), type: "cloister-release+jwt",
                keyMember: (.kid, .string(partyID(of: Fixture.releaseKey.publicKey).description)),
                with: Fixture.releaseKey)
        }
        let cases: [(String, JSON?)] = [
            ("format", "cloister-release/2"), ("version", nil), ("extra", 1), ("build", "nightly"),
            ("sequence", -1), ("unit", "UNIT"), ("file", ["name": "x", "sha256": "5F", "size": 1]),
            ("libraries", [["name": "x"]]),
            ("measurements", [["claims": [:], "grade": "simulated", "runtime": "simulated", "tee": "snp"]]),
            ("measurements", [["claims": ["a": 1], "grade": "gold", "runtime": "simulated", "tee": "snp"]]),
            ("measurements", [["claims": ["a": 1], "grade": "simulated", "runtime": "simulated", "tee": "cpu"]]),
        ]
        for (name, value) in cases {
            let compact = try changed(name, value)
            #expect(
                AttestationTokenTests.code { () throws(Refusal) in try ReleaseManifest(unverified: compact) }
                    == .tokenMalformed, "\(name)")
        }
    }

    // MARK: Release policy

    @Test func `a release policy names measurement, instance, role and grade for each measurement`() throws {
        let json = try ReleasePolicy.json(
            for: Fixture.manifest(), authority: Fixture.url, party: Fixture.party, allowSimulated: true)
        func test(_ claim: String, _ value: String) -> JSON { ["claim": .string(claim), "equals": .string(value)] }
        let expected: JSON = [
            "version": "1.0.0",
            "anyOf": [
                [
                    "authority": .string(Fixture.url),
                    "allOf": [
                        test("x-ms-sgx-mrenclave", String(repeating: "5f", count: 32)),
                        test("x-ms-sgx-config-id", Fixture.party.hex + String(repeating: "0", count: 64)),
                        test("x-ms-sgx-is-debuggable", "false"), test("x-ms-runtime.role", "diagnostics"),
                        test("x-cloister-grade", "simulated"),
                    ],
                ],
                [
                    "authority": .string(Fixture.url),
                    "allOf": [
                        test("x-ms-sevsnpvm-launchmeasurement", Fixture.measurement),
                        test("x-ms-sevsnpvm-hostdata", Fixture.party.hex),
                        test("x-ms-sevsnpvm-is-debuggable", "false"), test("x-ms-runtime.role", "diagnostics"),
                        test("x-cloister-grade", "simulated"),
                    ],
                ],
            ],
        ]
        #expect(json == expected)
    }

    @Test func `simulated measurements are left out where the owner does not allow them, and none is no policy`() throws
    {
        var manifest = Fixture.manifest()
        #expect(
            AttestationTokenTests.code { () throws(Refusal) in
                try ReleasePolicy.json(
                    for: manifest, authority: Fixture.url, party: Fixture.party, allowSimulated: false)
            } == .policyInvalid)
        manifest.measurements[0].grade = .hardware
        let json = try ReleasePolicy.json(
            for: manifest, authority: Fixture.url, party: Fixture.party, allowSimulated: false)
        #expect(json["anyOf"]?.array?.count == 1)
    }
}
