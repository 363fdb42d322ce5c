import AttestationToken
import Crypto
import Encoding
import Evidence

@testable import Channel
@testable import Evidence

/// One diagnosis with everything a passport needs: an attestation service, a hospital's policy, two releases, a request
/// from platform to diagnostics and its answer. Each part can be changed before the passport is put together.
///
/// Evidence is judged by a table instead of signatures: EvidenceVerifier has tests of its own, these are about every
/// step around it.
struct TestPassport {
    static let url = "https://localhost:8443"
    static let now = TestUnit.now
    static let hospitalKey = P256.Signing.PrivateKey()
    static let releaseKey = P256.Signing.PrivateKey()
    static var hospital: Encoding.Digest { partyID(of: hospitalKey.publicKey) }

    /// Fixed test certificates, valid from 2026 to 2056.
    static let issuerCertificate =
        Base64.decode(
            """
            MIIBPjCB5qADAgECAgEBMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC1Rlc3QgaXNzdWVyMCAXDTI2MDEwMTAwMDAwMFoYDzIwNTYwMTAxMDAw
            MDAwWjAWMRQwEgYDVQQDDAtUZXN0IGlzc3VlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMFoFsNLx7iTkfSCAEEa3VD+WmDxv8vujaLg
            jEGy2GaWcgZD8/26+tsflY8ZxsFINfziI4PUlq4Z+UUeAxUErVqjIzAhMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMAoGCCqG
            SM49BAMCA0cAMEQCIDQlZGxFL2/bCPsseyEbalkyt9pI1yrHkZyT1AUPCmb1AiAYP+L1GBin5INgSqRGI3fzqaUAFCqjGEFnuPGGefp2TQ==
            """, .lenient) ?? []
    static let signingCertificate =
        Base64.decode(
            """
            MIIBLTCB06ADAgECAgECMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC1Rlc3QgaXNzdWVyMCAXDTI2MDEwMTAwMDAwMFoYDzIwNTYwMTAxMDAw
            MDAwWjAWMRQwEgYDVQQDDAtUZXN0IHNpZ25lcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCvmF9UhAOZc2IVDj/AtXdSSPbflEYzoI30K
            9uX6Me3FWmAYOXJa4Ec+54U0fjfbQWTa6CGr3PpaUdTTJn1tk0GjEDAOMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSQAwRgIhAJAZdcZC
            jFKQL/cD6u7cTaFUZCEuaQZHbVPxgzGQ1NI4AiEAvkwckBLX6QIKjwaRsfnIww695TOdXSXpMFGXBsI9COQ=
            """, .lenient) ?? []
    static let signingKey = Hex.decode("042261b6928b09c4e9a430c5eabd7c231b4b354585e7189560d73ac4c59f9386") ?? []

    static let secondIssuerCertificate =
        Base64.decode(
            """
            MIIBTTCB9KADAgECAgEBMAoGCCqGSM49BAMCMB0xGzAZBgNVBAMMElNlY29uZCB0ZXN0IGlzc3VlcjAgFw0yNjAxMDEwMDAwMDBaGA8yMDU2
            MDEwMTAwMDAwMFowHTEbMBkGA1UEAwwSU2Vjb25kIHRlc3QgaXNzdWVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEljEDdtkcOSiVPsbT
            SAVPE0+HehhmeLBorbufp+kvCm5zg/Ud7fyVIAWKjhjd7Esv7qbYUT5/g6jEiLnDM0maT6MjMCEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8B
            Af8EBAMCAQYwCgYIKoZIzj0EAwIDSAAwRQIhALzTs5VnRvSGUlPMYdK6C3ylHQH4VKBXKDIARCRM0RvcAiAF0W7iGa1xpSTH+jSxXpMbwp+z
            q1V3jwvhzTYioVMEjA==
            """, .lenient) ?? []
    static let secondSigningCertificate =
        Base64.decode(
            """
            MIIBOjCB4aADAgECAgECMAoGCCqGSM49BAMCMB0xGzAZBgNVBAMMElNlY29uZCB0ZXN0IGlzc3VlcjAgFw0yNjAxMDEwMDAwMDBaGA8yMDU2
            MDEwMTAwMDAwMFowHTEbMBkGA1UEAwwSU2Vjb25kIHRlc3Qgc2lnbmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVks/MD8b/fNiLGiK
            iGjljBqVkw3Q5JFW4QUEhIu2e3O9/tRJInFgD76Z5kCTOaWEck17bMBJtmZiVULLwa/tNaMQMA4wDAYDVR0TAQH/BAIwADAKBggqhkjOPQQD
            AgNIADBFAiBrmutZiHfJZl0+wtDZ1aRE4ZXhT3o9NFCM+aXS1zSQYQIhAMbOP6ZE0duiIvprprEgdWgRKiEH9bTNvJvtSeZyPdn8
            """, .lenient) ?? []

