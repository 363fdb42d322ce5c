import Encoding
package import Evidence
import EvidenceForge

/// What the simulated vendors publish at one moment: TCB information, identities and revocation lists, for 30 days.
package struct PublishedCollateral: Sendable {
    package let sgx: DCAPCollateral
    package let tdx: DCAPCollateral
    package let snp: SNPCollateral
    /// Revocation lists in DER, one for each root of AMD's.
    package let snpLists: [SNPProduct: [UInt8]]
    /// FMSPCs of the simulated machines, six bytes each, that name Intel's collateral.
    package let sgxFMSPC: [UInt8]
    package let tdxFMSPC: [UInt8]
    /// The chains that quotes carry.
    let sgxChain: [UInt8]
    let tdxChain: [UInt8]
    private let issued: Timestamp

    /// Seconds for which everything is valid.
    package static let validity: Int64 = 30 * 86_400
    /// Seconds after which it is made anew: well ahead of its end, as relying parties cache it.
    package static let renewal: Int64 = 10 * 86_400
    /// Issue dates lie this many seconds back, for verifiers whose clocks do.
    static let backdating: Int64 = 300

    /// - Throws: when the crypto library fails.
    init(_ machine: SimulatedMachine, at time: Timestamp) throws {
        issued = time
        let dated = try machine.dated(from: time - Self.backdating)
        let (sgx, tdx) = (try dated.sgx.issued(), try dated.tdx.issued())
        self.sgx = sgx.collateral
        self.tdx = tdx.collateral
        sgxChain = sgx.embeddedChain
        tdxChain = tdx.embeddedChain
        sgxFMSPC = dated.sgx.platform.fmspc
        tdxFMSPC = dated.tdx.platform.fmspc
        snp = try dated.chip().collateral()
        var lists: [SNPProduct: [UInt8]] = [:]
        for product in SNPProduct.allCases { lists[product] = try dated.chip(product).list?.der() }
        snpLists = lists
    }

    /// Whether it need not be renewed yet.
    func isFresh(at time: Timestamp) -> Bool {
        time >= issued - Self.backdating && time - issued < Self.renewal
    }
}
