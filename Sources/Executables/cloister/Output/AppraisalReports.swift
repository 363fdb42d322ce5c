import AppraisalPolicy
import Encoding

/// Why a policy does not parse, with the place under a caret.
struct PolicyErrorReport {
    private let error: PolicyError
    private let file: String
    private let text: String

    init(_ error: PolicyError, file: String, text: String) {
        self.error = error
        self.file = file
        self.text = text
    }

    var json: JSON {
        guard case .syntax(let line, let column, let symbol, let rule, let problem) = error else {
            return ["ok": false, "problem": .string(error.description)]
        }
        return [
            "ok": false, "line": .integer(Int64(line)), "column": .integer(Int64(column)), "symbol": .string(symbol),
            "rule": .string(rule), "problem": .string(problem),
        ]
    }

    func text(_ terminal: Terminal) -> String {
        guard case .syntax(let line, let column, _, let rule, let problem) = error else {
            return "\(terminal.cross) \(file): \(error)"
        }
        let (excerpt, offset) = place(line, column)
        return """
            \(terminal.cross) \(file):\(line):\(column): \(problem)

              \(excerpt)
              \(String(repeating: " ", count: offset))\(terminal.styled("^", .bad))
              in \(rule)
            """
    }

    /// The part of the line around the column, and where in it the column is.
    private func place(_ line: Int, _ column: Int) -> (excerpt: String, offset: Int) {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(line - 1) else { return ("", 0) }
        let start = max(0, column - 60)
        var excerpt = ""
        // A blank for each character that would not be one place wide.
        for scalar in lines[line - 1].dropFirst(start).prefix(100) {
            let isPlain = scalar.properties.isGraphemeBase && !scalar.properties.isWhitespace
            excerpt.unicodeScalars.append(isPlain ? scalar : " ")
        }
        return (excerpt, column - 1 - start)
    }
}

/// A decision with what it issues.
enum DecisionReport {
    static func json(_ decision: AppraisalPolicy.Decision) -> JSON {
        [
            "decision": decision.permitted ? "permit" : "deny", "issued": grouped(decision.issued),
            "properties": grouped(decision.properties),
        ]
    }

    /// An object of names and values; several claims of one name are an array.
    private static func grouped(_ claims: [AppraisalClaim]) -> JSON {
        .object(
            Dictionary(grouping: claims, by: \.type).mapValues { claims in
                let values = claims.map(\.value.json)
                return values.count == 1 ? values[0] : .array(values)
            })
    }

    static func text(_ decision: AppraisalPolicy.Decision, _ terminal: Terminal) -> String {
        var parts = [headline(decision, terminal)]
        for (title, claims) in [("issued", decision.issued), ("properties", decision.properties)] where !claims.isEmpty
        {
            var table = Table(indent: 4)
            for claim in claims { table.row(claim.type, claim.value.json.text) }
            parts.append("\n  \(title)\n" + table.text)
        }
        return parts.joined(separator: "\n")
    }

    static func headline(_ decision: AppraisalPolicy.Decision, _ terminal: Terminal) -> String {
        decision.permitted
            ? "\(terminal.check) \(terminal.styled("permitted", .good))"
            : "\(terminal.cross) \(terminal.styled("denied", .bad))"
    }
}

/// Which rule did what, and what would flip the decision.
struct ExplanationReport {
    let trace: AppraisalPolicy.Trace
    let flip: AppraisalPolicy.Flip

    func text(_ terminal: Terminal) -> String {
        var lines = [DecisionReport.headline(trace.decision, terminal)]
        var section = ""
        for rule in trace.rules {
            if rule.section != section {
                section = rule.section
                lines.append("\n  " + terminal.styled(section, .strong))
            }
            lines.append("  \(rule.fired ? terminal.check : terminal.dash) line \(rule.line): \(shortened(rule.text))")
            for condition in rule.conditions { lines += self.lines(condition, terminal) }
            for claim in rule.made { lines.append("      → " + described(claim)) }
        }
        let decision = flip.permitted ? "permitted" : "denied"
        lines.append("\n  " + terminal.styled("For this evidence to be \(decision)", .strong))
        lines += flip.evidence.map { "    " + $0.description }
        if let change = flip.policy {
            lines.append("    \(flip.evidence.isEmpty ? "" : "or ")the policy \(shortened(change.description))")
        } else if flip.evidence.isEmpty {
            lines.append("    no change of a few claims, one condition or one rule was found")
        }
        return lines.joined(separator: "\n")
    }

    private func lines(_ condition: AppraisalPolicy.ConditionTrace, _ terminal: Terminal) -> [String] {
        let sign = condition.holds ? terminal.check : terminal.cross
        var lines = ["      \(sign) \(shortened(condition.text))"]
        // What a condition found; where it found nothing, what came nearest.
        let claims = condition.matched.isEmpty ? condition.nearest : condition.matched
        for claim in claims.prefix(5) { lines.append("          " + terminal.styled(described(claim), .dim)) }
        if claims.count > 5 { lines.append("          … and \(claims.count - 5) more") }
        if claims.isEmpty, !condition.isNegated {
            lines.append("          " + terminal.styled("there is no such claim", .dim))
        }
        return lines
    }

    private func shortened(_ text: String) -> String { text.count > 200 ? text.prefix(200) + " …" : text }

    private func described(_ claim: AppraisalClaim) -> String {
        let issuer = claim.issuer == .attestationService ? "" : " (\(claim.issuer.rawValue))"
        return "\(claim.type) = \(shortened(claim.value.json.text))\(issuer)"
    }

    var json: JSON {
        guard case .object(var members) = DecisionReport.json(trace.decision) else { return .null }
        members["rules"] = .array(trace.rules.map(\.json))
        members["flip"] = [
            "decision": flip.permitted ? "permit" : "deny",
            "evidence": .array(flip.evidence.map { .string($0.description) }),
            "policy": flip.policy.map { ["line": .integer(Int64($0.line)), "text": .string($0.description)] } ?? .null,
        ]
        return .object(members)
    }
}

extension AppraisalPolicy.RuleTrace {
    fileprivate var json: JSON {
        [
            "section": .string(section), "line": .integer(Int64(line)), "text": .string(text), "fired": .bool(fired),
            "conditions": .array(conditions.map(\.json)), "made": .array(made.map(\.json)),
        ]
    }
}

extension AppraisalPolicy.ConditionTrace {
    fileprivate var json: JSON {
        [
            "line": .integer(Int64(line)), "text": .string(text), "holds": .bool(holds),
            "matched": .array(matched.map(\.json)), "nearest": .array(nearest.map(\.json)),
        ]
    }
}

extension AppraisalClaim {
    fileprivate var json: JSON {
        ["type": .string(type), "value": value.json, "issuer": .string(issuer.rawValue)]
    }
}
