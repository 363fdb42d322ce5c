import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// One running service as `run/` remembers it: process id, when it started, and what it was started with.
///
/// The start time keeps `down` from ever signalling a stranger that got the same process id.
struct ProcessRecord: Sendable {
    var process: pid_t
    /// Clock ticks since boot, as the kernel counts them.
    var started: UInt64
    /// Digest of the executable and the configuration that it was started with.
    var inputs: String

    private static func file(_ state: StateFolder, _ name: String, _ kind: String) -> String {
        state["run/\(name).\(kind)"]
    }

    /// The record of a service that is still running; nil otherwise.
    static func running(_ name: String, in state: StateFolder) -> ProcessRecord? {
        guard let process = (try? Files.line(file(state, name, "pid"))).flatMap({ pid_t($0) }),
            let lines = try? Files.text(file(state, name, "start")).split(separator: "\n"), lines.count == 2,
            let started = UInt64(lines[0])
        else { return nil }
        let record = ProcessRecord(process: process, started: started, inputs: String(lines[1]))
        return record.isRunning ? record : nil
    }

    /// Writes down a process that was just started.
    static func write(
        _ process: pid_t, _ name: String, inputs: String, in state: StateFolder
    ) throws(CommandFailure) -> ProcessRecord {
        let record = ProcessRecord(process: process, started: startTime(process) ?? 0, inputs: inputs)
        try Files.write("\(record.started)\n\(inputs)\n".utf8, to: file(state, name, "start"))
        try Files.write("\(process)\n".utf8, to: file(state, name, "pid"))
        return record
    }

    static func forget(_ name: String, in state: StateFolder) {
        for kind in ["pid", "start", "ready"] { Files.remove(file(state, name, kind)) }
    }

    var isRunning: Bool {
        // A child of this command that ended stays a zombie until it is waited for.
        _ = waitpid(process, nil, WNOHANG)
        return ProcessRecord.startTime(process) == started
    }

    /// Asks the process to end, then makes it end.
    ///
    /// - Parameter patience: how long it may take to finish what it is doing.
    func stop(patience: Duration = .seconds(10)) async {
        guard isRunning else { return }
        kill(process, SIGTERM)
        let deadline = ContinuousClock.now + patience
        while isRunning, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        if isRunning { kill(process, SIGKILL) }
        while isRunning { try? await Task.sleep(for: .milliseconds(20)) }
    }

    /// Field 22 of `/proc/<pid>/stat`; nil for a process that ended.
    private static func startTime(_ process: pid_t) -> UInt64? {
        guard process > 0, let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
        // The second field is the program's name in parentheses, which may hold blanks.
        let text = String(decoding: data, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }
}
