import AttestationService
import AttestationToken
import Attester
import Collateral
import Encoding
import Evidence
import EvidenceForge
import Foundation
import ServiceKit
import SimulatedTEE
import Synchronization
import Testing

/// Collateral that counts how often it is asked for.
final class CountedCollateral: CollateralSource {
    let asked = Mutex(0)
    let behind: GivenCollateral

    init(_ behind: GivenCollateral = GivenCollateral()) { self.behind = behind }

    private func count() { asked.withLock { $0 += 1 } }

    func dcap(tee: TEE, fmspc: [UInt8], ca: String, at time: Timestamp) async throws(Refusal) -> DCAPCollateral {
        count()
        return try await behind.dcap(tee: tee, fmspc: fmspc, ca: ca, at: time)
    }

    func snp(
        product: SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion, at time: Timestamp
    ) async throws(Refusal) -> SNPCollateral {
        count()
        return try await behind.snp(product: product, chipID: chipID, tcb: tcb, at: time)
    }

    func snpCRL(product: String, kind: EndorsementKeyKind, at time: Timestamp) async throws(Refusal) -> [UInt8]? {
        count()
        return try await behind.snpCRL(product: product, kind: kind, at: time)
    }
}

struct OtherTypesTests {
    static let openEnclave = "/attest/OpenEnclave?api-version=2020-10-01"
    static let tdx = "/attest/TdxVm?api-version=2023-04-01-preview"

    static func report(_ quote: [UInt8], version: UInt32 = 1, type: UInt32 = 2, length: Int? = nil) -> JSON {
        let bytes = GuestWorld.joined(
            GuestWorld.little(version), GuestWorld.little(type), GuestWorld.little(UInt64(length ?? quote.count)), quote
        )
        return .string(Base64.encodeURL(bytes))
    }

    @Test func `an Open Enclave report is judged as the quote inside`() async throws {
        let service = try Service()
        let quote = try Sample.evidence(.sgx).evidence
        let answer = await service.post(
            Self.openEnclave, ["report": Self.report(quote), "runtimeData": Sample.runtime])
        #expect(answer.status == 200, "\(answer.body.text)")
        #expect(try service.verify(try #require(answer.token)).tee == .sgx)
        #expect(answer.claims["tee"] == "sgx")
        for broken in [
            Self.report(quote, version: 2), Self.report(quote, type: 1), Self.report(quote, length: quote.count + 1),
            Self.report(quote, length: 0), .string(Base64.encodeURL(quote)), .string(Base64.encodeURL([1, 0, 0])),
        ] {
            #expect(await service.post(Self.openEnclave, ["report": broken]).refusal == "evidence-malformed")
        }
    }

