import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Whether Ctrl-C or a request to end has arrived.
enum Interruption {
    private static let flag = Atomic<Bool>(false)

    /// From now on SIGINT and SIGTERM only set the flag. A second SIGINT ends the command at once.
    static func watch() {
        // The value exists before a handler can touch it.
        flag.store(false, ordering: .relaxed)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            _ = signal(number) { _ in
                if Interruption.flag.exchange(true, ordering: .relaxed) { _exit(130) }
            }
        }
        _ = signal(SIGPIPE, SIG_IGN)
    }

    static var hasArrived: Bool { flag.load(ordering: .relaxed) }
}
