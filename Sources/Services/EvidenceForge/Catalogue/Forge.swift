package import Encoding
package import Evidence

/// The world that a seed names, at the moment for which all forged evidence is made.
package struct Forge: Sendable {
    /// The moment to judge for: 2026-05-28T20:26:40Z.
    package static let time = Timestamp(seconds: 1_780_000_000)
    /// Certificates are a hundred days old, collateral a day.
    static let dates = Dates(issued: time - 100 * Dates.day, collateral: time - Dates.day)

    /// What a verifier is told to trust.
    package let root: SimulatedRoot
    let keys: KeyRing
    /// Of a world that the verifier was not told of.
    let strangers: KeyRing

    /// - Throws: when the crypto library fails.
    package init(seed: String) throws {
        keys = try .forged(seed: seed)
        strangers = try .forged(seed: seed, isStranger: true)
        root = try .forged(keys: keys, dates: Forge.dates)
    }

    /// What every piece of evidence must carry: 32 bytes as a digest, then zeros.
    static let binding = Digest(of: "cloister forge binding").bytes + .zeros(32)
    /// The same for another session.
    static let otherBinding = Digest(of: "cloister forge binding of another session").bytes + .zeros(32)

    /// The program that all evidence is about.
    static func program(measurementBytes: Int) -> AttestedProgram {
        let digest = Digest(of: "cloister forge program").bytes
        return AttestedProgram(
            measurement: Array((digest + digest).prefix(measurementBytes)),
            hostData: Digest(of: "cloister forge host data").bytes, reportData: binding)
    }

    /// An up-to-date platform with a quote in one of its forms, with nothing wrong.
    func quoted(_ form: QuoteRecipe.Form, ofStrangers: Bool = false) throws -> QuotedEvidenceRecipe {
        try .standard(
            form, program: Forge.program(measurementBytes: form.tee == .sgx ? 32 : 48),
            keys: ofStrangers ? strangers : keys, dates: Forge.dates, at: Forge.time)
    }

    /// A document of an enclave that is not in debug mode, with nothing wrong.
    func nitro(ofStrangers: Bool = false) throws -> NitroRecipe {
        try .standard(
            program: Forge.program(measurementBytes: 48), keys: ofStrangers ? strangers : keys, dates: Forge.dates,
            at: Forge.time)
    }

    /// A confidential VM of Azure on a Genoa, with nothing wrong.
    func hcl() throws -> HCLRecipe {
        try .standard(
            .snp(try snp(.genoa, version: 3)), program: Forge.program(measurementBytes: 48), keys: keys,
            dates: Forge.dates, at: Forge.time)
    }

    /// The same on TDX.
    func hclTDX() throws -> HCLRecipe {
        try .standard(
            .tdx(try quoted(.tdx4)), program: Forge.program(measurementBytes: 48), keys: keys, dates: Forge.dates,
            at: Forge.time)
    }

    /// A virtual TPM alone, with nothing wrong.
    func tpm(ofStrangers: Bool = false) throws -> TPMEvidenceRecipe {
        try .standard(
            binding: Forge.binding, keys: ofStrangers ? strangers : keys, dates: Forge.dates, at: Forge.time)
    }

    /// An up-to-date AMD chip, with nothing wrong.
    func snp(
        _ product: SNPProduct, _ kind: SNPReport.SigningKey = .vcek, version: UInt32, ofStrangers: Bool = false
    ) throws -> SNPRecipe {
        try .standard(
            product, kind, version: version, program: Forge.program(measurementBytes: 48),
            keys: ofStrangers ? strangers : keys, dates: Forge.dates, at: Forge.time)
    }
}
