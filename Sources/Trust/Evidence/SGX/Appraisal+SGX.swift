extension Appraisal {
    /// The rest of step 11.
    mutating func checkSGXPolicy(_ report: SGXReport, chain: PCKChain?, policy: AcceptancePolicy) {
        checkDebug(report.attributes.contains(.debug), policy)
        requireNone(policy.dcap.faults(chain))
    }
}
