public import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A process of a test, waited for by its id.
///
/// Foundation's `Process` learns of an end through a socket that grandchildren inherit, so it would wait for services
/// that are meant to stay.
public struct SpawnedProcess: Sendable {
    public let id: Int32

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// Starts `executable` with its output in `log`, and its errors there too unless `errors` names another file.
    ///
    /// Of this process's descriptors it inherits nothing: other suites run side by side, and wait for theirs to close.
    public static func start(
        _ executable: URL, _ arguments: [String], log: URL, errors: URL? = nil
    ) throws -> SpawnedProcess {
        var environment = ProcessInfo.processInfo.environment
        if environment["CLOISTER_ONNXRUNTIME"] == nil {
            environment["CLOISTER_ONNXRUNTIME"] = ProjectFolders.onnxRuntime?.path
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            if let number = Int32(name), number > 2 { posix_spawn_file_actions_addclose(&actions, number) }
        }
        // Worker threads hold signals back, and a child would inherit that: it could not be asked to end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var argumentVector = ([executable.path] + arguments).map { strdup($0) } + [nil]
        var environmentVector = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argumentVector + environmentVector { free(pointer) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, executable.path, &actions, &attributes, &argumentVector, &environmentVector)
        guard status == 0 else {
            throw Failure(description: "\(executable.lastPathComponent): \(String(cString: strerror(status)))")
        }
        return SpawnedProcess(id: id)
    }

    /// Waits for the end, off the cooperative pool; once only. The exit status, or -1 after a signal.
    public func end() async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var status: Int32 = 0
                while waitpid(id, &status, 0) < 0, errno == EINTR {}
                continuation.resume(returning: status & 0x7f == 0 ? (status >> 8) & 0xff : -1)
            }
        }
    }

    /// Asks the process to end, and waits for that.
    public func stop() async {
        kill(id, SIGTERM)
        _ = await end()
    }
}
