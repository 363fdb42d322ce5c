import Audit
import Encoding
import Foundation
import Synchronization
import TestSupport
import Testing

/// A file in memory that fails when it is told to.
final class FaultyFile: AuditFile {
    enum Fault: CaseIterable {
        case write
        /// Half of the bytes arrive.
        case shortWrite
        case synchronize
    }

    struct State {
        var bytes: [UInt8] = []
        var fault: Fault?
        var canTruncate = true
    }

    let state: Mutex<State>

    init(_ bytes: [UInt8] = []) { state = Mutex(State(bytes: bytes)) }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var lines: [String] { String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init) }

    func read(at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8] {
        state.withLock { Array($0.bytes.dropFirst(Int(offset)).prefix(count)) }
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(AuditFileError) {
        let isDone = state.withLock { state in
            if state.fault == .write { return false }
            let written = state.fault == .shortWrite ? bytes.prefix(bytes.count / 2) : bytes[...]
            state.bytes.replaceSubrange(Int(offset)..., with: written)
            return state.fault != .shortWrite
        }
        guard isDone else { throw AuditFileError(errorNumber: ENOSPC) }
    }

    func truncate(to length: Int64) throws(AuditFileError) {
        let isDone = state.withLock { state in
            guard state.canTruncate else { return false }
            state.bytes = Array(state.bytes.prefix(Int(length)))
            return true
        }
        guard isDone else { throw AuditFileError(errorNumber: EIO) }
    }

    func synchronize() throws(AuditFileError) {
        guard state.withLock({ $0.fault != .synchronize }) else { throw AuditFileError(errorNumber: EIO) }
    }
}

@Suite struct AuditLogTests {
    let clock = WallClock.fixed(Timestamp(seconds: 1_795_300_000))

    func entry(_ number: Int = 1) -> AuditEntry {
        AuditEntry(event: "key.release", outcome: .allowed, id: String(repeating: "0", count: 31) + "\(number)")
    }

    /// A log of `count` lines in memory.
    func file(_ count: Int) throws -> FaultyFile {
        let file = FaultyFile()
        let log = try AuditLog(file: file, clock: clock)
        for number in 0..<count { try log.append(entry(number)) }
        return file
    }

