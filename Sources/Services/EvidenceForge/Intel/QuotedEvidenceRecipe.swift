package import Encoding
import Evidence

/// Evidence of SGX or TDX as it will be made: the vendor's world, the quote, and how they are given to a verifier.
package struct QuotedEvidenceRecipe: Sendable {
    package var dcap: DCAPRecipe
    package var quote: QuoteRecipe
    package var presentation: Presentation

    /// An up-to-date platform under the simulated root of `keys`.
    package static func standard(
        _ form: QuoteRecipe.Form, program: AttestedProgram, keys: KeyRing, dates: Dates, at time: Timestamp
    ) throws -> QuotedEvidenceRecipe {
        let dcap = try DCAPRecipe.standard(form.tee, keys: keys, dates: dates)
        return QuotedEvidenceRecipe(
            dcap: dcap,
            quote: try .standard(form, platform: dcap.platform, pck: dcap.pck.key, program: program, keys: keys),
            presentation: Presentation(tee: form.tee, time: time, binding: program.reportData))
    }

    /// - Throws: when the crypto library fails.
    package func made() throws -> ForgedEvidence {
        let issued = try dcap.issued()
        return presentation.evidence(try quote.quote(chain: issued.embeddedChain), .dcap(issued.collateral))
    }
}
