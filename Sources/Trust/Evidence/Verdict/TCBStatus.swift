/// How a platform's security versions stand against what its vendor publishes, in Intel's names.
///
/// SNP has `UpToDate` and `OutOfDate` only, against floors that the relying party gives.
///
/// - Source: Intel PCS API v4, TCB info `tcbStatus`; formats section 8.
public enum TCBStatus: String, Hashable, Sendable, CaseIterable {
    case upToDate = "UpToDate"
    case swHardeningNeeded = "SWHardeningNeeded"
    case configurationNeeded = "ConfigurationNeeded"
    case configurationAndSWHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    case outOfDate = "OutOfDate"
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    case revoked = "Revoked"
    /// No published level is reached.
    case notSupported = "NotSupported"

    /// The platform's status when the quoting enclave's own status is `quotingEnclave`.
    ///
    /// - Source: `evidence.md` section 2.1 step 9, as Intel's library converges the two.
    func converged(withQuotingEnclave quotingEnclave: TCBStatus) -> TCBStatus {
        switch (quotingEnclave, self) {
        case (_, .revoked), (.revoked, _): .revoked
        case (_, .notSupported), (.notSupported, _): .notSupported
        case (.outOfDate, .upToDate), (.outOfDate, .swHardeningNeeded), (.outOfDate, .outOfDate): .outOfDate
        case (.outOfDate, .configurationNeeded), (.outOfDate, .configurationAndSWHardeningNeeded),
            (.outOfDate, .outOfDateConfigurationNeeded):
            .outOfDateConfigurationNeeded
        case (.upToDate, _): self
        // Intel publishes no other status for a quoting enclave; whatever comes is not better than the platform's.
        case (_, .upToDate): quotingEnclave
        default: self
        }
    }
}
