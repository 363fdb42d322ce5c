import AttestationToken
import Encoding
import Evidence
import Testing

/// Attestation results as other verifiers might write them.
struct AttestationResultTests {
    static func claims(
        _ profile: EARProfile = .draft, status: JSON? = "affirming", part: JSON = "affirming",
        vector: JSON = ["hardware": 2], evidence: [String: JSON] = ["x-cloister-grade": "hardware"]
    ) -> [String: JSON] {
        var claims: [String: JSON] = [
            "eat_profile": .string(profile.rawValue), "iss": .string(Fixture.url),
            "iat": .integer(Fixture.now.seconds), "nbf": .integer(Fixture.now.seconds),
            "exp": .integer(Fixture.now.seconds + 600),
            "submods": [
                "cpu0": [
                    profile.status: part, profile.vector: vector,
                    profile.policies: profile == .draft ? ["policy"] : "policy", profile.claims: .object(evidence),
                ]
            ],
        ]
        claims[profile.status] = status
        return claims
    }

    func verify(
        _ claims: [String: JSON], issuer: PartyPolicy.Issuer = Fixture.issuer
    ) throws(Refusal) -> IssuedToken {
        try IssuedToken.verify(Fixture.sign(claims), issuers: [issuer], keySets: Fixture.keySets, at: Fixture.now)
    }

    @Test(arguments: EARProfile.allCases)
    func `both ways of naming are read`(profile: EARProfile) throws {
        let token = try verify(
            Self.claims(profile, status: "warning", part: "warning", vector: ["hardware": 2, "executables": 33]))
        let result = try #require(token.result)
        #expect(result.profile == profile)
        #expect(result.status == .warning)
        #expect(result.vector == ["hardware": 2, "executables": 33])
        #expect(result.policies == ["policy"])
        #expect(token.grade == .hardware)
    }

    @Test func `a token of the compatible form has no result`() throws {
        var claims = Fixture.claims()
        claims["eat_profile"] = "https://aka.ms/maa-eat-profile-tdxvm"
        #expect(try verify(claims).result == nil)
    }

    @Test("AC-034 only what is affirmed is affirmed: not what warns, and not what is missing")
    func affirmation() throws {
        let result = try #require(
            try verify(
                Self.claims(
                    status: "warning", part: "warning", vector: ["hardware": 2, "executables": 33, "configuration": 0])
            )
            .result)
        try result.requireAffirmed(["hardware"])
        try result.requireAffirmed([])
        for name in ["executables", "configuration", "storage-opaque"] {
            #expect(code { () throws(Refusal) in try result.requireAffirmed([name]) } == .appraisalInsufficient)
        }
    }

    @Test("AC-034 a result that its issuer contraindicates is refused, but for simulated evidence")
    func contraindicated() throws {
        let vector: JSON = ["hardware": 97]
        let claims = Self.claims(status: "contraindicated", part: "contraindicated", vector: vector)
        #expect(code { () throws(Refusal) in try verify(claims) } == .appraisalInsufficient)
        let simulated = Self.claims(
            status: "contraindicated", part: "contraindicated", vector: vector,
            evidence: ["x-cloister-grade": "simulated"])
        #expect(try verify(simulated).grade == .simulated)
        let strict = PartyPolicy.Issuer(pins: [Fixture.pin], simulated: false, url: Fixture.url)
        #expect(code { () throws(Refusal) in try verify(simulated, issuer: strict) } == .gradeInsufficient)
    }

    @Test func `a status better than what it sums up is refused`() {
        for claims in [
            Self.claims(status: "affirming", part: "warning"),
            Self.claims(status: "warning", part: "affirming", vector: ["hardware": 32]),
            Self.claims(status: "affirming", part: "affirming", vector: ["hardware": 96]),
        ] {
            #expect(code { () throws(Refusal) in try verify(claims) } == .tokenMalformed)
        }
    }

    @Test func `claims that are no result of their profile are refused`() {
        var cases = [
            Self.claims(status: "good"), Self.claims(part: 2), Self.claims(vector: ["hardware": 128]),
            Self.claims(vector: ["hardware": "2"]), Self.claims(vector: ["software": 2]), Self.claims(vector: [2]),
        ]
        for submods in [[:], [], nil] as [JSON?] {
            var claims = Self.claims()
            claims["submods"] = submods
            cases.append(claims)
        }
        for claims in cases { #expect(code { () throws(Refusal) in try verify(claims) } == .tokenMalformed) }
    }

    @Test func `issuer and times inside a submodule do not count`() throws {
        let forged: [String: JSON] = [
            "iss": "https://elsewhere.example", "exp": .integer(Fixture.now.seconds + 999_999),
            "x-cloister-grade": "hardware",
        ]
        let token = try verify(Self.claims(evidence: forged))
        #expect(token.claims["iss"]?.string == Fixture.url)
        #expect(token.expires == Fixture.now + 600)
        var outside = Self.claims(evidence: forged)
        outside["iss"] = nil
        #expect(code { () throws(Refusal) in try verify(outside) } != nil)
    }

    @Test func `two submodules with claims about evidence are refused`() {
        var claims = Self.claims()
        let part = claims["submods"]?["cpu0"] ?? .null
        claims["submods"] = ["cpu0": part, "cpu1": part]
        #expect(code { () throws(Refusal) in try verify(claims) } == .tokenMalformed)
    }

    @Test(
        arguments: [
            (0, TrustTier.none), (1, .none), (-1, .none), (2, .affirming), (31, .affirming), (-2, .affirming),
            (-32, .affirming), (32, .warning), (95, .warning), (-33, .warning), (-96, .warning), (96, .contraindicated),
            (127, .contraindicated), (-97, .contraindicated), (-128, .contraindicated),
        ] as [(Int64, TrustTier)])
    func `components fall into their tiers`(component: Int64, tier: TrustTier) {
        #expect(TrustTier(component: component) == tier)
    }
}
