#if canImport(Glibc)
    import Glibc
#endif

/// What every process of ours does first, so that its memory does not end up in files.
package enum ProcessHygiene {
    /// No core dumps; crash signals back to their default action, so that swift-backtrace never prints memory.
    ///
    /// `PR_SET_DUMPABLE` is left alone: a simulator of the same user could not read `/proc/<pid>/exe` then
    /// (architecture rule 11). SIGPIPE is ignored, as every server must.
    package static func apply() {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGQUIT] { _ = signal(number, SIG_DFL) }
        _ = signal(SIGPIPE, SIG_IGN)
    }
}
