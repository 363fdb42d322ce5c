import Encoding
import Evidence

/// A verdict for people.
struct VerdictReport {
    private let terminal: Terminal

    init(_ terminal: Terminal) { self.terminal = terminal }

    /// What was decided, with every failed check; the whole decision record when it is to be explained.
    func show(_ verdict: Verdict, explaining: Bool) {
        if verdict.grade == .simulated, verdict.signatureChain == .valid {
            terminal.say(terminal.styled("SIMULATED evidence: it proves nothing about real hardware.", .warning))
        }
        if let code = verdict.code {
            terminal.say("\(terminal.cross) \(terminal.styled("refused", .bad)): \(code.name)\n  \(verdict.detail)\n")
        } else {
            terminal.say("\(terminal.check) \(terminal.styled("accepted", .good))\n")
        }
        terminal.say(facts(verdict))
        let shown = explaining ? verdict.checks : verdict.checks.filter { $0.outcome == .failed }
        if !shown.isEmpty { terminal.say("\n" + checks(shown)) }
        guard explaining else {
            terminal.say("\n  Every check, what it rests on, and all claims: --explain")
            return
        }
        if !verdict.claims.isEmpty { terminal.say("\n" + claims(verdict.claims)) }
    }

    private func facts(_ verdict: Verdict) -> String {
        var facts = Table()
        facts.row("TEE", verdict.tee.rawValue)
        facts.row("grade", verdict.grade.rawValue)
        facts.row("signature chain", verdict.signatureChain.rawValue)
        facts.row("TCB status", verdict.tcbStatus ?? "not determined")
        if !verdict.advisories.isEmpty { facts.row("advisories", verdict.advisories.joined(separator: ", ")) }
        facts.row("policy", verdict.isPolicyMet ? "met" : "not met")
        if let until = verdict.validUntil { facts.row("valid until", until.description) }
        return facts.text
    }

    private func checks(_ checks: [Check]) -> String {
        var table = Table()
        for check in checks {
            let sign =
                switch check.outcome {
                case .passed: terminal.check
                case .failed: terminal.cross
                case .notApplicable: terminal.dash
                }
            table.row(sign, check.name, terminal.styled(check.detail, .dim))
        }
        return table.text
    }

    private func claims(_ claims: [String: JSON]) -> String {
        var table = Table()
        for (name, value) in claims.sorted(by: { $0.key < $1.key }) { table.row(name, value.string ?? value.text) }
        return table.text
    }
}
