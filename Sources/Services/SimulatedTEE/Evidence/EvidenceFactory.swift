package import Attester
package import Encoding
package import Evidence
import EvidenceForge
import Synchronization

/// Signs evidence and collateral with a development root, as a processor and its vendor would.
///
/// It signs whatever it is asked to: who may ask is decided by `SimulatorServer`, which measures its callers. Tests use
/// it directly. The bytes are made by the recipes of `EvidenceForge`.
package final class EvidenceFactory: Sendable {
    package let root: DevelopmentRoot
    private let keys: KeyRing
    private let dcap: DCAPRecipe
    private let chip: SNPRecipe
    private let randomness: Randomness
    private let current = Mutex<PublishedCollateral?>(nil)

    /// - Throws: when the crypto library fails.
    package init(root: DevelopmentRoot, randomness: Randomness = .system) throws {
        self.root = root
        self.randomness = randomness
        keys = root.keys
        let dates = root.dates(collateralFrom: root.madeAt)
        dcap = try DCAPRecipe.standard(.sgx, keys: keys, dates: dates)
        chip = try SNPRecipe.simulated(keys: keys, dates: dates)
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
        let program = AttestedProgram(measurement: measurement.enclave, hostData: party.bytes, reportData: reportData)
        let recipe = try QuoteRecipe.standard(
            .sgx3, platform: dcap.platform, pck: dcap.pck.key, program: program, keys: keys)
        let published = try collateral(at: time)
        return AttesterEvidence(
            tee: .sgx, evidence: try recipe.quote(chain: published.pckChain), collateral: .dcap(published.sgx))
    }

    /// A SEV-SNP report of version 3 with the certificates and the list to verify it by.
    ///
    /// - Parameter party: id of the party that runs the guest: HOST_DATA.
    package func snp(
        measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws -> AttesterEvidence {
        var chip = chip
        chip.report.put(measurement.launch, at: SNPReport.Layout.measurement)
        chip.report.put(party.bytes, at: SNPReport.Layout.hostData)
        chip.report.put(reportData, at: SNPReport.Layout.reportData)
        chip.report.put(randomness.bytes(32), at: SNPReport.Layout.reportID)
        return AttesterEvidence(
            tee: .snp, evidence: try chip.signedReport(), collateral: .snp(try collateral(at: time).snp))
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
