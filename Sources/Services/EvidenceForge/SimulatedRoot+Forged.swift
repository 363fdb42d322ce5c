package import Evidence

extension SimulatedRoot {
    /// The roots of the world of `keys`: what a verifier must be told before it accepts anything of it.
    ///
    /// - Throws: when the crypto library fails.
    package static func forged(keys: KeyRing, dates: Dates) throws -> SimulatedRoot {
        func root(_ recipe: CertificateRecipe) throws -> Certificate { try Certificate(der: recipe.der()) }
        let nobody = AttestedProgram(measurement: .zeros(48), hostData: [], reportData: [])
        var arks: [SNPProduct: Certificate] = [:]
        for product in SNPProduct.allCases {
            let recipe = try SNPRecipe.standard(
                product, version: 3, program: nobody, keys: keys, dates: dates, at: dates.issued)
            arks[product] = try root(recipe.ark)
        }
        return try SimulatedRoot(
            sgxRoot: root(DCAPRecipe.standard(.sgx, keys: keys, dates: dates).root), arks: arks,
            nitroRoot: root(NitroChainRecipe.root(keys: keys, dates: dates)),
            vtpmRoot: root(VTPMChainRecipe.standard(keys: keys, dates: dates).root))
    }
}
