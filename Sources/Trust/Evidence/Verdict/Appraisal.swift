import Encoding

/// Collects checks while evidence is appraised, and closes them into a verdict.
///
/// Checks are added in the order of `evidence.md` section 2; the first that fails gives the verdict its code.
struct Appraisal {
    private(set) var checks: [Check] = []
    private(set) var firstFailure: Check?
    private(set) var isPolicyMet = true
    let tee: TEE
    var grade = Grade.simulated
    var signatureChain = Verdict.SignatureChain.notChecked
    var tcb: TCBAppraisal?
    var advisories: [String] = []
    var claims: [String: JSON] = [:]
    var validUntil: Timestamp?
    var reportData: [UInt8] = []
    var hostData: [UInt8] = []
    var isDebuggable = false
    var attested: AttestedEvidence?
    /// By what this evidence could be distrusted.
    var marks: [EvidenceMark] = []
    private let distrusted: Set<EvidenceMark>

    init(tee: TEE, _ policy: AcceptancePolicy) {
        self.tee = tee
        distrusted = policy.distrusted
        checks.reserveCapacity(24)
    }

    mutating func pass(_ name: String, _ detail: String) {
        checks.append(Check(name: name, outcome: .passed, detail: detail))
    }

    mutating func skip(_ name: String, _ detail: String) {
        checks.append(Check(name: name, outcome: .notApplicable, detail: detail))
    }

    mutating func fail(_ name: String, _ code: RefusalCode, _ detail: String) {
        let check = Check(name: name, outcome: .failed, detail: detail, code: code)
        checks.append(check)
        if firstFailure == nil { firstFailure = check }
    }

    mutating func fail(_ name: String, _ refusal: Refusal) { fail(name, refusal.code, refusal.detail) }

    /// A check of the relying party's policy rather than of the evidence itself.
    mutating func require(_ met: Bool, _ name: String, _ code: RefusalCode, _ detail: @autoclosure () -> String) {
        if met {
            pass(name, detail())
        } else {
            isPolicyMet = false
            fail(name, code, detail())
        }
    }

    mutating func failPolicy(_ name: String, _ code: RefusalCode, _ detail: String) {
        isPolicyMet = false
        fail(name, code, detail)
    }

    /// What an allow-list or a bit is refused for, all in one check.
    mutating func requireNone(_ refused: [String]) {
        require(
            refused.isEmpty, "platform", .platformPolicy,
            refused.isEmpty ? "nothing that the policy refuses" : "refused: \(refused.joined(separator: ", "))")
    }

    /// The verdict. Evidence without a valid signature chain is never accepted, whatever the checks say, and carries
    /// no claims.
    consuming func verdict() -> Verdict {
        let isSigned = signatureChain == .valid
        if isSigned { checkDistrust() }
        if firstFailure == nil, !isSigned {
            fail("signature-chain", .evidenceChain, "the signature chain was not verified to its end")
        }
        return Verdict(
            code: firstFailure?.code, detail: firstFailure?.detail ?? "", tee: tee, grade: grade,
            signatureChain: signatureChain, tcb: isSigned ? tcb : nil, advisories: isSigned ? advisories : [],
            claims: isSigned ? claims : [:], isPolicyMet: isPolicyMet,
            validUntil: isSigned ? validUntil : nil, checks: checks, reportData: isSigned ? reportData : [],
            hostData: isSigned ? hostData : [], isDebuggable: isSigned && isDebuggable,
            attested: isSigned ? attested : nil, marks: isSigned ? marks : [])
    }

    /// What somebody has distrusted by name, whatever else holds.
    private mutating func checkDistrust() {
        if let tcb { mark(tcb) }
        guard !distrusted.isEmpty else { return }
        if let mark = marks.first(where: distrusted.contains) {
            failPolicy("distrust", mark.code, "\(mark) is distrusted")
        } else {
            pass("distrust", "none of \(marks.count) marks is distrusted")
        }
    }

    private mutating func mark(_ tcb: TCBAppraisal) {
        let dates = [tcb.platform.date, tcb.module?.date].compactMap(\.self).map(\.description)
        marks += ([tcb.status.rawValue] + dates + advisories).compactMap { EvidenceMark(.tcb, named: $0) }
    }
}
