package import Encoding
package import Evidence

/// A named piece of evidence with one thing wrong, or with nothing wrong, and what a verifier must say of it.
package struct ForgedCase: Sendable {
    /// Unique, in lower case with hyphens; begins with the kind of evidence.
    package let name: String
    package let tee: TEE
    /// What is wrong, or what is worth knowing of a right one, in words that finish “reject:” or “valid;”.
    package let about: String
    /// The refusal; nil when the evidence is right.
    package let code: RefusalCode?
    /// The abuse case of the threat model that it plays through.
    package let abuseCase: String?
    /// What a verifier must report of a right one, where it reports a status at all.
    package let tcbStatus: String?
    package let make: @Sendable (Forge) throws -> ForgedEvidence

    /// Refusals of evidence that is genuine: its signature chain is valid.
    private static let genuine: Set<RefusalCode> = [
        .debugEnabled, .platformPolicy, .bindingMismatch, .tcbNotAccepted,
    ]

    /// Whether only a policy refuses it.
    package var isGenuineButRefused: Bool { code.map(ForgedCase.genuine.contains) ?? false }

    /// The expectation in the words of case files (formats section 8).
    package var expectation: String {
        if isGenuineButRefused { return "cryptographically valid; \(about): default policy must reject" }
        if code != nil { return "reject: \(about)" }
        return tcbStatus.map { "valid; TCB \($0); \(about)" } ?? "valid; \(about)"
    }
}
