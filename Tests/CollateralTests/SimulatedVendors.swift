import Attester
import Collateral
import Encoding
import Evidence
import Foundation
import SimulatedTEE
import Synchronization
import TestSupport
import Testing

/// The simulator's vendors behind a fake network, and a client that asks them.
struct SimulatedVendors: Sendable {
    static let day: Int64 = 86_400
    static let start = Timestamp(seconds: 1_795_300_000)
    static let base = "https://pcs.test"
    static let amd = "https://kds.test"
    static let rootList = "https://certificates.test/root.der"

    static var services: CollateralServices {
        var services = CollateralServices()
        services.intel = base
        services.intelRootList = rootList
        services.amd = amd
        return services
    }

    let service: FakeService
    let clock = SetClock(start)
    let folder: TemporaryFolder
    let anchors: TrustAnchors
    let fmspc: [UInt8]

    /// - Parameter publishes: whether the services answer at all.
    init(gate: Gate? = nil, publishes: Bool = true) throws {
        service = FakeService(gate: gate)
        folder = try TemporaryFolder()
        let factory = try EvidenceFactory.forTests.get()
        anchors = TrustAnchors().trusting(try factory.root.simulatedRoot())
        fmspc = try SimulatedVendors.published(at: SimulatedVendors.start).fmspc
        if publishes { try publish(at: SimulatedVendors.start) }
    }

    var cache: CollateralCache {
        get throws { try CollateralCache(folder: folder.url.path + "/cache") }
    }

    /// - Parameter isCached: whether it keeps items on disk too.
    func client(_ services: CollateralServices = SimulatedVendors.services, isCached: Bool = true) throws
        -> CollateralClient
    {
        CollateralClient(
            services: services, transport: service, cache: isCached ? try cache : nil, anchors: anchors,
            clock: clock.wall)
    }

    /// What the vendors publish at a moment, for 30 days: the same bytes whenever it is asked for.
    static func published(at time: Timestamp) throws -> Published {
        try known.withLock { known in
            if let published = known[time] { return published }
            let published = Published(try EvidenceFactory.forTests.get().collateral(at: time))
            known[time] = published
            return published
        }
    }

    /// What the simulator publishes for its one machine.
    struct Published: Sendable {
        let sgx: DCAPCollateral
        let snp: SNPCollateral
        let fmspc: [UInt8]

        init(_ published: PublishedCollateral) {
            sgx = published.sgx
            snp = published.snp
            fmspc = published.sgxFMSPC
        }
    }

    private static let known = Mutex<[Timestamp: Published]>([:])

    /// Lets the services answer what is published at `time`.
    func publish(at time: Timestamp) throws {
        let published = try SimulatedVendors.published(at: time)
        service.add(SimulatedVendors.intelAnswers(published.sgx, fmspc: fmspc))
        let vcek = try #require(PEM.decode(published.snp.vek, label: "CERTIFICATE")?.first)
        let chip = try SimulatedVendors.chip()
        service.add([
            "\(SimulatedVendors.amd)/\(chip.request.path)": CollateralResponse(status: 200, body: vcek),
            "\(SimulatedVendors.amd)/vcek/v1/Milan/cert_chain": CollateralResponse(
                status: 200, body: Array(published.snp.chain.utf8)),
            "\(SimulatedVendors.amd)/vcek/v1/Milan/crl": CollateralResponse(
                status: 200, body: try #require(published.snp.crl)),
        ])
    }

    static func intelAnswers(_ collateral: DCAPCollateral, fmspc: [UInt8]) -> [String: CollateralResponse] {
        func answer(_ member: String, _ text: String, _ signature: String) -> [UInt8] {
            Array("{\"\(member)\":\(text),\"signature\":\"\(signature)\"}".utf8)
        }
        let name = Hex.encode(fmspc)
        return [
            "\(base)/sgx/certification/v4/tcb?fmspc=\(name)": CollateralResponse(
                status: 200, headers: ["tcb-info-issuer-chain": percentEncoded(collateral.tcbInfoIssuerChain)],
                body: answer("tcbInfo", collateral.tcbInfo, collateral.tcbInfoSignature)),
            "\(base)/sgx/certification/v4/qe/identity": CollateralResponse(
                status: 200,
                headers: ["sgx-enclave-identity-issuer-chain": percentEncoded(collateral.qeIdentityIssuerChain)],
                body: answer("enclaveIdentity", collateral.qeIdentity, collateral.qeIdentitySignature)),
            "\(base)/sgx/certification/v4/pckcrl?ca=processor&encoding=der": CollateralResponse(
                status: 200, headers: ["sgx-pck-crl-issuer-chain": percentEncoded(collateral.pckCRLIssuerChain)],
                body: Hex.decode(collateral.pckCRL) ?? []),
            rootList: CollateralResponse(status: 200, body: Hex.decode(collateral.rootCACRL) ?? []),
        ]
    }

    /// The simulated chip, read from its VCEK's evidence.
    struct Chip {
        var product: SNPProduct
        var id: [UInt8]
        var tcb: SNPTCBVersion
        var request: CollateralRequest { .endorsement(product, chipID: id, tcb: tcb) }
    }

    static func chip() throws -> Chip { try chip(try evidence(.snp)) }

    /// Evidence of the simulated machine.
    static func evidence(_ tee: TEE) throws -> [UInt8] {
        try EvidenceFactory.forTests.get().evidence(
            tee, measurement: ExecutableMeasurement(of: [1]), party: Digest(of: [1]),
            reportData: [UInt8](repeating: 0, count: 64), at: start
        ).evidence
    }

    static func chip(_ report: [UInt8]) throws -> Chip {
        let report = try SNPReport(report[...])
        let product = try #require(report.product)
        return Chip(
            product: product, id: Array(report.chipID.prefix(product.chipIDBytes)), tcb: report.reportedTCB(product))
    }

    /// Asks for the simulated machine's collateral.
    func dcap(_ client: CollateralClient, at time: Timestamp? = nil) async throws(Refusal) -> DCAPCollateral {
        try await client.dcap(tee: .sgx, fmspc: fmspc, ca: "processor", at: time ?? clock.now)
    }

    var tcbInfoURL: String { "\(SimulatedVendors.base)/sgx/certification/v4/tcb?fmspc=\(Hex.encode(fmspc))" }
}
