/// Every case that the forge knows.
package enum Catalogue {
    package static let cases: [ForgedCase] =
        QuotedFamily.sgx.cases + QuotedFamily.tdx4.cases + QuotedFamily.tdx4.trustDomain
        + QuotedFamily.tdx5.version5 + SNPCases.all + NitroCases.all
        + HCLCases.all + HCLCases.onTDX + TPMCases.all

    /// The case with this name.
    package static func named(_ name: String) -> ForgedCase? { cases.first { $0.name == name } }
}
