extension AppraisalPolicy {
    /// Something in a policy that parses and yet hardly does what its author wants.
    public struct Advice: Hashable, Sendable {
        /// Counted from 1.
        public var line: Int
        public var text: String
    }

    /// Mistakes that show without any evidence: queries that are no JMESPath, and no rule that could permit.
    public var advice: [Advice] {
        var advice: [Advice] = []
        let rules = PolicySyntax.Section.allCases.flatMap { syntax.rules($0) }
        for rule in rules {
            for expression in rule.expressions {
                for query in expression.queries {
                    // A whole policy is shorter than what this budget pays for.
                    var budget = StepBudget(AppraisalPolicy.maximumBytes)
                    do throws(PolicyError) { _ = try JMESPathQuery(parsing: query, &budget) } catch {
                        advice.append(Advice(line: rule.source.line, text: "\(error)"))
                    }
                }
            }
        }
        if !syntax.rules(.authorizationrules).contains(where: { $0.action == .permit }) {
            advice.append(Advice(line: 1, text: "no rule has the action permit(), so all evidence is denied"))
        }
        return advice
    }

    /// The types of claims that decisions rest on, as far as conditions name them, without those the policy makes.
    public var testedTypes: Set<String> {
        let rules = syntax.rules(.authorizationrules)
        let tested = rules.flatMap(\.conditions).flatMap { $0.literals(.type) }
        return Set(tested).subtracting(rules.compactMap(\.madeType))
    }
}

extension PolicySyntax.Rule {
    fileprivate var expressions: [PolicySyntax.Expression] {
        let tested = conditions.flatMap(\.tests).map(\.expression)
        guard case .make(_, let assignments) = action else { return tested }
        return tested + PolicySyntax.Property.allCases.compactMap { assignments[$0] }
    }
}

extension PolicySyntax.Expression {
    /// The queries that stand as literals in calls of `JmesPath`.
    fileprivate var queries: [String] {
        guard case .call(let function, let arguments) = self else { return [] }
        var queries = arguments.flatMap(\.queries)
        if function == .jmesPath, case .literal(.string(let query)) = arguments.last { queries.append(query) }
        return queries
    }
}
