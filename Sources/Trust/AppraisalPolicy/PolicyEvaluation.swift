/// One run of a policy over one set of claims (section 10.3).
struct PolicyEvaluation {
    private(set) var budget: StepBudget
    /// One entry for each rule that was tried; nil where nobody asked for it.
    private(set) var trace: [AppraisalPolicy.RuleTrace]?
    private var incoming: [AppraisalClaim]
    private var outgoing: [AppraisalClaim] = []
    private var properties: [AppraisalClaim] = []
    private var permitted = false
    private var denied = false

    private typealias Bindings = [String: [AppraisalClaim]]
    private typealias Values = [AppraisalClaim.Value]

    /// Claims that one evaluation may hold at once; rules that copy sets could otherwise grow them without end.
    private static let maximumClaims = 4_096

    init(claims: [AppraisalClaim], budget: StepBudget, isTraced: Bool = false) {
        incoming = claims
        self.budget = budget
        trace = isTraced ? [] : nil
    }

    mutating func run(_ policy: PolicySyntax) throws(PolicyError) -> AppraisalPolicy.Decision {
        for rule in policy.rules(.configurationrules) { try apply(rule, .configurationrules) }
        for rule in policy.rules(.authorizationrules) { try apply(rule, .authorizationrules) }
        guard permitted, !denied else {
            return AppraisalPolicy.Decision(permitted: false, issued: [], properties: [])
        }
        for rule in policy.rules(.issuancerules) { try apply(rule, .issuancerules) }
        return AppraisalPolicy.Decision(permitted: true, issued: outgoing, properties: properties)
    }

    private mutating func apply(_ rule: PolicySyntax.Rule, _ section: PolicySyntax.Section) throws(PolicyError) {
        try budget.spend()
        var bindings: Bindings = [:]
        var tried: [AppraisalPolicy.ConditionTrace] = []
        var holds = true
        for condition in rule.conditions where holds {
            let matches = try matches(of: condition, bindings)
            holds = matches.isEmpty == condition.isNegated
            if trace != nil { tried.append(try traced(condition, matches, holds, bindings)) }
            if !condition.isNegated, let identifier = condition.identifier { bindings[identifier] = matches }
        }
        let made = holds ? try act(rule.action, bindings) : []
        trace?.append(
            AppraisalPolicy.RuleTrace(
                section: section.rawValue, line: rule.source.line, text: rule.source.text, conditions: tried,
                fired: holds, made: made))
    }

    /// Does what a rule says and returns the claims that it made or copied.
    private mutating func act(
        _ action: PolicySyntax.Action, _ bindings: Bindings
    ) throws(PolicyError) -> [AppraisalClaim] {
        switch action {
        case .permit:
            permitted = true
            return []
        case .deny:
            denied = true
            return []
        case .copy(let destination, let name):
            let claims = bindings[name] ?? []
            for claim in claims { try put(claim, destination, alreadyIncoming: true) }
            return claims
        case .make(let destination, let assignments):
            let claims = try made(assignments, bindings)
            for claim in claims { try put(claim, destination, alreadyIncoming: false) }
            return claims
        }
    }

    // MARK: Conditions

    private mutating func matches(
        of condition: PolicySyntax.Condition, _ bindings: Bindings
    ) throws(PolicyError) -> [AppraisalClaim] {
        // The right sides do not depend on the claim that is tested: each is worked out once, when first needed.
        var rights: [Values?] = Array(repeating: nil, count: condition.tests.count)
        var matches: [AppraisalClaim] = []
        for claim in incoming {
            try budget.spend()
            var holds = true
            for (index, test) in condition.tests.enumerated() where holds {
                let right: Values
                if let known = rights[index] {
                    right = known
                } else {
                    right = try values(of: test.expression, bindings)
                }
                rights[index] = right
                holds = try compare(claim[test.property], test.comparison, right)
            }
            if holds { matches.append(claim) }
        }
        return matches
    }

