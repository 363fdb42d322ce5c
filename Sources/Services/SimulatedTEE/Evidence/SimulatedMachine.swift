import Encoding
import Evidence
import EvidenceForge

/// The machine that is simulated: one of Intel's and one of AMD's at once, with everything that a root makes it be.
struct SimulatedMachine: Sendable {
    let keys: KeyRing
    let sgx: DCAPRecipe
    let tdx: DCAPRecipe
    let dates: Dates
    let model: MachineModel
    private let root: DevelopmentRoot

    /// - Throws: when the crypto library fails.
    init(_ root: DevelopmentRoot, _ model: MachineModel) throws {
        try self.init(root, model, collateralFrom: root.madeAt)
    }

    private init(_ root: DevelopmentRoot, _ model: MachineModel, collateralFrom time: Timestamp) throws {
        self.root = root
        self.model = model
        keys = root.keys
        dates = root.dates(collateralFrom: time)
        sgx = try .standard(.sgx, keys: keys, dates: dates)
        tdx = try .standard(.tdx, keys: keys, dates: dates)
    }

    /// The same machine with collateral that begins at `time`.
    func dated(from time: Timestamp) throws -> SimulatedMachine {
        try SimulatedMachine(root, model, collateralFrom: time)
    }

    /// The chip of the machine, about no program yet; or one of another generation under the same root.
    func chip(_ product: SNPProduct? = nil) throws -> SNPRecipe {
        try .standard(
            product ?? model.product, model.endorsementKey, version: model.reportVersion,
            program: SimulatedMachine.nobody, keys: keys, dates: dates, at: dates.collateral)
    }

    private static let nobody = AttestedProgram(
        measurement: .zeros(48), hostData: .zeros(32), reportData: .zeros(64))
}
