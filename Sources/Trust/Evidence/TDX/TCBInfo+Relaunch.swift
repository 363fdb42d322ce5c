import Encoding

extension TCBInfo {
    /// Step 9, TD relaunch: a TD that was launched on an old module, on a platform that has been updated under it since.
    ///
    /// - Parameters:
    ///   - status: of the platform's level, converged with the module's.
    ///   - sgx: of the first level whose SGX part is reached.
    ///   - second: TEE_TCB_SVN_2; nil in TD 1.0, which has no relaunch.
    /// - Returns: `status` unless relaunching would help.
    /// - Throws: `tcb-inconsistent` when the module that runs now is not listed.
    /// - Source: Intel's quote verification library, TD relaunch check; `evidence.md` section 2.1 step 9.
    func relaunched(
        _ status: TCBStatus, sgx: TCBStatus, module: TCBStatus, quotingEnclave: TCBStatus, now second: TEETCBSVN?
    ) throws(Refusal) -> TCBStatus {
        guard let second, quotingEnclave == .upToDate, module == .outOfDate, status.isOutOfDate, !sgx.isOutOfDate,
            sgx != .revoked, let newest = levels.first, newest.tdx.count == 16
        else { return status }
        let newestModule: UInt16
        if second.moduleVersion == 0 {
            newestModule = newest.tdx[0].svn
        } else {
            guard let level = moduleIdentity(version: second.moduleVersion)?.levels.first else {
                throw Refusal(
                    .tcbInconsistent,
                    "the TCB info does not list version \(second.moduleVersion) of the TDX module, which runs now")
            }
            newestModule = level.isvSVN
        }
        guard UInt16(second.moduleSVN) >= newestModule, UInt16(second.lateMicrocode) >= newest.tdx[2].svn else {
            return status
        }
        return sgx.needsConfiguration || status.needsConfiguration
            ? .tdRelaunchAdvisedConfigurationNeeded : .tdRelaunchAdvised
    }
}
