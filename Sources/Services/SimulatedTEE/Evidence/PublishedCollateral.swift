import Encoding
package import Evidence
import EvidenceForge

/// What the simulated vendors publish at one moment: TCB information, identities and revocation lists, for 30 days.
package struct PublishedCollateral: Sendable {
    package let sgx: DCAPCollateral
    package let snp: SNPCollateral
    /// Revocation lists in DER, one for each root of AMD's.
    package let snpLists: [SNPProduct: [UInt8]]
    /// FMSPC of the simulated machine: six bytes that name the SGX collateral.
    package let fmspc: [UInt8]
    /// The chain that SGX quotes carry.
    let pckChain: [UInt8]
    private let issued: Timestamp

    /// Seconds for which everything is valid.
    package static let validity: Int64 = 30 * 86_400
    /// Seconds after which it is made anew: well ahead of its end, as relying parties cache it.
    package static let renewal: Int64 = 10 * 86_400
    /// Issue dates lie this many seconds back, for verifiers whose clocks do.
    private static let backdating: Int64 = 300

    /// - Throws: when the crypto library fails.
    init(root: DevelopmentRoot, at time: Timestamp) throws {
        issued = time
        let keys = root.keys
        let dates = root.dates(collateralFrom: time - Self.backdating)
        let dcap = try DCAPRecipe.standard(.sgx, keys: keys, dates: dates)
        let published = try dcap.issued()
        fmspc = dcap.platform.fmspc
        sgx = published.collateral
        pckChain = published.embeddedChain
        snp = try SNPRecipe.simulated(keys: keys, dates: dates).collateral()
        var lists: [SNPProduct: [UInt8]] = [:]
        for product in SNPProduct.allCases {
            lists[product] = try SNPRecipe.simulated(product, keys: keys, dates: dates).list?.der()
        }
        snpLists = lists
    }

    /// Whether it need not be renewed yet.
    func isFresh(at time: Timestamp) -> Bool {
        time >= issued - Self.backdating && time - issued < Self.renewal
    }
}

extension SNPRecipe {
    /// The simulated machine's chip when it is an AMD one, about no program yet.
    static func simulated(_ product: SNPProduct = .milan, keys: KeyRing, dates: Dates) throws -> SNPRecipe {
        let nobody = AttestedProgram(measurement: .zeros(48), hostData: .zeros(32), reportData: .zeros(64))
        return try .standard(product, version: 3, program: nobody, keys: keys, dates: dates, at: dates.collateral)
    }
}