    /// A set on the right holds when any of its elements makes the comparison true.
    private mutating func compare(
        _ left: AppraisalClaim.Value, _ comparison: PolicySyntax.Comparison, _ rights: Values
    ) throws(PolicyError) -> Bool {
        for right in rights {
            try budget.spend(bytes: min(left.weight, right.weight))
            if comparison.holds(left, right) { return true }
        }
        return false
    }

    private func traced(
        _ condition: PolicySyntax.Condition, _ matches: [AppraisalClaim], _ holds: Bool, _ bindings: Bindings
    ) throws(PolicyError) -> AppraisalPolicy.ConditionTrace {
        var nearest: [AppraisalClaim] = []
        if !holds, !condition.isNegated {
            var byType = condition
            byType.tests.removeAll { $0.property != .type }
            var evaluation = self
            if !byType.tests.isEmpty { nearest = try evaluation.matches(of: byType, bindings) }
        }
        return AppraisalPolicy.ConditionTrace(
            line: condition.source.line, text: condition.source.text, isNegated: condition.isNegated, holds: holds,
            matched: matches, nearest: nearest)
    }

    private mutating func values(
        of expression: PolicySyntax.Expression, _ bindings: Bindings
    ) throws(PolicyError) -> Values {
        switch expression {
        case .literal(let value): return [value]
        case .property(let property, let name): return (bindings[name] ?? []).map { $0[property] }
        case .call(let function, let expressions):
            try budget.spend()
            var arguments: [Values] = []
            for expression in expressions { arguments.append(try values(of: expression, bindings)) }
            return try function.result(arguments, &budget)
        }
    }

    // MARK: Actions

    /// One claim for each value; none when the value comes from an empty set.
    private mutating func made(
        _ assignments: [PolicySyntax.Property: PolicySyntax.Expression], _ bindings: Bindings
    ) throws(PolicyError) -> [AppraisalClaim] {
        var values: [PolicySyntax.Property: Values] = [:]
        for property in PolicySyntax.Property.allCases {
            guard let expression = assignments[property] else { continue }
            values[property] = try self.values(of: expression, bindings)
            try budget.spend(values[property]?.count ?? 0)
        }
        let types = Set(values[.type] ?? [])
        guard types.count == 1, case .string(let type) = types.first else {
            throw .evaluation("the type of a claim must be one string")
        }
        let issuer = AppraisalClaim.Value.string(AppraisalClaim.Issuer.attestationPolicy.rawValue)
        guard (values[.issuer] ?? []).allSatisfy({ $0 == issuer }) else {
            throw .evaluation("the issuer of a claim that a policy makes is AttestationPolicy")
        }
        let made = values[.value] ?? []
        if let kinds = values[.valueType].map(Set.init) {
            guard made.allSatisfy({ kinds.contains(.string($0.kind)) }) else {
                throw .evaluation("a value is not of the valueType that the policy names")
            }
        }
        return made.map { AppraisalClaim(type, $0, issuer: .attestationPolicy) }
    }

    private mutating func put(
        _ claim: AppraisalClaim, _ destination: PolicySyntax.Destination, alreadyIncoming: Bool
    ) throws(PolicyError) {
        try budget.spend()
        if !alreadyIncoming { incoming.append(claim) }
        switch destination {
        case .add: break
        case .issue: outgoing.append(claim)
        case .issueproperty: properties.append(claim)
        }
        guard incoming.count + outgoing.count + properties.count <= PolicyEvaluation.maximumClaims else {
            throw .evaluation("the policy makes more claims than an evaluation may hold")
        }
    }
}

extension PolicySyntax.Comparison {
    func holds(_ left: AppraisalClaim.Value, _ right: AppraisalClaim.Value) -> Bool {
        switch self {
        case .equal: return left == right
        case .notEqual: return left != right
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            // Only integers have an order.
            guard case .integer(let left) = left, case .integer(let right) = right else { return false }
            return switch self {
            case .less: left < right
            case .lessOrEqual: left <= right
            case .greater: left > right
            default: left >= right
            }
        }
    }
}

extension AppraisalClaim {
    subscript(property: PolicySyntax.Property) -> Value {
        switch property {
        case .type: .string(type)
        case .value: value
        case .valueType: .string(value.kind)
        case .issuer: .string(issuer.rawValue)
        }
    }
}
