import Encoding
import Evidence

/// Runs every case of a file and compares verdicts with what is expected.
struct CaseRun {
    /// What became of one case.
    struct Outcome {
        let id: String
        let tee: TEE
        let expected: String
        let seen: String
        /// Nil when the file's words cannot be compared with a verdict.
        let isMet: Bool?
    }

    private let anchors: TrustAnchors
    /// For cases that do not depend on the time.
    private let defaultTime: Timestamp
    /// Files with collateral for cases that name none.
    private let collateral: [String]
    private var verifiers: [String: EvidenceVerifier] = [:]

    init(anchors: TrustAnchors, collateral: [String], at time: Timestamp) {
        self.anchors = anchors
        self.collateral = collateral
        defaultTime = time
    }

    mutating func run(_ one: EvidenceCase) async throws -> Outcome {
        guard let expectation = one.expectation else {
            return Outcome(id: one.id, tee: one.tee, expected: one.expect, seen: "not compared", isMet: nil)
        }
        var seen: String
        var isMet: Bool
        do {
            let (verdict, hasCollateral) = try await judge(one, root: one.root)
            seen = CaseRun.summary(verdict)
            isMet = expectation.isMet(by: verdict)
            if one.isRefusedWithoutRoot, isMet { isMet = try await !judge(one, root: nil).verdict.accepted }
            if !isMet, expectation.accepted, let reason = CaseRun.missing(one, verdict, hasCollateral) {
                return Outcome(
                    id: one.id, tee: one.tee, expected: expectation.summary, seen: "\(seen) (\(reason))", isMet: nil)
            }
        } catch let refusal as Refusal {
            seen = refusal.name
            isMet = !expectation.accepted && !expectation.isGenuine && expectation.code.map { $0 == seen } ?? true
        }
        return Outcome(id: one.id, tee: one.tee, expected: expectation.summary, seen: seen, isMet: isMet)
    }

    /// Why a case does not carry all that its verdict needs; nil when it does.
    private static func missing(_ one: EvidenceCase, _ verdict: Verdict, _ hasCollateral: Bool) -> String? {
        switch one.tee {
        case .hcl where !hasCollateral: "the case names no collateral for the hardware"
        case .tpm where verdict.code == .evidenceChain: "the case names no issuer of the attestation key"
        case .sgx, .tdx, .snp, .hcl, .tpm, .nitro, .nvidia: nil
        }
    }

    private mutating func judge(
        _ one: EvidenceCase, root: String?
    ) async throws -> (verdict: Verdict, hasCollateral: Bool) {
        let key = root ?? ""
        let verifier: EvidenceVerifier
        if let known = verifiers[key] {
            verifier = known
        } else {
            verifier = EvidenceVerifier(anchors: try TrustArgument.anchors(root.map { [$0] } ?? [], beyond: anchors))
            verifiers[key] = verifier
        }
        let evidence = try one.evidence()
        let time = one.time ?? defaultTime
        var documents = try one.collateral()
        if documents == nil, !collateral.isEmpty {
            documents = try await CollateralArgument.collateral(
                for: EvidenceInput(tee: one.tee, evidence: evidence), from: collateral, anchors, at: time)
        }
        let verdict = verifier.verify(
            evidence, tee: one.tee, collateral: documents, at: time, reportData: one.binding)
        return (verdict, documents != nil)
    }

    private static func summary(_ verdict: Verdict) -> String {
        var words = [verdict.code?.name ?? "accepted"]
        if !verdict.accepted, verdict.signatureChain == .valid { words.append("chain valid") }
        if let status = verdict.tcbStatus { words.append(status) }
        return words.joined(separator: ", ")
    }
}

/// The outcomes of a case file, for people and for programs.
struct CaseReport {
    let outcomes: [CaseRun.Outcome]

    var failed: Int { outcomes.filter { $0.isMet == false }.count }
    private var met: Int { outcomes.filter { $0.isMet == true }.count }
    private var left: Int { outcomes.count - met - failed }

    var json: JSON {
        [
            "met": .integer(Int64(met)), "failed": .integer(Int64(failed)), "notCompared": .integer(Int64(left)),
            "cases": .array(
                outcomes.map {
                    [
                        "id": .string($0.id), "tee": .string($0.tee.rawValue), "expected": .string($0.expected),
                        "seen": .string($0.seen), "met": $0.isMet.map(JSON.bool) ?? .null,
                    ]
                }),
        ]
    }

    func show(_ terminal: Terminal) {
        var table = Table()
        table.row(" ", "case", "tee", "expected", "seen")
        for outcome in outcomes {
            let sign = outcome.isMet.map { $0 ? terminal.check : terminal.cross } ?? terminal.dash
            table.row(sign, outcome.id, outcome.tee.rawValue, outcome.expected, outcome.seen)
        }
        terminal.say(table.text)
        var summary = "\(met) of \(outcomes.count) as expected"
        if failed > 0 { summary += ", \(terminal.styled("\(failed) not", .bad))" }
        if left > 0 { summary += ", \(left) not compared" }
        terminal.say("\n  \(summary)")
    }
}
