package import Evidence
package import EvidenceForge

/// Which hardware is simulated, where there is a choice. A machine has one of each, as real ones do.
package struct MachineModel: Hashable, Sendable {
    /// Generation of the AMD chip.
    package var product: SNPProduct
    /// Version of its reports: 2, 3 or 5.
    package var reportVersion: UInt32
    /// Key that signs them: the chip's own, or the one that AMD gave to a cloud provider.
    package var endorsementKey: SNPReport.SigningKey
    /// Form of TDX quotes.
    package var tdQuote: QuoteRecipe.Form

    package init(
        product: SNPProduct = .milan, reportVersion: UInt32 = 3, endorsementKey: SNPReport.SigningKey = .vcek,
        tdQuote: QuoteRecipe.Form = .tdx4
    ) {
        self.product = product
        self.reportVersion = reportVersion
        self.endorsementKey = endorsementKey
        self.tdQuote = tdQuote
    }
}
