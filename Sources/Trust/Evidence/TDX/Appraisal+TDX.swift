import Encoding

/// What step 7 found out about the TDX module under a TD.
enum TDXModuleFinding: Sendable {
    /// Version 0: the platform's own levels describe it.
    case partOfPlatform
    case versioned(ISVMatch)

    var match: ISVMatch? {
        switch self {
        case .partOfPlatform: nil
        case .versioned(let match): match
        }
    }
}

// The steps of `evidence.md` section 2.1 that only TDX has.
extension Appraisal {
    /// Step 7. Returns nil when there is no TCB info or the module is not the one described.
    mutating func checkTDXModule(_ report: TDReport, tcbInfo: TCBInfo?) -> TDXModuleFinding? {
        guard let tcbInfo, let first = tcbInfo.module else {
            skip("tdx-module", "there is no TCB info to compare with")
            return nil
        }
        let seen = report.teeTCBSVN
        let identity = tcbInfo.moduleIdentity(version: seen.moduleVersion)
        guard seen.moduleVersion == 0 || identity != nil else {
            fail(
                "tdx-module", .tcbInconsistent,
                "the TCB info does not list version \(seen.moduleVersion) of the TDX module")
            return nil
        }
        // Version 0 is never one of the listed identities, whatever they are called.
        let versioned = seen.moduleVersion == 0 ? nil : identity
        if let difference = (versioned?.module ?? first).difference(report) {
            fail("tdx-module", .tcbInconsistent, "the TDX module is not Intel's: \(difference)")
            return nil
        }
        guard let versioned else {
            pass("tdx-module", "TDX module of version 0, ISVSVN \(seen.moduleSVN)")
            return .partOfPlatform
        }
        let match = ISVMatch(svn: UInt16(seen.moduleSVN), levels: versioned.levels)
        pass("tdx-module", "\(versioned.id), ISVSVN \(seen.moduleSVN): \(match.status.rawValue)")
        return .versioned(match)
    }

    /// The rest of step 11.
    mutating func checkTDXPolicy(_ report: TDReport, chain: PCKChain?, policy: AcceptancePolicy) {
        checkDebug(!report.attributes.isDisjoint(with: .underDebug), policy)
        requireNone(policy.tdx.faults(report) + policy.dcap.faults(chain))
    }
}

extension TDXRequirements {
    /// What about the TD is refused, in words.
    fileprivate func faults(_ report: TDReport) -> [String] {
        var faults: [String] = []
        let missing = requiredAttributes.subtracting(report.attributes)
        if missing.contains(.septVEDisable) { faults.append("SEPT_VE_DISABLE is off") }
        if !missing.subtracting(.septVEDisable).isEmpty {
            faults.append("TD attributes \(missing.hex) that are required are off")
        }
        let refused = refusedAttributes.intersection(report.attributes)
        if !refused.isEmpty { faults.append("TD attributes \(refused.hex) that are refused are on") }
        if report.xfam & ~allowedXFAM != 0 { faults.append("XFAM \(Hex.encode(report.xfamBytes))") }
        for (name, list, value) in [
            ("MRSEAM", mrSeams, report.mrSeam), ("MRTD", mrTDs, report.mrTD),
            ("MRCONFIGID", mrConfigIDs, report.mrConfigID), ("MROWNER", mrOwners, report.mrOwner),
            ("MROWNERCONFIG", mrOwnerConfigs, report.mrOwnerConfig),
        ] where list.map({ !$0.contains(Array(value)) }) ?? false {
            faults.append("\(name) not on the list")
        }
        if let mrServiceTDs, let value = report.mrServiceTD, !mrServiceTDs.contains(Array(value)) {
            faults.append("MRSERVICETD \(Hex.encode(value.prefix(8)))… not on the list")
        }
        let rtmrs = report.rtmrs
        for (index, list) in self.rtmrs.sorted(by: { $0.key < $1.key })
        where !rtmrs.indices.contains(index) || !list.contains(Array(rtmrs[index])) {
            faults.append("RTMR\(index) not on the list")
        }
        return faults
    }
}

extension TDAttributes {
    fileprivate var hex: String {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(rawValue)
        return "0x" + Hex.encode(bytes)
    }
}