    @Test func `a TD gets a token that a unit's peers accept`() async throws {
        let service = try Service()
        let quote = try Sample.evidence(.tdx).evidence
        let body: JSON = ["quote": .string(Base64.encodeURL(quote)), "runtimeData": Sample.runtime]
        let answer = await service.post(Self.tdx, body)
        #expect(answer.status == 200, "\(answer.body.text)")
        let token = try service.verify(try #require(answer.token))
        #expect(token.tee == .tdx)
        #expect(Array(token.hostData.prefix(32)) == Sample.party.bytes)
        #expect(answer.claims["tdx_td_attributes_septve_disable"] == true)
    }

    @Test("AC-018 a quote of one kind is refused on the route of the other")
    func exchanged() async throws {
        let service = try Service()
        let sgx = JSON.string(Base64.encodeURL(try Sample.evidence(.sgx).evidence))
        let tdx = JSON.string(Base64.encodeURL(try Sample.evidence(.tdx).evidence))
        #expect(await service.post(Self.tdx, ["quote": sgx]).refusal == "evidence-malformed")
        #expect(await service.post(sgxRoute, ["quote": tdx]).refusal == "evidence-malformed")
    }

    @Test func `the initial data of a TD is the first half of its configuration id`() async throws {
        let initTime = Array("{}".utf8)
        let evidence = try Sample.evidence(.tdx, party: Encoding.Digest(of: initTime))
        let data = JSON.string(Base64.encodeURL(initTime))
        let answer = await (try Service()).post(
            Self.tdx,
            [
                "quote": .string(Base64.encodeURL(evidence.evidence)), "runtimeData": Sample.runtime,
                "initTimeData": ["data": data, "dataType": "JSON"],
            ])
        #expect(answer.claims["x-ms-inittime"] == [:], "\(answer.body.text)")
    }

    @Test func `collateral is asked for only when a chain ended in a trusted root`() async throws {
        let source = CountedCollateral()
        let service = try Service(simulated: false, collateral: source)
        let tdx: JSON = ["quote": .string(Base64.encodeURL(try Sample.evidence(.tdx).evidence))]
        #expect(await service.post(sgxRoute, try Sample.sgx()).refusal == "simulated-root")
        #expect(await service.post(Self.tdx, tdx).refusal == "simulated-root")
        #expect(await service.post(try Sample.snp()).refusal == "simulated-root")
        #expect(source.asked.withLock { $0 } == 0)
        // A chain whose certificate was changed to name another platform.
        let trusting = try Service(collateral: source)
        var quote = try Sample.evidence(.sgx).evidence
        let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
        let start = try #require(quote.indices.first { quote[$0...].starts(with: begin) })
        quote[start + 700] = quote[start + 700] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        let answer = await trusting.post(sgxRoute, ["quote": .string(Base64.encodeURL(quote))])
        #expect(answer.refusal == "evidence-chain", "\(answer.body.text)")
        #expect(source.asked.withLock { $0 } == 0)
    }

    @Test func `what lies in a virtual TPM's memory is a report whose certificates the service finds`() async throws {
        let world = try GuestWorld.made.get()
        let recipe = try world.snp()
        let made = try recipe.made()
        guard case .snp(let collateral) = made.collateral else {
            Issue.record("the forge made no SNP collateral")
            return
        }
        let service = try Service(collateral: GivenCollateral(snp: collateral), root: world.root)
        let report = try #require(try JSON.parse(made.evidence)["hcl_report"])
        let answer = await service.post(["report": report])
        #expect(answer.status == 200, "\(answer.body.text)")
        #expect(answer.claims["x-ms-runtime"]?["vm-configuration"]?["secure-boot"] == true)
        var bytes = try #require(report.string.flatMap { Base64.decode($0) })
        bytes[1_300] ^= 1
        let changed = await service.post(["report": .string(Base64.encodeURL(bytes))])
        #expect(["binding-mismatch", "evidence-malformed"].contains(changed.refusal))
    }

    @Test func `a guest library's empty runtime data binds nothing`() async throws {
        let answer = await (try Service()).post(try Sample.snp(["runtimeData": ["data": "", "dataType": "JSON"]]))
        #expect(answer.status == 200)
        #expect(answer.claims["x-ms-runtime"] == nil)
    }

    @Test(arguments: ["ES256", "ES384"])
    func `an instance signs with its own algorithm unless asked for another`(algorithm: String) async throws {
        let service = try Service(tokenAlgorithm: algorithm)
        #expect(await service.post(try Sample.snp()).jws?.algorithm == algorithm)
        #expect(await service.post(try Sample.snp(["tokenAlgorithm": "RS256"])).jws?.algorithm == "RS256")
    }

    @Test(arguments: [
        "{}", #"{"format":"cloister-launch-acceptance/2"}"#, #"{"format":"cloister-launch-acceptance/1","snp":[{}]}"#,
        #"{"format":"cloister-launch-acceptance/1","snp":[{"tdx_mrtd":["00"]}]}"#,
        #"{"format":"cloister-launch-acceptance/1","tdx":[{"tdx_mrtd":[]}]}"#,
        #"{"format":"cloister-launch-acceptance/1","uvm":[{"issuer":"a","feed":"b"}]}"#,
        #"{"format":"cloister-launch-acceptance/1","other":[]}"#,
    ])
    func `an acceptance list with a fault is refused`(text: String) {
        #expect {
            try LaunchAcceptance(json: Array(text.utf8))
        } throws: {
            ($0 as? Refusal)?.code == .insecureConfiguration
        }
    }

    @Test func `a launch is compliant when every claim of an entry has one of its values`() async throws {
        let measurement = Hex.encode(Sample.measurement.launch)
        for (value, status) in [
            (measurement, JSON.string("azure-compliant-cvm")), (String(measurement.reversed()), nil),
        ]
            as [(String, JSON?)]
        {
            let launches = try LaunchAcceptance(
                json: JSON.object([
                    "format": "cloister-launch-acceptance/1",
                    "snp": [["x-ms-sevsnpvm-launchmeasurement": [.string(value)]]],
                    "tdx": [["tdx_mrtd": [.string(value)]]],
                ]).canonical)
            let service = try Service(launches: launches)
            #expect(await service.post(try Sample.snp()).claims["x-ms-compliance-status"] == status)
            let quote = try Sample.evidence(.tdx).evidence
            let tdx = await service.post(Self.tdx, ["quote": .string(Base64.encodeURL(quote))])
            #expect(tdx.claims["x-ms-compliance-status"] == status)
        }
    }
}
