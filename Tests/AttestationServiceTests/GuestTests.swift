import AttestationService
import AttestationToken
import Encoding
import Evidence
import EvidenceForge
import Foundation
import TestSupport
import Testing

/// `/attest/AzureGuest`: evidence of a whole machine, and a token that only this machine can read.
struct GuestTests {
    static let route = "/attest/AzureGuest?api-version=2020-10-01"

    func world() throws -> GuestWorld { try GuestWorld.made.get() }

    func bootable(_ recipe: HCLRecipe, _ log: EventLogRecipe = GuestWorld.secureBoot()) -> HCLRecipe {
        var recipe = recipe
        recipe.log = log
        recipe.quote.registers = log.registers
        return recipe
    }

    func claims(_ answer: Answer) throws -> JSON {
        let token = try world().open(try #require(answer.token, "\(answer.body.text)"))
        return try JSON.parse(try JWS(compact: token, maximumBytes: 100_000).payload)
    }

    @Test func `a machine on SNP gets a sealed token that verifies and describes it`() async throws {
        let world = try world()
        let recipe = bootable(try world.snp())
        let service = try world.service(recipe)
        let answer = await service.post(Self.route, try world.request(recipe))
        #expect(answer.status == 200, "\(answer.body.text)")
        let token = try world.open(try #require(answer.token))
        let issuer = PartyPolicy.Issuer(pins: [service.keys.pin], simulated: true, url: Service.url)
        let issued = try IssuedToken.verify(
            token, issuers: [issuer], keySets: [Service.url: try IssuerKeySet(json: service.authority.keySet)],
            at: Service.now)
        let claims = issued.claims
        #expect(claims["x-ms-attestation-type"] == "azurevm")
        #expect(claims["secureboot"] == true)
        #expect(claims["x-ms-azurevm-vmid"] == "C0FFEE00-0000-4000-8000-000000000001")
        #expect(claims["x-ms-azurevm-osversion-minor"] == 4)
        #expect(claims["x-ms-azurevm-attested-pcrs"]?.array?.count == 24)
        let tee = try #require(claims["x-ms-isolation-tee"])
        #expect(tee["x-ms-attestation-type"] == "sevsnpvm")
        #expect(tee["x-ms-sevsnpvm-launchmeasurement"]?.string == String(repeating: "07", count: 48))
        #expect(tee["x-ms-runtime"]?["keys"]?.array?.first?["kid"] == "HCLAkPub")
        #expect(claims["x-ms-runtime"]?["client-payload"] == ["nonce": "Zm9v"])
        #expect(claims["x-ms-runtime"]?["keys"]?.array?.first?["kid"] == "TpmEphemeralEncryptionKey")
    }

    @Test func `a machine on TDX gets the claims of its TD`() async throws {
        let world = try world()
        let recipe = bootable(try world.tdx())
        let answer = await (try world.service(recipe)).post(Self.route, try world.request(recipe))
        let tee = try #require(try claims(answer)["x-ms-isolation-tee"])
        #expect(tee["x-ms-attestation-type"] == "tdxvm")
        #expect(tee["tdx_mrtd"]?.string == String(repeating: "07", count: 48))
    }

    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `claims have the names and types of a token of Azure's own service`() async throws {
        let world = try world()
        let recipe = bootable(try world.snp())
        let id = Hex.encode([UInt8](repeating: 0, count: 48))
        let launches = try LaunchAcceptance(
            json: Array(
                #"{"format":"cloister-launch-acceptance/1","snp":[{"x-ms-sevsnpvm-idkeydigest":["\#(id)"]}]}"#.utf8))
        let answer = await (try world.service(recipe, launches: launches)).post(
            Self.route, try world.request(recipe))
        let ours = try claims(answer)
        let recorded = try #require(
            try JSON.parse(Vectors.bytes("maa-requests/azureguest-claims.json"))["claims"]?.object)
        func kind(_ json: JSON?) -> String {
            switch json {
            case .string: "string"
            case .integer: "integer"
            case .bool: "boolean"
            case .array: "array"
            case .object: "object"
            case .number, .null, nil: "nothing"
            }
        }
        for (name, value) in recorded { #expect(kind(ours[name]) == kind(value), "\(name)") }
        for (name, value) in recorded["x-ms-isolation-tee"]?.object ?? [:] {
            #expect(kind(ours["x-ms-isolation-tee"]?[name]) == kind(value), "x-ms-isolation-tee.\(name)")
        }
        #expect(ours["x-ms-isolation-tee"]?["x-ms-compliance-status"] == "azure-compliant-cvm")
    }

    @Test func `the default policy refuses a machine without Secure Boot, and one whose log says nothing`() async throws
    {
        let world = try world()
        for log in [GuestWorld.secureBoot(0), .standard] {
            let recipe = bootable(try world.snp(), log)
            let answer = await (try world.service(recipe)).post(Self.route, try world.request(recipe))
            #expect(answer.errorCode == "PolicyEvaluationError")
        }
    }

    @Test func `what Windows measured about debugging is in the token and refused by the default policy`() async throws
    {
        let world = try world()
        func tagged(_ type: UInt32, _ data: [UInt8]) -> [UInt8] {
            GuestWorld.little(type) + GuestWorld.little(UInt32(data.count)) + data
        }
        let settings = tagged(0x0004_0001, [0]) + tagged(0x0005_0003, [1]) + tagged(0x000a_0007, [2, 0, 0, 0])
        let event = EventLogRecipe.Event(pcr: 12, type: 6, data: tagged(0x4001_0001, settings))
        let recipe = bootable(try world.snp(), GuestWorld.secureBoot(more: [event]))
        let service = try world.service(recipe)
        var body = try world.request(recipe) { inner, _ in inner["OSType"] = world.text(Array("Windows".utf8)) }
        #expect(await service.post(Self.route, body).errorCode == "PolicyEvaluationError")
        body = .object(
            (body.object ?? [:]).merging([
                "draftPolicyForAttestation": "version= 1.0;authorizationrules{=> permit();};"
            ]) { $1 })
        let claims = try claims(await service.post(Self.route, body))
        #expect(claims["x-ms-azurevm-is-windows"] == true)
        #expect(claims["x-ms-azurevm-testsigning-enabled"] == true)
        #expect(claims["x-ms-azurevm-signingdisabled"] == false)
        #expect(claims["x-ms-azurevm-debuggersdisabled"] == true)
        #expect(claims["x-ms-azurevm-hvci-policy"] == 2)
    }

    @Test("AC-015 a key, log, register or report that is not bound to the hardware is refused")
    func unbound() async throws {
        let world = try world()
        let recipe = bootable(try world.snp())
        let service = try world.service(recipe)
        let stranger = try KeyRing.forged(seed: "somebody else", isStranger: true).pkcs1(.attestationKey)
        let other = try world.encryptionKey(signer: stranger)
        let signing = try world.encryptionKey(signer: recipe.quote.signer, attributes: 0x0004_0072)
        let swapped = try world.encryptionKey(signer: recipe.quote.signer, attributes: 0x0002_0072)
        let cases: [(String, JSON)] = [
            (
                "evidence-signature",
                try world.request(recipe) { _, tpm in
                    tpm["EncKeyCertifyInfo"] = world.text(other.statement)
                    tpm["EncKeyCertifyInfoSignature"] = world.text(other.signature)
                }
            ),
            ("evidence-malformed", try world.request(recipe) { _, tpm in tpm["EncKeyPub"] = world.text(signing.area) }),
            ("binding-mismatch", try world.request(recipe) { _, tpm in tpm["EncKeyPub"] = world.text(swapped.area) }),
            (
                "binding-mismatch",
                try world.request(recipe) { inner, _ in
                    inner["TcgLogs"] = world.text(GuestWorld.secureBoot(0).bytes)
                }
            ),
            (
                "binding-mismatch",
                try world.request(recipe) { _, tpm in
                    var pcrs = tpm["PCRs"]?.array ?? []
                    pcrs[3] = ["Index": 3, "Digest": world.text([UInt8](repeating: 1, count: 32))]
                    tpm["PCRs"] = .array(pcrs)
                }
            ),
            (
                "evidence-signature",
                try world.request(recipe) { _, tpm in
                    tpm["PcrSignature"] = world.text([UInt8](repeating: 1, count: 256))
                }
            ),
            (
                "evidence-malformed",
                try world.request(recipe) { inner, _ in inner["IsolationInfo"] = ["Type": "TrustedLaunch"] }
            ),
            ("evidence-malformed", try world.request(recipe) { inner, _ in inner["TcgLogs"] = nil }),
        ]
        for (code, body) in cases {
            let answer = await service.post(Self.route, body)
            #expect(answer.refusal == code, "\(answer.body.text)")
            #expect(answer.token == nil)
        }
    }
}
