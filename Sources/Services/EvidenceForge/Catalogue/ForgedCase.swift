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
    /// Whether its signature chain is valid.
    package let isGenuine: Bool
    package let make: @Sendable (Forge) throws -> ForgedEvidence

    /// - Parameter isGenuine: nil where the code alone says so.
    init(
        name: String, tee: TEE, about: String, code: RefusalCode?, abuseCase: String?, tcbStatus: String? = nil,
        isGenuine: Bool? = nil, make: @escaping @Sendable (Forge) throws -> ForgedEvidence
    ) {
        self.name = name
        self.tee = tee
        self.about = about
        self.code = code
        self.abuseCase = abuseCase
        self.tcbStatus = tcbStatus
        self.isGenuine = isGenuine ?? code.map(ForgedCase.policyCodes.contains) ?? true
        self.make = make
    }

    /// Refusals by policies, of evidence that is genuine.
    private static let policyCodes: Set<RefusalCode> = [
        .debugEnabled, .platformPolicy, .bindingMismatch, .tcbNotAccepted,
    ]

    /// Whether only a policy refuses it.
    package var isRefusedByPolicy: Bool { isGenuine && (code.map(ForgedCase.policyCodes.contains) ?? false) }

    /// The expectation in the words of case files (formats section 8).
    package var expectation: String {
        if isRefusedByPolicy { return "cryptographically valid; \(about): default policy must reject" }
        if code != nil { return "reject: \(about)" }
        return tcbStatus.map { "valid; TCB \($0); \(about)" } ?? "valid; \(about)"
    }
}
