/// The work that one evaluation may still do. One step stands for one comparison, one visit, or 64 bytes read.
struct StepBudget {
    private(set) var left: Int

    init(_ steps: Int) { left = steps }

    mutating func spend(_ steps: Int = 1) throws(PolicyError) {
        let (rest, overflows) = left.subtractingReportingOverflow(max(steps, 0))
        left = overflows ? 0 : max(rest, 0)
        guard rest >= 0, !overflows else {
            throw .evaluation("the policy needs more steps than an evaluation may take")
        }
    }

    /// Pays for reading or writing `bytes` of text once.
    mutating func spend(bytes: Int) throws(PolicyError) { try spend(1 + bytes / 64) }
}
