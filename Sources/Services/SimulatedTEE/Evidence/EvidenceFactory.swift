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
    private let machine: SimulatedMachine
    private let chip: SNPRecipe
    private let randomness: Randomness
    private let current = Mutex<PublishedCollateral?>(nil)

    /// - Throws: when the crypto library fails.
    package init(
        root: DevelopmentRoot, model: MachineModel = MachineModel(), randomness: Randomness = .system
    ) throws {
        self.root = root
        self.randomness = randomness
        machine = try SimulatedMachine(root, model)
        chip = try machine.chip()
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
        let published = try collateral(at: time)
        let quote = try quote(.sgx3, machine.sgx, program).quote(chain: published.sgxChain)
        return AttesterEvidence(tee: .sgx, evidence: quote, collateral: .dcap(published.sgx))
    }

    /// A TDX quote with the collateral to verify it by.
    ///
    /// - Parameter party: id of the party that runs the TD: MRCONFIGID is it and 16 zero bytes.
    package func tdx(
        measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws -> AttesterEvidence {
        let program = AttestedProgram(measurement: measurement.launch, hostData: party.bytes, reportData: reportData)
        let published = try collateral(at: time)
        let quote = try quote(machine.model.tdQuote, machine.tdx, program).quote(chain: published.tdxChain)
        return AttesterEvidence(tee: .tdx, evidence: quote, collateral: .dcap(published.tdx))
    }

    private func quote(
        _ form: QuoteRecipe.Form, _ dcap: DCAPRecipe, _ program: AttestedProgram
    ) throws -> QuoteRecipe {
        try .standard(form, platform: dcap.platform, pck: dcap.pck.key, program: program, keys: machine.keys)
    }

    /// A SEV-SNP report with the certificates and the list to verify it by.
    ///
    /// - Parameter party: id of the party that runs the guest: HOST_DATA.
    package func snp(
        measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws -> AttesterEvidence {
        let chip = measured(measurement, party, reportData)
        return AttesterEvidence(
            tee: .snp, evidence: try chip.signedReport(), collateral: .snp(try collateral(at: time).snp))
    }

    private func measured(
        _ measurement: ExecutableMeasurement, _ party: Digest, _ reportData: [UInt8]
    ) -> SNPRecipe {
        var chip = chip
        chip.report.put(measurement.launch, at: SNPReport.Layout.measurement)
        chip.report.put(party.bytes, at: SNPReport.Layout.hostData)
        chip.report.put(reportData, at: SNPReport.Layout.reportData)
        chip.report.put(randomness.bytes(32), at: SNPReport.Layout.reportID)
        return chip
    }

    /// Evidence of an Azure confidential VM on the same chip, whose TPM quotes `reportData` as its nonce.
    package func hcl(
        measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws -> AttesterEvidence {
        let program = AttestedProgram(measurement: measurement.launch, hostData: party.bytes, reportData: reportData)
        // The paravisor's report binds the TPM's key in place of the program's report data.
        let chip = measured(measurement, party, .zeros(64))
        // The TPM's key gets a new certificate each time: they live a year.
        let dates = root.dates(collateralFrom: time - PublishedCollateral.backdating)
        let recipe = try HCLRecipe.standard(.snp(chip), program: program, keys: machine.keys, dates: dates, at: time)
        return AttesterEvidence(
            tee: .hcl, evidence: try recipe.made().evidence, collateral: .snp(try collateral(at: time).snp))
    }

    /// A Nitro document with PCR0 to PCR2 for the measurement, PCR3 for the party, and `reportData` for the nonce.
    package func nitro(
        measurement: ExecutableMeasurement, party: Digest, reportData: [UInt8], at time: Timestamp
    ) throws -> AttesterEvidence {
        let program = AttestedProgram(measurement: measurement.launch, hostData: party.bytes, reportData: reportData)
        let recipe = try NitroRecipe.standard(program: program, keys: machine.keys, dates: machine.dates, at: time)
        return AttesterEvidence(tee: .nitro, evidence: try recipe.made().evidence)
    }

    /// Evidence of any kind that is simulated.
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
            case .tdx: return try tdx(measurement: measurement, party: party, reportData: reportData, at: time)
            case .snp: return try snp(measurement: measurement, party: party, reportData: reportData, at: time)
            case .hcl: return try hcl(measurement: measurement, party: party, reportData: reportData, at: time)
            case .nitro: return try nitro(measurement: measurement, party: party, reportData: reportData, at: time)
            case .tpm, .nvidia: break
            }
        } catch {
            throw Refusal(.notReady, "the crypto library made no evidence")
        }
        throw Refusal(.requestMalformed, "\(tee.rawValue) is not simulated")
    }

    /// The collateral in force at `time`: the same bytes until it is due for renewal.
    package func collateral(at time: Timestamp) throws -> PublishedCollateral {
        if let held = current.withLock({ $0 }), held.isFresh(at: time) { return held }
        let made = try PublishedCollateral(machine, at: time)
        current.withLock { $0 = made }
        return made
    }
}
