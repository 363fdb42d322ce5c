public import Encoding
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Remembers the highest sequence seen of each party's policy, so that an older one is refused (architecture
/// section 11 rule 2).
///
/// Kept in one small file, written beside it and renamed over it, and synced before `admit` returns.
public final class SequenceMemory: Sendable {
    private static let format = "cloister-sequences/1"
    private static let maximumEntries = 4_096

    private let path: String?
    private let highest: Mutex<[String: Int64]>

    /// - Parameter path: the file; it need not exist yet. Nil remembers for the life of the process only.
    /// - Throws: `state-rollback` when the file is there and is not such a memory: without it older policies would
    ///   pass unnoticed.
    public init(path: String?) throws(Refusal) {
        self.path = path
        highest = Mutex(try path.map { path throws(Refusal) in try Self.read(path) } ?? [:])
    }

    /// Accepts `sequence` under `name`, and remembers it when it is the highest so far.
    ///
    /// - Throws: `endorsement-invalid` when a higher one was seen; `state-rollback` when it cannot be written down.
    public func admit(_ sequence: Int64, of name: String) throws(Refusal) {
        try highest.withLock { highest throws(Refusal) in
            let seen = highest[name] ?? -1
            guard sequence >= seen else {
                throw Refusal(.endorsementInvalid, "sequence \(sequence) is lower than \(seen), which was seen before")
            }
            guard sequence > seen else { return }
            guard highest[name] != nil || highest.count < Self.maximumEntries else {
                throw Refusal(.stateRollback, "more than \(Self.maximumEntries) sequences would have to be remembered")
            }
            var updated = highest
            updated[name] = sequence
            if let path { try Self.write(updated, to: path) }
            highest = updated
        }
    }

    /// Accepts a verified policy unless a higher sequence of its party was seen.
    public func admit(_ policy: PartyPolicy) throws(Refusal) {
        try admit(policy.sequence, of: "policy:\(policy.party)")
    }
}

// MARK: The file

extension SequenceMemory {
    private static func read(_ path: String) throws(Refusal) -> [String: Int64] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return [:] }
            throw Refusal(.stateRollback, "the memory of sequences cannot be read")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0, bytes.count + count <= 1_024 * 1_024 else {
                throw Refusal(.stateRollback, "the memory of sequences cannot be read")
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        let code = RefusalCode.stateRollback
        let json = try JSON.parseCanonical(bytes, "memory of sequences", refusing: code)
        var members = try ObjectReader(json, "memory of sequences", refusing: code)
        try members.format(format)
        let values = try members.value("highest").object
        try members.finish()
        guard let values else { throw Refusal(code, "the memory of sequences has no list") }
        var highest: [String: Int64] = [:]
        for (name, value) in values {
            guard let sequence = value.integer, sequence >= 0 else {
                throw Refusal(code, "the memory of sequences holds something else")
            }
            highest[name] = sequence
        }
        return highest
    }

    private static func write(_ highest: [String: Int64], to path: String) throws(Refusal) {
        let json: JSON = ["format": .string(format), "highest": .object(highest.mapValues { .integer($0) })]
        let failure = Refusal(.stateRollback, "the memory of sequences cannot be written")
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure }
        var rest = json.canonical[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let synced = rest.isEmpty && fsync(descriptor) == 0
        close(descriptor)
        guard synced, unsafe rename(temporary, path) == 0 else { throw failure }
        // The rename itself is durable only once the folder is synced.
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folderDescriptor >= 0 else { throw failure }
        defer { close(folderDescriptor) }
        guard fsync(folderDescriptor) == 0 else { throw failure }
    }
}
