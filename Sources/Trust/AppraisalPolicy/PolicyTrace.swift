extension AppraisalPolicy {
    /// What one evaluation did, rule by rule.
    public struct Trace: Hashable, Sendable {
        public var decision: Decision
        /// The rules that were tried, in order. Where evidence is denied the issuance rules are not among them.
        public var rules: [RuleTrace]
    }

    /// One rule that was tried.
    public struct RuleTrace: Hashable, Sendable {
        /// `configurationrules`, `authorizationrules` or `issuancerules`.
        public var section: String
        /// Where the rule begins, counted from 1.
        public var line: Int
        /// The rule on one line.
        public var text: String
        /// The conditions up to the first that does not hold.
        public var conditions: [ConditionTrace]
        /// Whether all conditions hold, so that the action was taken.
        public var fired: Bool
        /// The claims that the action made or copied.
        public var made: [AppraisalClaim]
    }

    /// One condition of a rule that was tried.
    public struct ConditionTrace: Hashable, Sendable {
        public var line: Int
        public var text: String
        public var isNegated: Bool
        public var holds: Bool
        /// The claims that satisfy every test.
        public var matched: [AppraisalClaim]
        /// Where the condition fails: claims of the right type that fail another test.
        public var nearest: [AppraisalClaim]
    }

    /// Runs the policy as `evaluate` does, and tells which rule matched with which claims.
    ///
    /// - Throws: `PolicyError.evaluation`.
    public func trace(
        claims: [AppraisalClaim], stepLimit: Int = AppraisalPolicy.defaultStepLimit
    ) throws(PolicyError) -> Trace {
        var evaluation = PolicyEvaluation(claims: claims, budget: StepBudget(stepLimit), isTraced: true)
        let decision = try evaluation.run(syntax)
        return Trace(decision: decision, rules: evaluation.trace ?? [])
    }
}
