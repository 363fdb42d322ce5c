import Attester
import CUnixSocket
import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// A running process as the kernel shows it, held so that its number can never come to mean another one.
///
/// - Source: architecture section 11 rules 9 and 10; proc(5), pidfd_open(2).
struct CallerProcess {
    /// A process by number and start time, which together never repeat.
    struct Identity: Hashable, Sendable {
        var number: Int32
        var startTime: String
    }

    let identity: Identity
    private let handle: OwnedDescriptor
    /// `/proc/<pid>`, opened once: what is read through it is about this process or fails.
    private let folder: OwnedDescriptor

    private static let maximumProcFileBytes = 4 << 20

    /// - Throws: `instance-mismatch` when no such process is alive.
    init(number: Int32) throws(Refusal) {
        let handleNumber = cloister_pidfd_open(number)
        guard handleNumber >= 0 else { throw Refusal(.instanceMismatch, "the caller has ended") }
        handle = OwnedDescriptor(handleNumber)
        let folderNumber = unsafe open("/proc/\(number)", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folderNumber >= 0 else { throw Refusal(.instanceMismatch, "the caller has ended") }
        folder = OwnedDescriptor(folderNumber)
        identity = Identity(number: number, startTime: try Self.startTime(in: folder))
        // Only now: the handle was opened first, so a process that is alive here is the one behind both.
        try requireAlive()
    }

    /// - Throws: `instance-mismatch` when it has ended.
    func requireAlive() throws(Refusal) {
        guard !cloister_pidfd_exited(handle.number) else { throw Refusal(.instanceMismatch, "the caller has ended") }
    }

    /// Refuses a process into which somebody else can put code that is not measured.
    ///
    /// - Throws: `debug-enabled` for one that is traced, `measurement-unknown` for one whose loader was told to add code.
    func requireOwnCode() throws(Refusal) {
        let status = String(decoding: try read("status"), as: UTF8.self)
        let tracer = status.split(separator: "\n").first { $0.hasPrefix("TracerPid:") }
        guard tracer?.split(whereSeparator: \.isWhitespace).last == "0" else {
            throw Refusal(.debugEnabled, "the caller is traced")
        }
        for variable in try read("environ").split(separator: 0) {
            let name = String(decoding: variable.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            guard !["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH"].contains(name) else {
                throw Refusal(.measurementUnknown, "the caller was started with \(name)")
            }
        }
    }

    /// The file that it executes, through the kernel's own link: renaming or replacing the path changes nothing.
    func executable() throws(Refusal) -> ExecutableFile {
        let number = unsafe openat(folder.number, "exe", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw Refusal(.instanceMismatch, "the caller's executable cannot be opened") }
        return try ExecutableFile(OwnedDescriptor(number))
    }

    /// Whether the process of `identity` still runs.
    static func isRunning(_ identity: Identity) -> Bool {
        let number = unsafe open("/proc/\(identity.number)", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return false }
        return (try? startTime(in: OwnedDescriptor(number))) == identity.startTime
    }

    private func read(_ name: String) throws(Refusal) -> [UInt8] { try Self.read(name, in: folder) }

    private static func read(_ name: String, in folder: OwnedDescriptor) throws(Refusal) -> [UInt8] {
        let number = unsafe openat(folder.number, name, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw Refusal(.instanceMismatch, "the caller cannot be looked at") }
        do throws(Refusal) {
            return try PrivateFiles.readAll(OwnedDescriptor(number), maximumBytes: maximumProcFileBytes)
        } catch {
            throw Refusal(.instanceMismatch, "the caller cannot be looked at")
        }
    }

    /// Field 22 of `stat`; the second, the command's name, may hold blanks and parentheses.
    private static func startTime(in folder: OwnedDescriptor) throws(Refusal) -> String {
        let content = String(decoding: try read("stat", in: folder), as: UTF8.self)
        let fields = content.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 19 else { throw Refusal(.instanceMismatch, "the caller cannot be looked at") }
        return String(fields[19])
    }
}
