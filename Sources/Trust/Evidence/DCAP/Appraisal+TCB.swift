import Encoding

extension Appraisal {
    /// Steps 8 to 10 and the TCB part of 11.
    ///
    /// - Parameter module: for TDX what step 7 found; nil where it failed.
    mutating func checkTCBLevel(
        _ body: DCAPQuote.Body, chain: PCKChain?, tcbInfo: TCBInfo?, module: TDXModuleFinding?,
        quotingEnclave: ISVMatch?, policy: AcceptancePolicy, at time: Timestamp
    ) {
        guard let chain, let tcbInfo, let quotingEnclave else {
            skip("tcb-level", "there is nothing to compare the platform with")
            return
        }
        var td: TDReport?
        if case .td(let report) = body {
            guard module != nil else {
                skip("tcb-level", "the TDX module is not known")
                return
            }
            td = report
        }
        let finding: TCBFinding
        do throws(Refusal) {
            finding = try TCBFinding(
                tcbInfo, platform: chain.platform, td: td, module: module?.match, quotingEnclave: quotingEnclave)
        } catch {
            fail("tcb-level", error)
            return
        }
        tcb = finding.tcb
        advisories = finding.advisories
        if let problem = policy.problem(finding, at: time) {
            failPolicy("tcb-level", .tcbNotAccepted, finding.detail + "; " + problem)
        } else {
            pass("tcb-level", finding.detail)
        }
    }
}

extension TCBFinding {
    /// What the check that names this finding says.
    fileprivate var detail: String {
        var detail = "\(tcb.status.rawValue): "
        detail += tcb.platform.date.map { "level of \($0)" } ?? "the platform reaches no level"
        if let number = tcb.evaluationDataNumber { detail += ", evaluation data number \(number)" }
        if !tcb.shortcomings.isEmpty {
            let list = tcb.shortcomings.map(\.description).joined(separator: ", ")
            detail += "; below the newest level in \(list)"
        }
        if !advisories.isEmpty { detail += "; \(advisories.joined(separator: ", "))" }
        return detail
    }
}

extension AcceptancePolicy {
    /// Why a TCB is not accepted, in words; nil when it is.
    fileprivate func problem(_ finding: TCBFinding, at time: Timestamp) -> String? {
        let status = finding.tcb.status
        if !acceptedTCBStatuses.contains(status) {
            guard status.isOutOfDate, outOfDateGraceSeconds > 0 else { return "the policy does not accept the status" }
            // In time, out of date counts as what it was before.
            let before: TCBStatus = status == .outOfDate ? .upToDate : .configurationNeeded
            guard acceptedTCBStatuses.contains(before), finding.overtaken.allSatisfy({ isInGrace($0, at: time) }) else {
                return "the policy's time of grace does not cover it"
            }
        }
        if let minimum = minimumTCBDate, finding.levelDates.contains(where: { $0 < minimum }) {
            return "the policy asks for levels from \(minimum) on"
        }
        if let advisory = finding.advisories.first(where: refusedAdvisories.contains) {
            return "the policy refuses \(advisory)"
        }
        return nil
    }

    private func isInGrace(_ date: Timestamp, at time: Timestamp) -> Bool {
        let (end, overflows) = date.seconds.addingReportingOverflow(outOfDateGraceSeconds)
        return overflows || time.seconds < end
    }
}
