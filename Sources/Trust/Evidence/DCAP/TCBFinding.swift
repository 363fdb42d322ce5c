import Encoding

/// How a platform stands by Intel's documents, before any policy.
///
/// - Source: Intel's quote verification library; `evidence.md` section 2.1 steps 8 to 10.
struct TCBFinding: Sendable {
    let tcb: TCBAppraisal
    /// Of the levels of platform, module and quoting enclave, without repetition.
    let advisories: [String]
    /// `tcbDate` of each level that is reached.
    let levelDates: [Timestamp]
    /// For each part that is out of date, since when: the `tcbDate` of the first level that it misses.
    let overtaken: [Timestamp]

    /// - Throws: `tcb-inconsistent` when the TDX module that runs now is none that the TCB info knows.
    init(
        _ info: TCBInfo, platform: PCKExtension, td: TDReport?, module: ISVMatch?, quotingEnclave: ISVMatch
    ) throws(Refusal) {
        let match = info.match(platform, td?.teeTCBSVN)
        let platformLevel = TCBAppraisal.Level(status: match?.level.status ?? .notSupported, date: match?.level.date)
        var status = platformLevel.status
        if let module { status = status.converged(with: module.status) }
        if let td, let module, let match {
            status = try info.relaunched(
                status, sgx: match.sgxLevel.status, module: module.status, quotingEnclave: quotingEnclave.status,
                now: td.teeTCBSVN2)
        }
        status = status.converged(with: quotingEnclave.status)

        var shortcomings = info.shortcomings(platform, td?.teeTCBSVN)
        // The module's first component says who updates it.
        let moduleUpdate = info.levels.first?.tdx.first?.update
        if let short = module?.shortcoming("TDX module ISVSVN", update: moduleUpdate) { shortcomings.append(short) }
        if let short = quotingEnclave.shortcoming("QE ISVSVN") { shortcomings.append(short) }
        tcb = TCBAppraisal(
            status: status, platform: platformLevel, module: module?.appraised,
            quotingEnclave: quotingEnclave.appraised, evaluationDataNumber: info.evaluationDataNumber,
            shortcomings: shortcomings)

        var advisories: [String] = []
        var levelDates: [Timestamp] = []
        var overtaken: [Timestamp] = []
        var seen: Set<String> = []
        if let match {
            advisories += match.level.advisories.filter { seen.insert($0).inserted }
            levelDates.append(match.level.date)
            if match.level.status.isOutOfDate { overtaken.append((match.missed ?? match.level).date) }
        }
        for part in [module, quotingEnclave] {
            guard let part, let level = part.level else { continue }
            advisories += level.advisories.filter { seen.insert($0).inserted }
            levelDates.append(level.date)
            if level.status.isOutOfDate { overtaken.append((part.missed ?? level).date) }
        }
        self.advisories = advisories
        self.levelDates = levelDates
        self.overtaken = overtaken
    }
}
