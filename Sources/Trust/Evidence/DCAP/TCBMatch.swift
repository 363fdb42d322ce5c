import Encoding

// Step 8: the level that a platform reaches, and what it lacks for the newest.

extension TCBInfo.Level {
    /// Whether every component of the SGX TCB and PCESVN are reached.
    func isReached(by platform: PCKExtension) -> Bool {
        for (seen, wanted) in zip(platform.components, sgx) where UInt16(seen) < wanted.svn { return false }
        return platform.pceSVN >= pceSVN
    }

    /// Whether every component of the TDX TCB that counts is reached.
    func isReached(by tdx: TEETCBSVN) -> Bool {
        for (seen, wanted) in zip(tdx.components, self.tdx).dropFirst(tdx.firstCompared)
        where UInt16(seen) < wanted.svn { return false }
        return true
    }
}

extension TCBInfo {
    /// A platform's place among the levels.
    struct Match: Sendable {
        /// The first level whose SGX part is reached; `level` itself for SGX.
        let sgxLevel: Level
        /// The first level that is reached in all parts.
        let level: Level
        /// The level just above it, which is not reached.
        let missed: Level?
    }

    /// Where the platform, and for TDX the TEE_TCB_SVN of a report, stand; nil when no level is reached.
    func match(_ platform: PCKExtension, _ tdx: TEETCBSVN?) -> Match? {
        var sgxLevel: Level?
        for (index, level) in levels.enumerated() where level.isReached(by: platform) {
            let first = sgxLevel ?? level
            sgxLevel = first
            if tdx.map({ level.isReached(by: $0) }) ?? true {
                return Match(sgxLevel: first, level: level, missed: index > 0 ? levels[index - 1] : nil)
            }
        }
        return nil
    }

    /// What is lacking for the newest level, for whoever has to update it.
    func shortcomings(_ platform: PCKExtension, _ tdx: TEETCBSVN?) -> [TCBShortcoming] {
        guard let newest = levels.first else { return [] }
        var short: [TCBShortcoming] = []
        for (index, (seen, wanted)) in zip(platform.components, newest.sgx).enumerated() {
            if let one = wanted.shortcoming("SGX component \(index + 1)", UInt16(seen)) { short.append(one) }
        }
        if platform.pceSVN < newest.pceSVN {
            short.append(TCBShortcoming(component: "PCESVN", seen: platform.pceSVN, wanted: newest.pceSVN))
        }
        guard let tdx else { return short }
        for (index, (seen, wanted)) in zip(tdx.components, newest.tdx).enumerated().dropFirst(tdx.firstCompared) {
            if let one = wanted.shortcoming("TDX component \(index + 1)", UInt16(seen)) { short.append(one) }
        }
        return short
    }
}

extension TCBInfo.Component {
    /// Who updates it and what it is, as far as Intel says.
    var update: String? {
        let words = [category, type].compactMap { $0 }
        return words.isEmpty ? nil : words.joined(separator: ": ")
    }

    fileprivate func shortcoming(_ name: @autoclosure () -> String, _ seen: UInt16) -> TCBShortcoming? {
        seen < svn ? TCBShortcoming(component: name(), seen: seen, wanted: svn, update: update) : nil
    }
}
