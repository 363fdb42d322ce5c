import AppraisalPolicy
import Encoding
import Evidence

/// What genuine and accepted evidence of any type says: the claims that a token about it has before any policy.
struct AppraisedEvidence: Sendable {
    var claims: [String: JSON]
    let grade: Grade
    /// One of `TCBStatus`; nil where nothing says what is up to date.
    let tcbStatus: String?
    /// The first end of anything that the judgement rests on.
    let validUntil: Timestamp?
    /// By what it, and the token about it, can be distrusted later.
    var marks: [EvidenceMark]
    /// What a policy may test beside the claims.
    var incoming: [AppraisalClaim] = []
    /// Registers of the SHA-256 bank that a TPM quoted, bit n for register n.
    var quotedRegisters: Int64 = 0
    /// Whom alone the token is for; nil when it is handed out in the clear.
    var recipient: TPMEncryptionKey?

    /// - Parameter verdict: accepted, and bound to what the request says it binds.
    init(_ verdict: Verdict) {
        claims = verdict.claims
        grade = verdict.grade
        tcbStatus = verdict.tcbStatus
        validUntil = verdict.validUntil
        marks = verdict.marks
    }
}
