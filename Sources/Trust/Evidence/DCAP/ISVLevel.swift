import Encoding

/// A level of an enclave or module that Intel versions by ISVSVN: quoting enclaves and TDX modules.
struct ISVLevel: Sendable {
    let isvSVN: UInt16
    let date: Timestamp
    /// `UpToDate`, `OutOfDate` or `Revoked`.
    let status: TCBStatus
    let advisories: [String]
}

/// Where one ISVSVN stands among the levels that Intel publishes for it.
struct ISVMatch: Sendable {
    let svn: UInt16
    /// The level reached; nil below every one.
    let level: ISVLevel?
    /// The level just above it, which is not reached.
    let missed: ISVLevel?
    let newest: ISVLevel?

    /// - Parameter levels: highest first.
    init(svn: UInt16, levels: [ISVLevel]) {
        self.svn = svn
        let index = levels.firstIndex { $0.isvSVN <= svn } ?? levels.count
        level = index < levels.count ? levels[index] : nil
        missed = index > 0 ? levels[index - 1] : nil
        newest = levels.first
    }

    var status: TCBStatus { level?.status ?? .notSupported }
    var appraised: TCBAppraisal.Level { TCBAppraisal.Level(status: status, date: level?.date) }

    /// What is lacking for the newest level; nil for nothing.
    func shortcoming(_ component: String, update: String? = nil) -> TCBShortcoming? {
        guard let newest, svn < newest.isvSVN else { return nil }
        return TCBShortcoming(component: component, seen: svn, wanted: newest.isvSVN, update: update)
    }
}

extension CollateralReader {
    /// The levels of an enclave or module, highest first, as Intel lists them; at least one.
    func isvLevels() throws(Refusal) -> [ISVLevel] {
        var levels: [ISVLevel] = []
        for level in try self.levels() {
            let status = try level.status()
            guard [.upToDate, .outOfDate, .revoked].contains(status) else {
                throw wrong("has a level with status \(status.rawValue), which no enclave or module has")
            }
            levels.append(
                ISVLevel(
                    isvSVN: try level.object("tcb").unsigned("isvsvn"), date: try level.time("tcbDate"),
                    status: status, advisories: try level.advisories()))
        }
        return levels
    }
}