    /// An attestation service.
    struct Authority {
        let url: String
        let signingKey: [UInt8]
        let chain: [[UInt8]]

        static let first = Authority(
            url: TestPassport.url, signingKey: TestPassport.signingKey, chain: [signingCertificate, issuerCertificate])
        static let second = Authority(
            url: "https://second.example",
            signingKey: Hex.decode("2a4975ec05beca4b21c4c8fa5fb76219a39b9952a20d8a517527bb5a9a14aa3f") ?? [],
            chain: [secondSigningCertificate, secondIssuerCertificate])

        var issuer: PartyPolicy.Issuer {
            get throws { .init(pins: [try Certificate(der: chain[1]).pin], simulated: true, url: url) }
        }
    }

    static func issuerPin() throws -> Encoding.Digest { try Certificate(der: issuerCertificate).pin }

    let platform: TestUnit
    let diagnostics: TestUnit
    let request = BinaryRequest(method: "POST", authority: "diagnostics", path: "/infer", content: [1, 2, 3])
    let salt: [UInt8]
    var tokens: [String]
    var hops: [HopStatement]
    var issuers: [Passport.Issuer]
    var evidence: [EvidenceDocument]
    var manifests: [String]
    var policies: [String]
    /// What the judge says of an evidence document, by its bytes.
    var verdicts: [[UInt8]: Verdict]

    /// - Parameter authorities: who vouches for the units; the policy asks for all of them.
    init(model: Bool = true, answeredBy other: TestUnit? = nil, authorities: [Authority] = [.first]) throws {
        platform = try .platform()
        let diagnostics = try TestUnit.diagnostics()
        self.diagnostics = diagnostics
        let answering = other ?? diagnostics
        let platform = platform
        let platformTokens = try authorities.map { try Self.token(platform, by: $0) }
        let diagnosticsTokens = try authorities.map { try Self.token(answering, by: $0) }
        tokens = platformTokens + diagnosticsTokens
        let sender = try HopSigner(tokens: platformTokens, runtimeData: platform.runtimeData, key: platform.hopKey)
        let outgoing = try OutgoingRequest.seal(request, to: diagnostics.peer, from: sender, at: Self.now)
        salt = outgoing.salt ?? []
        let cause = try diagnostics.open(outgoing.body).requireSender().hop
        var answer = cause.content
        answer.kind = .response
        answer.role = answering.role
        answer.party = answering.party
        answer.tokens = diagnosticsTokens.map { Digest(of: $0) }
        answer.parent = cause.digest
        answer.response = Commitment.digest(salt: salt, message: [9])
        answer.issuedAt = Self.now + 5
        answer.model =
            model ? ModelReference(name: "brain", sha256: [UInt8](repeating: 7, count: 32), version: "1") : nil
        hops = [cause, try HopStatement.sign(answer, with: answering.hopKey)]
        issuers = authorities.map { .init(url: $0.url, chains: [$0.chain]) }
        evidence =
            authorities.map { _ in Self.document(platform, byte: 1) }
            + authorities.map { _ in Self.document(answering, byte: 2) }
        verdicts = [[1]: Self.verdict(platform), [2]: Self.verdict(answering)]
        manifests = [try Self.manifest(platform.role), try Self.manifest(answering.role)]
        var policy = try Self.policy()
        policy.issuers = try authorities.map { try $0.issuer }
        policy.threshold = Int64(authorities.count)
        policies = [try policy.sign(with: Self.hospitalKey)]
    }

    var passport: Passport {
        get throws {
            try Passport(
                hops: hops, tokens: tokens, issuers: issuers, evidence: evidence, manifests: manifests,
                policies: policies)
        }
    }