    func refusal(opening lines: [String], ending: String = "\n") throws -> RefusalCode? {
        let text = lines.joined(separator: "\n") + ending
        do {
            _ = try AuditLog(file: FaultyFile(Array(text.utf8)), clock: clock)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a line has exactly the members of the format, chained from 43 times A`() throws {
        let file = FaultyFile()
        let log = try AuditLog(file: file, clock: clock)
        try log.append(
            AuditEntry(
                event: "key.release", outcome: .refused, id: "ab", code: "claim-mismatch:role", key: "records/1",
                party: Digest(of: "party"), policy: Digest(of: "policy"), token: Digest(of: "token"),
                expected: "equals a", seen: "b"))
        let line = try JSON.parseCanonical(Array(file.lines[0].utf8), "line", refusing: .stateRollback)
        var members = try #require(line.object)
        let hash = try #require(members.removeValue(forKey: "hash")?.string)
        #expect(hash == Digest(of: JSON.object(members).canonical).description)
        #expect(
            members == [
                "at": 1_795_300_000, "code": "claim-mismatch:role", "event": "key.release", "expected": "equals a",
                "id": "ab", "key": "records/1", "outcome": "refused", "party": .string(Digest(of: "party").description),
                "policy": .string(Digest(of: "policy").description), "prev": .string(String(repeating: "A", count: 43)),
                "seen": "b", "seq": 1, "token": .string(Digest(of: "token").description),
            ])
        try log.append(entry())
        let second = try JSON.parse(file.lines[1])
        #expect(second["prev"]?.string == hash)
        #expect(second["seq"] == 2)
    }

    @Test func `a log goes on where it ended`() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "audit.jsonl").path
        try AuditLog(path: path, clock: clock).append(entry(1))
        let log = try AuditLog(path: path, clock: clock)
        try log.append(entry(2))
        #expect(log.count == 2)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `a log that is open cannot be opened a second time`() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "audit.jsonl").path
        let log = try AuditLog(path: path, clock: clock)
        #expect(throws: Refusal.self) { try AuditLog(path: path, clock: clock) }
        try log.append(entry())
    }

    @Test("AC-077 a removed, doubled, changed, swapped or foreign line is a rollback")
    func brokenChains() throws {
        let lines = try file(4).lines
        #expect(try refusal(opening: lines) == nil)
        #expect(try refusal(opening: Array(lines.dropFirst())) == .stateRollback)
        #expect(try refusal(opening: [lines[0], lines[2], lines[3]]) == .stateRollback)
        #expect(try refusal(opening: [lines[0], lines[1], lines[1], lines[2]]) == .stateRollback)
        #expect(try refusal(opening: [lines[0], lines[2], lines[1], lines[3]]) == .stateRollback)
        let changed = lines[1].replacing("allowed", with: "refused")
        #expect(try refusal(opening: [lines[0], changed, lines[2], lines[3]]) == .stateRollback)
        // The last line is in no later one's `prev`: its own hash tells.
        #expect(
            try refusal(opening: Array(lines[..<3]) + [lines[3].replacing("allowed", with: "refused")])
                == .stateRollback)
        #expect(try refusal(opening: lines + ["{}"]) == .stateRollback)
        #expect(try refusal(opening: [" " + lines[0]] + lines.dropFirst()) == .stateRollback)
    }

    @Test("AC-077 a line that continues another log is a fork")
    func forks() throws {
        let first = FaultyFile()
        let log = try AuditLog(file: first, clock: clock)
        try log.append(entry(1))
        try log.append(entry(2))
        let second = FaultyFile()
        let other = try AuditLog(file: second, clock: clock)
        try other.append(entry(3))
        try other.append(entry(4))
        #expect(try refusal(opening: [first.lines[0], second.lines[1]]) == .stateRollback)
    }

    @Test func `an unfinished last line, which nobody was answered for, is cut off`() throws {
        let lines = try file(3).lines
        let unfinished = FaultyFile(Array((lines[0] + "\n" + lines[1] + "\n" + lines[2].prefix(20)).utf8))
        let log = try AuditLog(file: unfinished, clock: clock)
        #expect(log.count == 2)
        try log.append(entry(9))
        _ = try AuditLog(file: FaultyFile(unfinished.bytes), clock: clock)
        #expect(unfinished.lines.count == 3)
    }

    @Test func `an endless line is refused instead of read into memory`() throws {
        #expect(try refusal(opening: [String(repeating: "x", count: 1_000_000)], ending: "") == .stateRollback)
    }

    @Test("AC-075 a line that cannot be written or synced is audit-unavailable", arguments: FaultyFile.Fault.allCases)
    func faults(_ fault: FaultyFile.Fault) async throws {
        let file = try file(2)
        let log = try AuditLog(file: file, clock: clock)
        file.state.withLock { $0.fault = fault }
        let failure = #expect(throws: Refusal.self) { try log.append(entry(7)) }
        #expect(failure?.code == .auditUnavailable)
        let second = await #expect(throws: Refusal.self) { try await log.record(entry(7)) }
        #expect(second?.code == .auditUnavailable)
        #expect(log.count == 2)
        // The disk is back: what the failed attempts left is gone, and the chain holds.
        file.state.withLock { $0.fault = nil }
        try log.append(entry(8))
        #expect(try AuditLog(file: FaultyFile(file.bytes), clock: clock).count == 3)
        #expect(!String(decoding: file.bytes, as: UTF8.self).contains("7\""))
    }

    @Test("AC-075 while the remains of a failed write cannot be removed, nothing more is written")
    func stuckRemains() throws {
        let file = try file(1)
        let log = try AuditLog(file: file, clock: clock)
        file.state.withLock { state in
            state.fault = .shortWrite
            state.canTruncate = false
        }
        #expect(throws: Refusal.self) { try log.append(entry(7)) }
        file.state.withLock { $0.fault = nil }
        #expect(throws: Refusal.self) { try log.append(entry(8)) }
        file.state.withLock { $0.canTruncate = true }
        try log.append(entry(9))
        #expect(try AuditLog(file: FaultyFile(file.bytes), clock: clock).count == 2)
    }

    @Test func `many writers at once make one chain`() async throws {
        let file = FaultyFile()
        let log = try AuditLog(file: file, clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    try await log.record(AuditEntry(event: "e", outcome: .allowed, id: "\(number)"))
                }
            }
            try await group.waitForAll()
        }
        #expect(try AuditLog(file: FaultyFile(file.bytes), clock: clock).count == 50)
    }

    @Test("AC-075 of many calls that share a failing disk none goes on")
    func sharedFault() async throws {
        let file = try file(2)
        let log = try AuditLog(file: file, clock: clock)
        file.state.withLock { $0.fault = .synchronize }
        let refused = await withTaskGroup(of: RefusalCode?.self) { group in
            for number in 0..<20 {
                let entry = entry(number)
                group.addTask {
                    do throws(Refusal) {
                        try await log.record(entry)
                        return nil
                    } catch { return error.code }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(refused == Array(repeating: .auditUnavailable, count: 20))
        #expect(log.count == 2)
        file.state.withLock { $0.fault = nil }
        try await log.record(entry(9))
        #expect(try AuditLog(file: FaultyFile(file.bytes), clock: clock).count == 3)
    }

    @Test func `members are cut to a length that the reader takes`() throws {
        let file = FaultyFile()
        let log = try AuditLog(file: file, clock: clock)
        let long = String(repeating: "\u{1}", count: 100_000)
        try log.append(
            AuditEntry(event: "e", outcome: .refused, id: "1", code: long, key: long, expected: long, seen: long))
        #expect(try AuditLog(file: FaultyFile(file.bytes), clock: clock).count == 1)
    }
}
