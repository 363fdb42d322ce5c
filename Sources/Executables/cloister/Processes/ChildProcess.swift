#if canImport(Glibc)
    import Glibc
#endif

/// A program started apart from this one: a session of its own, output into a file, a small environment.
enum ChildProcess {
    /// What a service may inherit. Nothing that changes what is loaded (`LD_…`) or configured (`CLOISTER_…`).
    private static let inherited = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"]

    /// `POSIX_SPAWN_SETSID` of glibc (spawn.h), which its header shows to GNU sources only.
    private static let ownSession: Int32 = 0x80

    /// Starts `executable` and returns its process id.
    ///
    /// - Parameter log: file that standard output and error are appended to, mode 0600.
    static func start(
        _ executable: String, _ arguments: [String], log: String
    ) throws(CommandFailure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        keepDescriptorsToThisProcess()

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        // A session of its own: Ctrl-C in the terminal reaches only the command, which then stops its services.
        let flags = ownSession | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var process: pid_t = 0
        let status = unsafe withCStrings([executable] + arguments) { argumentVector in
            unsafe withCStrings(environment()) { environmentVector in
                unsafe posix_spawn(&process, executable, &actions, &attributes, argumentVector, environmentVector)
            }
        }
        guard status == 0 else {
            throw CommandFailure(
                "\(Files.name(of: executable)) cannot be started: \(unsafe String(cString: strerror(status)))")
        }
        return process
    }

    /// Nothing but the three standard descriptors is inherited: whoever waits for this command's descriptors to close
    /// must not wait for a service.
    private static func keepDescriptorsToThisProcess() {
        for name in Files.list("/proc/self/fd") {
            guard let number = Int32(name), number > 2 else { continue }
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        }
    }

    private static func environment() -> [String] {
        var environment = inherited.compactMap { name in
            unsafe getenv(name).map { unsafe "\(name)=\(String(cString: $0))" }
        }
        // Crash output would print memory.
        environment.append("SWIFT_BACKTRACE=enable=no")
        return environment
    }

    /// A null-terminated vector of C strings for the time of `body`.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        return unsafe pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("the vector has a terminator") }
            return unsafe body(base)
        }
    }
}