    func verify(
        _ trust: PassportTrust = PassportTrust(parties: [hospital])
    ) throws -> PassportVerdict {
        let refused = Self.verdict(platform, code: .evidenceSignature)
        return try passport.verify(trusting: trust) { document, time in
            time == Self.now - 10 ? verdicts[document.evidence] ?? refused : refused
        }
    }

    // MARK: Parts

    /// A launch measurement that is different for each role.
    static func measurement(_ role: String) -> String { Digest(of: role).hex + String(repeating: "0", count: 32) }

    /// What an attestation service signs about a unit; issued ten seconds before the request.
    static func token(
        _ unit: TestUnit, by authority: Authority = .first, change: (inout [String: JSON]) -> Void = { _ in }
    ) throws -> String {
        let issued = now - 10
        var claims: [String: JSON] = [
            "iss": .string(authority.url), "iat": .integer(issued.seconds), "nbf": .integer(issued.seconds),
            "exp": .integer(issued.seconds + 28_800), "x-ms-attestation-type": "sevsnpvm",
            "x-cloister-grade": "simulated", "x-cloister-valid-until": .integer(issued.seconds + 86_400),
            "x-ms-runtime": try JSON.parse(unit.runtimeData.bytes),
            "x-ms-sevsnpvm-reportdata": .string(Hex.encode(unit.runtimeData.reportData)),
            "x-ms-sevsnpvm-hostdata": .string(unit.party.hex), "x-ms-sevsnpvm-is-debuggable": false,
            "x-ms-sevsnpvm-launchmeasurement": .string(measurement(unit.role)),
        ]
        change(&claims)
        return try SigningKey.es256(try P256.Signing.PrivateKey(rawRepresentation: authority.signingKey))
            .sign(header: ["kid": "k", "typ": "JWT"], payload: JSON.object(claims).canonical)
    }

    static func document(_ unit: TestUnit, byte: UInt8, collateral: Bool = true) -> EvidenceDocument {
        EvidenceDocument(
            tee: .snp, evidence: [byte], runtimeData: unit.runtimeData.bytes,
            collateral: collateral ? .snp(SNPCollateral(vek: "vek", chain: "chain")) : nil)
    }

    static func verdict(
        _ unit: TestUnit, code: RefusalCode? = nil, tee: TEE = .snp, grade: Grade = .simulated,
        reportData: [UInt8]? = nil, hostData: [UInt8]? = nil, isDebuggable: Bool = false, measurement: String? = nil
    ) -> Verdict {
        Verdict(
            code: code, detail: "", tee: tee, grade: grade, signatureChain: .valid,
            tcb: TCBAppraisal(status: .upToDate, platform: TCBAppraisal.Level(status: .upToDate)), advisories: [],
            claims: [
                "x-ms-sevsnpvm-launchmeasurement": .string(measurement ?? TestPassport.measurement(unit.role))
            ], isPolicyMet: true, validUntil: nil, checks: [],
            reportData: reportData ?? unit.runtimeData.reportData, hostData: hostData ?? unit.party.bytes,
            isDebuggable: isDebuggable, attested: nil)
    }

    static func manifest(
        _ role: String, sequence: Int64 = 3, measured: String? = nil, key: P256.Signing.PrivateKey = releaseKey
    ) throws -> String {
        try ReleaseManifest(
            build: "release", commit: "0", createdAt: now,
            file: .init(name: role, sha256: [UInt8](repeating: 1, count: 32), size: 1),
            measurements: [
                .init(
                    claims: ["x-ms-sevsnpvm-launchmeasurement": .string(measured ?? measurement(role))],
                    grade: .simulated, runtime: "simulated", tee: .snp)
            ], sequence: sequence, unit: role, version: "0.1.0"
        ).sign(with: key)
    }

    static func policy(party: Encoding.Digest = hospital) throws -> PartyPolicy {
        PartyPolicy(
            party: party, sequence: 1, notBefore: now - 3_600, notAfter: now + 86_400,
            issuers: [.init(pins: [try issuerPin()], simulated: true, url: url)],
            releaseSigners: ["medical-platform", "diagnostics"].map {
                .init(key: JWK(releaseKey.publicKey), leastSequence: 3, unit: $0)
            },
            peers: [
                .init(party: TestUnit.platformParty, role: "medical-platform"),
                .init(party: TestUnit.providerParty, role: "diagnostics"),
            ])
    }
}
