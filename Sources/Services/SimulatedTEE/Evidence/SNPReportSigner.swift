import Crypto
import Encoding
import Evidence

/// A simulated secure processor: it makes SEV-SNP reports and signs them with its VCEK.
///
/// - Source: SEV-SNP Firmware ABI 56860, ATTESTATION_REPORT; evidence page section 1.1.
struct SNPReportSigner: Sendable {
    private static let guestSVN: UInt32 = 1
    private static let policy: SNPGuestPolicy = [.allowsSMT, .reserved]

    private let key: P384.Signing.PrivateKey
    private let chipID: [UInt8]
    private let randomness: Randomness

    init(root: DevelopmentRoot, randomness: Randomness) {
        key = root.vcek
        chipID = root.chipID
        self.randomness = randomness
    }

    func report(measurement: ExecutableMeasurement, party: Encoding.Digest, reportData: [UInt8]) throws -> [UInt8] {
        typealias Layout = SNPReport.Layout
        let platform = SimulatedPlatform.SNP.self
        let tcb = platform.tcb.bytes(product: platform.product)
        let cpuid = platform.product.cpuid
        let firmware = [platform.firmware.build, platform.firmware.minor, platform.firmware.major]

        var report = [UInt8](repeating: 0, count: Layout.byteCount)
        report.put(UInt32(3), at: Layout.version)
        report.put(Self.guestSVN, at: Layout.guestSVN)
        report.put(Self.policy.rawValue, at: Layout.policy)
        report.put(UInt32(1), at: Layout.signatureAlgorithm)
        report.put(platform.platform.rawValue, at: Layout.platformInfo)
        report.put(reportData, at: Layout.reportData)
        report.put(measurement.launch, at: Layout.measurement)
        report.put(party.bytes, at: Layout.hostData)
        report.put(randomness.bytes(32), at: Layout.reportID)
        // No migration agent.
        report.put([UInt8](repeating: 0xff, count: 32), at: Layout.migrationAgentReportID)
        for offset in [Layout.currentTCB, Layout.reportedTCB, Layout.committedTCB, Layout.launchTCB] {
            report.put(tcb, at: offset)
        }
        report.put([cpuid.family, cpuid.model, cpuid.stepping], at: Layout.cpuid)
        report.put(chipID, at: Layout.chipID)
        report.put(firmware, at: Layout.currentFirmware)
        report.put(firmware, at: Layout.committedFirmware)

        // R and S are little-endian here, big-endian in every other form of ECDSA.
        let signature = Array(try key.signature(for: report[..<Layout.signature]).rawRepresentation)
        report.put(signature[..<48].reversed(), at: Layout.signature)
        report.put(signature[48...].reversed(), at: Layout.signature + Layout.signatureComponentBytes)
        return report
    }
}
