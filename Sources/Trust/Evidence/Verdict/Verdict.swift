public import Encoding

/// What is known about evidence: signature chain, TCB status, attributes and claims, each apart from the others.
///
/// Evidence that is refused for its attributes, debug for example, still has its TCB status and claims. Claims and the
/// typed values are empty unless the signature chain is valid, so that nobody reads what nobody signed.
///
/// - Source: formats section 8, "Verdict".
public struct Verdict: Sendable {
    /// Whether evidence is signed by a key that chains to a trusted root, by certificates valid and not revoked.
    public enum SignatureChain: String, Hashable, Sendable {
        case valid
        case invalid
        /// The evidence could not be read, or its certificates are missing.
        case notChecked
    }

    /// Why the evidence is refused; nil when it is accepted.
    public let code: RefusalCode?
    /// The reason for `code` in one sentence; empty when accepted.
    public let detail: String
    public let tee: TEE
    /// `hardware` only when the chain ends in a vendor's root.
    public let grade: Grade
    public let signatureChain: SignatureChain
    /// How the platform stands, part by part; nil when it was not determined.
    public let tcb: TCBAppraisal?
    /// Advisories of the matched levels, without repetition, in the vendor's order.
    public let advisories: [String]
    /// Names of `attestation-api.md` sections 9.1 to 9.4; `x-cloister-…` for what the API does not know.
    public let claims: [String: JSON]
    /// Whether the caller's policy is met, whatever else is wrong.
    public let isPolicyMet: Bool
    /// The earliest end of anything used, for a valid signature chain.
    public let validUntil: Timestamp?
    /// Everything that was looked at, in the order of `evidence.md` section 2.
    public let checks: [Check]
    /// What the attested program or the verifier chose: 64 bytes of report data, or a nonce.
    public let reportData: [UInt8]
    /// The 32 bytes that whoever started the program chose: HOST_DATA, or CONFIGID with KSS or MRCONFIGID when their
    /// remainder is zero (all 64 or 48 bytes when it is not); empty without either.
    public let hostData: [UInt8]
    /// Whether the TEE's owner can read the program's memory.
    public let isDebuggable: Bool
    /// The evidence itself, read; nil unless the signature chain is valid.
    public let attested: AttestedEvidence?
    /// By what this evidence could be distrusted; empty unless the signature chain is valid.
    public internal(set) var marks: [EvidenceMark] = []

    public var accepted: Bool { code == nil }
    /// One of `TCBStatus`; nil when it was not determined.
    public var tcbStatus: String? { tcb?.status.rawValue }

    /// The verdict as a refusal to throw on.
    ///
    /// - Throws: `Refusal` with `code` and `detail`.
    public func requireAccepted() throws(Refusal) {
        if let code { throw Refusal(code, detail) }
    }

    /// What `cloister verify --json` prints.
    public var json: JSON {
        [
            "accepted": .bool(accepted), "code": code.map { .string($0.name) } ?? .null, "detail": .string(detail),
            "tee": .string(tee.rawValue), "grade": .string(grade.rawValue),
            "signatureChain": .string(signatureChain.rawValue), "tcbStatus": tcbStatus.map(JSON.string) ?? .null,
            "tcb": tcb?.json ?? .null, "advisories": .array(advisories.map(JSON.string)), "claims": .object(claims),
            "policy": isPolicyMet ? "pass" : "fail",
            "validUntil": validUntil.map { .string($0.description) } ?? .null,
            "checks": .array(checks.map(\.json)),
        ]
    }
}
