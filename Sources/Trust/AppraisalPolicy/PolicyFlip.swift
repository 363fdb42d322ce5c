extension AppraisalPolicy {
    /// What would have to be otherwise for the opposite decision.
    public struct Flip: Hashable, Sendable {
        /// Whether the evidence would then be permitted.
        public var permitted: Bool
        /// The smallest set of changed claims that was found, at most `maximumChanges`; empty when none was.
        public var evidence: [Change]
        /// The first rule or condition of the policy whose absence alone has the same effect.
        public var policy: PolicyChange?
    }

    /// One claim that would have to be otherwise.
    public enum Change: Hashable, Sendable, CustomStringConvertible {
        /// Another value; nil stands for any value but the present one.
        case value(AppraisalClaim, to: AppraisalClaim.Value?)
        /// A claim that is not there would have to be.
        case presence(AppraisalClaim)
        /// A claim that is there would have to be absent.
        case absence(AppraisalClaim)

        public var description: String {
            switch self {
            case .value(let claim, to: let value?):
                "claim \(claim.type) would have to be \(value.quoted) (is \(claim.value.quoted))"
            case .value(let claim, to: nil):
                "claim \(claim.type) would have to be anything but \(claim.value.quoted)"
            case .presence(let claim):
                "claim \(claim.type) would have to be there and be \(claim.value.quoted)"
                    + (claim.issuer == .attestationService ? "" : ", from \(claim.issuer.rawValue)")
            case .absence(let claim): "claim \(claim.type) would have to be absent (is \(claim.value.quoted))"
            }
        }
    }

    /// One part of the policy that would have to be absent.
    public struct PolicyChange: Hashable, Sendable, CustomStringConvertible {
        /// A condition of a rule; else a whole rule.
        public var isCondition: Bool
        public var line: Int
        public var text: String

        public var description: String {
            "without the \(isCondition ? "condition" : "rule") at line \(line): \(text)"
        }
    }

    /// Claims that a flip changes at most.
    public static let maximumChanges = 4

    /// Looks for the smallest change that flips the decision. The search is bounded, so that none found is no proof.
    ///
    /// Claims get values that the policy compares them with, or their neighbours; claims that the policy makes itself
    /// stay as they are.
    /// - Parameter stepLimit: for the first evaluation; the search takes at most twice as many.
    /// - Throws: `PolicyError.evaluation` when the policy cannot even be evaluated over `claims`.
    public func flip(
        claims: [AppraisalClaim], stepLimit: Int = AppraisalPolicy.defaultStepLimit
    ) throws(PolicyError) -> Flip {
        let permitted = try evaluate(claims: claims, stepLimit: stepLimit).permitted
        var search = FlipSearch(syntax: syntax, claims: claims, permitted: permitted, stepLimit: stepLimit)
        return Flip(permitted: !permitted, evidence: search.evidence(), policy: search.policy())
    }
}

extension AppraisalClaim.Value {
    /// Text in quotes, so that it is not taken for a number or a word of the report.
    fileprivate var quoted: String {
        if case .string(let text) = self { "\"\(text)\"" } else { description }
    }
}

/// Tries changes, smallest first.
private struct FlipSearch {
    private let syntax: PolicySyntax
    private let claims: [AppraisalClaim]
    private let permitted: Bool
    private let stepLimit: Int
    private var stepsLeft = 0
    private var trialsLeft = 0

    private static let maximumCandidates = 96
    private static let maximumTrials = 2_000

    init(syntax: PolicySyntax, claims: [AppraisalClaim], permitted: Bool, stepLimit: Int) {
        var syntax = syntax
        // They cannot change the decision.
        syntax.sections[.issuancerules] = nil
        self.syntax = syntax
        self.claims = claims
        self.permitted = permitted
        self.stepLimit = stepLimit
    }

    private mutating func begin() {
        stepsLeft = stepLimit
        trialsLeft = FlipSearch.maximumTrials
    }

    /// Whether the decision is the other one. A policy that then cannot be evaluated has not decided.
    private mutating func flips(_ syntax: PolicySyntax, _ claims: [AppraisalClaim]) -> Bool {
        guard trialsLeft > 0, stepsLeft > 0 else { return false }
        trialsLeft -= 1
        let limit = stepsLeft
        var evaluation = PolicyEvaluation(claims: claims, budget: StepBudget(limit))
        let decision = try? evaluation.run(syntax)
        stepsLeft -= limit - evaluation.budget.left
        return decision.map { $0.permitted != permitted } ?? false
    }

    // MARK: The policy

    mutating func policy() -> AppraisalPolicy.PolicyChange? {
        begin()
        let rules = syntax.rules(.authorizationrules)
        for (number, rule) in rules.enumerated() where trialsLeft > 0 {
            for (place, condition) in rule.conditions.enumerated() {
                // Without the condition that binds a name, nothing else that uses the name has a meaning.
                guard condition.isNegated || condition.identifier == nil else { continue }
                var changed = syntax
                changed.sections[.authorizationrules]?[number].conditions.remove(at: place)
                if flips(changed, claims) {
                    let source = condition.source
                    return AppraisalPolicy.PolicyChange(isCondition: true, line: source.line, text: source.text)
                }
            }
        }
        for (number, rule) in rules.enumerated() where trialsLeft > 0 {
            var changed = syntax
            changed.sections[.authorizationrules]?.remove(at: number)
            if flips(changed, claims) {
                return AppraisalPolicy.PolicyChange(isCondition: false, line: rule.source.line, text: rule.source.text)
            }
        }
        return nil
    }

    // MARK: The evidence

    mutating func evidence() -> [AppraisalPolicy.Change] {
        begin()
        let candidates = FlipCandidates(syntax: syntax, claims: claims).list.prefix(FlipSearch.maximumCandidates)
        for size in 1...AppraisalPolicy.maximumChanges {
            if let found = search(Array(candidates), from: 0, size, []) { return found.map(\.change) }
        }
        return []
    }

    /// Every set of `count` more candidates beside the `chosen` ones, none of them about the same claim.
    private mutating func search(
        _ candidates: [FlipCandidates.Candidate], from start: Int, _ count: Int, _ chosen: [FlipCandidates.Candidate]
    ) -> [FlipCandidates.Candidate]? {
        guard count > 0 else { return flips(syntax, changed(by: chosen)) ? chosen : nil }
        for index in candidates.indices.dropFirst(start) where trialsLeft > 0 && stepsLeft > 0 {
            let candidate = candidates[index]
            if candidate.index != nil, chosen.contains(where: { $0.index == candidate.index }) { continue }
            if let found = search(candidates, from: index + 1, count - 1, chosen + [candidate]) { return found }
        }
        return nil
    }

    private func changed(by candidates: [FlipCandidates.Candidate]) -> [AppraisalClaim] {
        var claims = claims.map(Optional.some)
        for candidate in candidates {
            if let index = candidate.index { claims[index] = candidate.claim } else { claims.append(candidate.claim) }
        }
        return claims.compactMap { $0 }
    }
}
