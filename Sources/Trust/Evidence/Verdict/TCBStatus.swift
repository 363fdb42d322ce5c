/// How a platform's security versions stand against what its vendor publishes, in Intel's names.
///
/// SNP has `UpToDate` and `OutOfDate` only, against floors that the relying party gives.
///
/// - Source: Intel PCS API v4, TCB info `tcbStatus`; Intel's quote verification library for the statuses that it
///   finds out itself; formats section 8.
public enum TCBStatus: String, Hashable, Sendable, CaseIterable {
    case upToDate = "UpToDate"
    case swHardeningNeeded = "SWHardeningNeeded"
    case configurationNeeded = "ConfigurationNeeded"
    case configurationAndSWHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    case outOfDate = "OutOfDate"
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    case revoked = "Revoked"
    /// The platform was updated under a running TD; a TD launched anew would be up to date.
    case tdRelaunchAdvised = "TDRelaunchAdvised"
    case tdRelaunchAdvisedConfigurationNeeded = "TDRelaunchAdvisedConfigurationNeeded"
    /// No published level is reached.
    case notSupported = "NotSupported"

    /// Whether Intel publishes levels with this status; the others are what a verifier finds out.
    var isPublished: Bool {
        switch self {
        case .notSupported, .tdRelaunchAdvised, .tdRelaunchAdvisedConfigurationNeeded: false
        case .upToDate, .swHardeningNeeded, .configurationNeeded, .configurationAndSWHardeningNeeded, .outOfDate,
            .outOfDateConfigurationNeeded, .revoked:
            true
        }
    }

    var isOutOfDate: Bool { self == .outOfDate || self == .outOfDateConfigurationNeeded }

    var needsConfiguration: Bool {
        switch self {
        case .configurationNeeded, .configurationAndSWHardeningNeeded, .outOfDateConfigurationNeeded,
            .tdRelaunchAdvisedConfigurationNeeded:
            true
        case .upToDate, .swHardeningNeeded, .outOfDate, .revoked, .tdRelaunchAdvised, .notSupported: false
        }
    }

    /// This status of a platform together with that of something it runs on: a quoting enclave or TDX module, which is
    /// `UpToDate`, `OutOfDate`, `Revoked` or `NotSupported`.
    ///
    /// - Source: `evidence.md` section 2.1 step 9, as Intel's library converges the two.
    func converged(with other: TCBStatus) -> TCBStatus {
        switch (other, self) {
        case (_, .notSupported), (.notSupported, _): .notSupported
        case (.revoked, _): .revoked
        case (.outOfDate, .upToDate), (.outOfDate, .swHardeningNeeded): .outOfDate
        case (.outOfDate, .configurationNeeded), (.outOfDate, .configurationAndSWHardeningNeeded):
            .outOfDateConfigurationNeeded
        default: self
        }
    }
}
