package import Attester
package import Encoding
package import Evidence
import Synchronization

/// Signs evidence and collateral with a development root, as a processor and its vendor would.
///
/// It signs whatever it is asked to: who may ask is decided by `SimulatorServer`, which measures its callers. Tests use
/// it directly.
package final class EvidenceFactory: Sendable {
    package let root: DevelopmentRoot
    private let randomness: Randomness
    private let quotes: SGXQuoteSigner
    private let reports: SNPReportSigner
    private let current = Mutex<PublishedCollateral?>(nil)

    /// - Throws: when the crypto library fails.
    package init(root: DevelopmentRoot, randomness: Randomness = .system) throws {
        self.root = root
        self.randomness = randomness
        quotes = try SGXQuoteSigner(root: root, randomness: randomness)
        reports = SNPReportSigner(root: root, randomness: randomness)
    }

    /// A factory over `DevelopmentRoot.forTests`, one per process.
    package static let forTests = Result { try EvidenceFactory(root: try DevelopmentRoot.forTests.get()) }

    /// An SGX quote of version 3 with the collateral to verify it by.
    ///
    /// - Parameters:
    ///   - party: id of the party that runs the enclave: CONFIGID is it and 32 zero bytes.
    ///   - reportData: 64 bytes.
    ///   - time: the moment at which the collateral must hold.
    package func sgx(
        measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws -> AttesterEvidence {
        let quote = try quotes.quote(measurement: measurement, party: party, reportData: reportData)
        return AttesterEvidence(tee: .sgx, evidence: quote, collateral: .dcap(try collateral(at: time).sgx))
    }

    /// A SEV-SNP report of version 3 with the certificates and the list to verify it by.
    ///
    /// - Parameter party: id of the party that runs the guest: HOST_DATA.
    package func snp(
        measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws -> AttesterEvidence {
        let report = try reports.report(measurement: measurement, party: party, reportData: reportData)
        return AttesterEvidence(tee: .snp, evidence: report, collateral: .snp(try collateral(at: time).snp))
    }

    /// Evidence of either kind.
    ///
    /// - Throws: `request-malformed` for report data of another length and for a TEE that is not simulated.
    package func evidence(
        _ tee: TEE, measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws(Refusal) -> AttesterEvidence {
        guard reportData.count == reportDataLength else {
            throw Refusal(.requestMalformed, "report data is \(reportData.count) bytes, not \(reportDataLength)")
        }
        do {
            switch tee {
            case .sgx: return try sgx(measurement: measurement, party: party, reportData: reportData, at: time)
            case .snp: return try snp(measurement: measurement, party: party, reportData: reportData, at: time)
            case .tdx, .hcl, .tpm, .nitro, .nvidia: break
            }
        } catch {
            throw Refusal(.notReady, "the crypto library made no evidence")
        }
        throw Refusal(.requestMalformed, "\(tee.rawValue) is not simulated")
    }

    /// The collateral in force at `time`: the same bytes until it is due for renewal.
    package func collateral(at time: Timestamp) throws -> PublishedCollateral {
        if let held = current.withLock({ $0 }), held.isFresh(at: time) { return held }
        let made = try PublishedCollateral(root: root, at: time)
        current.withLock { $0 = made }
        return made
    }
}
