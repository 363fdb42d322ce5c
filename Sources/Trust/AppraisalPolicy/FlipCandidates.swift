/// The changes of single claims that can matter to a policy: values on either side of each comparison, claims that
/// conditions look for, and the absence of claims that they find.
struct FlipCandidates {
    struct Candidate: Hashable {
        var change: AppraisalPolicy.Change
        /// Which incoming claim is changed; nil for one that is added.
        var index: Int?
        /// What it becomes; nil when it goes.
        var claim: AppraisalClaim?
    }

    /// Changed values first, then added claims, then removed ones; within these in the order of the policy.
    var list: [Candidate] {
        var seen: Set<Candidate> = []
        return (values + additions + removals).filter { seen.insert($0).inserted }
    }

    private let claims: [AppraisalClaim]
    private let madeTypes: Set<String>
    private var values: [Candidate] = []
    private var additions: [Candidate] = []
    private var removals: [Candidate] = []

    init(syntax: PolicySyntax, claims: [AppraisalClaim]) {
        self.claims = claims
        let rules = syntax.rules(.authorizationrules)
        madeTypes = Set(rules.compactMap(\.madeType))
        for rule in rules {
            var types: [String: [String]] = [:]
            for condition in rule.conditions {
                let tested = condition.literals(.type).filter { !madeTypes.contains($0) }
                if let identifier = condition.identifier { types[identifier] = tested }
                for type in tested { consider(condition, type, types) }
            }
        }
    }

    private mutating func consider(_ condition: PolicySyntax.Condition, _ type: String, _ bound: [String: [String]]) {
        var tests: [(PolicySyntax.Comparison, AppraisalClaim.Value)] = []
        for test in condition.tests where test.property == .value {
            switch test.expression {
            case .literal(let value): tests.append((test.comparison, value))
            case .property(.value, let name):
                for claim in claims where bound[name]?.contains(claim.type) == true {
                    tests.append((test.comparison, claim.value))
                }
            case .property, .call: break
            }
        }
        let issuer = condition.literals(.issuer).first.flatMap(AppraisalClaim.Issuer.init) ?? .attestationService
        var isThere = false
        for (index, claim) in claims.enumerated() where claim.type == type && claim.issuer == issuer {
            isThere = true
            for (comparison, value) in tests {
                for target in comparison.neighbours(of: value) where target != claim.value {
                    values.append(changed(index, to: target))
                }
                if value == claim.value, comparison.isEquality { values.append(changed(index, to: nil)) }
            }
            removals.append(Candidate(change: .absence(claim), index: index, claim: nil))
        }
        guard !isThere, issuer != .attestationPolicy else { return }
        let wanted = tests.flatMap { test in test.0.neighbours(of: test.1).filter { test.0.holds($0, test.1) } }
        for value in wanted.isEmpty ? [.boolean(true)] : wanted {
            let claim = AppraisalClaim(type, value, issuer: issuer)
            additions.append(Candidate(change: .presence(claim), index: nil, claim: claim))
        }
    }

    private func changed(_ index: Int, to value: AppraisalClaim.Value?) -> Candidate {
        var claim = claims[index]
        let change = AppraisalPolicy.Change.value(claim, to: value)
        claim.value = value ?? claim.value.other
        return Candidate(change: change, index: index, claim: claim)
    }
}

extension AppraisalClaim.Value {
    /// Any value of the same kind but this one.
    fileprivate var other: Self {
        switch self {
        case .string(let text): .string(text.isEmpty ? "other" : "")
        case .integer(let number): .integer(number == .max ? .min : number + 1)
        case .boolean(let flag): .boolean(!flag)
        }
    }
}

extension PolicySyntax.Comparison {
    fileprivate var isEquality: Bool { self == .equal || self == .notEqual }

    /// Values around `value` of which some make the comparison true and some false.
    fileprivate func neighbours(of value: AppraisalClaim.Value) -> [AppraisalClaim.Value] {
        switch (self, value) {
        case (.equal, .boolean(let flag)), (.notEqual, .boolean(let flag)):
            return [.boolean(self == .equal ? flag : !flag), .boolean(self == .equal ? !flag : flag)]
        case (.less, .integer(let number)), (.greaterOrEqual, .integer(let number)):
            let below = number == .min ? number : number - 1
            return self == .less ? [.integer(below), .integer(number)] : [.integer(number), .integer(below)]
        case (.lessOrEqual, .integer(let number)), (.greater, .integer(let number)):
            let above = number == .max ? number : number + 1
            return self == .greater ? [.integer(above), .integer(number)] : [.integer(number), .integer(above)]
        default: return [value]
        }
    }
}

extension PolicySyntax.Condition {
    /// The strings that a property is required to equal.
    func literals(_ property: PolicySyntax.Property) -> [String] {
        tests.compactMap { test in
            guard test.property == property, test.comparison == .equal,
                case .literal(.string(let text)) = test.expression
            else { return nil }
            return text
        }
    }
}

extension PolicySyntax.Rule {
    /// The type of the claims that the action makes, where the text says it.
    var madeType: String? {
        guard case .make(_, let assignments) = action, case .literal(.string(let type)) = assignments[.type] else {
            return nil
        }
        return type
    }
}
