/// One run of a policy over one set of claims (section 10.3).
struct PolicyEvaluation {
    private var incoming: [AppraisalClaim]
    private var outgoing: [AppraisalClaim] = []
    private var properties: [AppraisalClaim] = []
    private var stepsLeft: Int
    private var permitted = false
    private var denied = false

    /// Claims that one evaluation may hold at once; rules that copy sets could otherwise grow them without end.
    private static let maximumClaims = 4_096

    init(claims: [AppraisalClaim], stepLimit: Int) {
        incoming = claims
        stepsLeft = stepLimit
    }

    mutating func run(_ policy: PolicySyntax) throws(PolicyError) -> AppraisalPolicy.Decision {
        for rule in policy.rules(.configurationrules) { try apply(rule) }
        for rule in policy.rules(.authorizationrules) { try apply(rule) }
        guard permitted, !denied else {
            return AppraisalPolicy.Decision(permitted: false, issued: [], properties: [])
        }
        for rule in policy.rules(.issuancerules) { try apply(rule) }
        return AppraisalPolicy.Decision(permitted: true, issued: outgoing, properties: properties)
    }

    private mutating func apply(_ rule: PolicySyntax.Rule) throws(PolicyError) {
        try step()
        var bindings: [String: [AppraisalClaim]] = [:]
        for condition in rule.conditions {
            let matches = try matches(of: condition, bindings)
            guard !matches.isEmpty else { return }
            if let identifier = condition.identifier { bindings[identifier] = matches }
        }
        switch rule.action {
        case .permit: permitted = true
        case .deny: denied = true
        case .copy(let destination, let name):
            for claim in bindings[name] ?? [] { try put(claim, destination, alreadyIncoming: true) }
        case .make(let destination, let assignments):
            for claim in try made(assignments, bindings) { try put(claim, destination, alreadyIncoming: false) }
        }
    }

    private mutating func step() throws(PolicyError) {
        stepsLeft -= 1
        guard stepsLeft >= 0 else { throw .evaluation("the policy needs more steps than an evaluation may take") }
    }

    // MARK: Conditions

    private mutating func matches(
        of condition: PolicySyntax.Condition, _ bindings: [String: [AppraisalClaim]]
    ) throws(PolicyError) -> [AppraisalClaim] {
        var matches: [AppraisalClaim] = []
        for claim in incoming where try satisfies(claim, condition.tests, bindings) { matches.append(claim) }
        return matches
    }

    private mutating func satisfies(
        _ claim: AppraisalClaim, _ tests: [PolicySyntax.Test], _ bindings: [String: [AppraisalClaim]]
    ) throws(PolicyError) -> Bool {
        for test in tests {
            let left = claim[test.property]
            var holds = false
            // A set on the right holds when any of its elements makes the comparison true.
            for right in values(of: test.expression, bindings) where !holds {
                try step()
                holds = PolicyEvaluation.compare(left, test.comparison, right)
            }
            guard holds else { return false }
        }
        return true
    }

    private static func compare(
        _ left: AppraisalClaim.Value, _ comparison: PolicySyntax.Comparison, _ right: AppraisalClaim.Value
    ) -> Bool {
        switch comparison {
        case .equal: return left == right
        case .notEqual: return left != right
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            // Only integers have an order.
            guard case .integer(let left) = left, case .integer(let right) = right else { return false }
            return switch comparison {
            case .less: left < right
            case .lessOrEqual: left <= right
            case .greater: left > right
            default: left >= right
            }
        }
    }

    private func values(
        of expression: PolicySyntax.Expression, _ bindings: [String: [AppraisalClaim]]
    ) -> [AppraisalClaim.Value] {
        switch expression {
        case .literal(let value): [value]
        case .property(let property, let name): (bindings[name] ?? []).map { $0[property] }
        }
    }

    // MARK: Actions

    /// One claim for each value; none when the value comes from an empty set.
    private func made(
        _ assignments: [PolicySyntax.Property: PolicySyntax.Expression], _ bindings: [String: [AppraisalClaim]]
    ) throws(PolicyError) -> [AppraisalClaim] {
        func values(_ property: PolicySyntax.Property) -> [AppraisalClaim.Value] {
            assignments[property].map { self.values(of: $0, bindings) } ?? []
        }
        let types = Set(values(.type))
        guard types.count == 1, case .string(let type) = types.first else {
            throw .evaluation("the type of a claim must be one string")
        }
        if assignments[.issuer] != nil {
            guard values(.issuer).allSatisfy({ $0 == .string(AppraisalClaim.Issuer.attestationPolicy.rawValue) }) else {
                throw .evaluation("the issuer of a claim that a policy makes is AttestationPolicy")
            }
        }
        let made = values(.value)
        if assignments[.valueType] != nil {
            let kinds = values(.valueType)
            guard made.allSatisfy({ kinds.contains(.string($0.kind)) }) else {
                throw .evaluation("a value is not of the valueType that the policy names")
            }
        }
        return made.map { AppraisalClaim(type, $0, issuer: .attestationPolicy) }
    }

    private mutating func put(
        _ claim: AppraisalClaim, _ destination: PolicySyntax.Destination, alreadyIncoming: Bool
    ) throws(PolicyError) {
        try step()
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

extension AppraisalClaim {
    fileprivate subscript(property: PolicySyntax.Property) -> Value {
        switch property {
        case .type: .string(type)
        case .value: value
        case .valueType: .string(value.kind)
        case .issuer: .string(issuer.rawValue)
        }
    }
}
