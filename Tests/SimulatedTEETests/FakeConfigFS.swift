import Attester
import Encoding
import Foundation
import Synchronization

/// The kernel's `configfs-tsm` interface in memory: entries with generations that react to what is written.
final class FakeConfigFS: Sendable {
    struct State {
        var entries: [String: Entry] = [:]
        /// Reads of `outblob` that fail with EBUSY before one succeeds.
        var busy = 0
        /// Reads of `outblob` during which somebody else writes to the same entry.
        var interlopers = 0
        var madeEntries = 0
    }

    struct Entry {
        var generation = 0
        var inblob: [UInt8] = []
    }

    let state: Mutex<State>
    private let provider: String
    private let report: @Sendable ([UInt8]) -> [UInt8]
    private let table: [UInt8]?

    init(
        provider: String = "sev_guest", busy: Int = 0, interlopers: Int = 0, table: [UInt8]? = nil,
        report: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) {
        state = Mutex(State(busy: busy, interlopers: interlopers))
        self.provider = provider
        self.table = table
        self.report = report
    }

    var files: AttestationFiles {
        AttestationFiles(
            read: { (path) throws(SystemError) in try self.read(path) },
            write: { (path, bytes) throws(SystemError) in try self.write(path, bytes) },
            makeFolder: { (path) throws(SystemError) in
                self.state.withLock { state in
                    state.entries[path] = Entry()
                    state.madeEntries += 1
                }
            },
            removeFolder: { (path) throws(SystemError) in
                self.state.withLock { $0.entries[path] = nil }
            },
            exists: { path in path == ConfigFSSource.folder || (path.hasSuffix("/auxblob") && self.table != nil) })
    }

    private func split(_ path: String) -> (entry: String, file: String) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        return (String(path[..<slash]), String(path[slash...].dropFirst()))
    }

    private func read(_ path: String) throws(SystemError) -> [UInt8] {
        let (name, file) = split(path)
        return try state.withLock { state throws(SystemError) in
            guard let entry = state.entries[name] else { throw SystemError(ENOENT) }
            switch file {
            case "provider": return Array((provider + "\n").utf8)
            case "generation": return Array("\(entry.generation)\n".utf8)
            case "auxblob": return table ?? []
            case "outblob":
                if state.busy > 0 {
                    state.busy -= 1
                    throw SystemError(EBUSY)
                }
                if state.interlopers > 0 {
                    state.interlopers -= 1
                    state.entries[name]?.generation += 1
                }
                return report(entry.inblob)
            default: throw SystemError(ENOENT)
            }
        }
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let (name, file) = split(path)
        try state.withLock { state throws(SystemError) in
            guard file == "inblob", bytes.count <= 64, state.entries[name] != nil else { throw SystemError(EINVAL) }
            state.entries[name]?.inblob = bytes
            state.entries[name]?.generation += 1
        }
    }
}
