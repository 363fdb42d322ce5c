public import Encoding

/// What a relying party asks of the registers of a TPM, and of the log that explains them.
public struct PCRRequirements: Hashable, Sendable {
    /// Registers that must be quoted, each with the values that are accepted.
    public var values: [PCR: Set<[UInt8]>] = [:]
    /// An event log whose replay gives the quoted registers 0 to 7 of a bank, which the firmware extends on every start.
    public var requiresEventLog = false

    public init() {}
}

/// What a relying party asks of evidence of a TPM.
public struct TPMRequirements: Hashable, Sendable {
    public var pcrs = PCRRequirements()
    /// Attestation keys that are trusted without a certificate, as SHA-256 of their `SubjectPublicKeyInfo`. Nothing
    /// proves what hardware holds such a key: the verdict's grade is `simulated`.
    public var attestationKeys: Set<Digest> = []
    /// A certificate is needed also for a key of `attestationKeys`.
    public var requiresCertificate = false

    public init() {}
}
