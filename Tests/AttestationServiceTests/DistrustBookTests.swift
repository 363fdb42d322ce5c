import AttestationToken
import Audit
import Encoding
import Evidence
import Foundation
import Storage
import TestSupport
import Testing

@testable import AttestationService

/// What an instance distrusts and revokes, over a real store.
struct DistrustBookTests {
    static let now = Timestamp(seconds: 1_795_300_000)
    static let issuer = "https://attestation.example"
    let folder: TemporaryFolder
    let book: DistrustBook
    let chip: EvidenceMark
    let family: EvidenceMark

    init() throws {
        folder = try TemporaryFolder()
        book = try DistrustBookTests.open(folder)
        chip = try EvidenceMark(.chip, "0102")
        family = try EvidenceMark(.family, "milan")
    }

    private static func open(_ folder: TemporaryFolder, audit: AuditLog? = nil) throws -> DistrustBook {
        DistrustBook(
            instance: "attestation",
            store: try SQLiteStateStore(path: folder.url.appending(path: "state.sqlite").path),
            audit: try audit ?? AuditLog(path: folder.url.appending(path: "audit.jsonl").path, clock: .fixed(now)))
    }

    private func entry(_ mark: EvidenceMark) -> AuditEntry {
        AuditEntry(event: "distrust.add", outcome: .allowed, id: "00", key: mark.description)
    }

    private func record(
        _ id: String, _ marks: [EvidenceMark], at time: Timestamp = now, in book: DistrustBook? = nil
    ) async throws(Refusal) {
        try await (book ?? self.book).record(token: id, issuedAt: time, expires: time + 28_800, marks: marks)
    }

    private func revoked(_ book: DistrustBook? = nil, at time: Timestamp = now) async throws -> Set<String> {
        try await (book ?? self.book).list(issuer: Self.issuer, at: time).tokens
    }

    // The compiler crashes on closures with typed throws that return nothing: plain functions.

    private func refusal(recording id: String, _ marks: [EvidenceMark], in book: DistrustBook? = nil) async
        -> RefusalCode?
    {
        do throws(Refusal) {
            try await record(id, marks, in: book)
            return nil
        } catch { return error.code }
    }

    private func refusal(distrusting mark: EvidenceMark, in book: DistrustBook) async -> RefusalCode? {
        do throws(Refusal) {
            _ = try await book.distrust(mark, at: Self.now, entry: entry(mark))
            return nil
        } catch { return error.code }
    }

    private func refusal(trusting mark: EvidenceMark, in book: DistrustBook) async -> RefusalCode? {
        do throws(Refusal) {
            try await book.trust(mark, entry: entry(mark))
            return nil
        } catch { return error.code }
    }

    @Test("AC-030 a command revokes the tokens that were issued to evidence with the mark, and no others")
    func revokes() async throws {
        try await record("a", [chip, family])
        try await record("b", [family])
        try await record("c", [])
        #expect(try await revoked().isEmpty)
        #expect(try await book.distrust(chip, at: Self.now, entry: entry(chip)) == 1)
        let first = try await book.list(issuer: Self.issuer, at: Self.now)
        #expect(first.tokens == ["a"])
        #expect(try await book.distrust(family, at: Self.now, entry: entry(family)) == 2)
        let second = try await book.list(issuer: Self.issuer, at: Self.now)
        #expect(second.tokens == ["a", "b"])
        #expect(second.sequence > first.sequence)
        #expect(try await book.entries().map(\.mark) == [chip, family])
    }

    @Test("AC-022 from the command on no token is issued to evidence with the mark, until it is trusted again")
    func refuses() async throws {
        _ = try await book.distrust(family, at: Self.now, entry: entry(family))
        #expect(await refusal(recording: "a", [chip, family]) == .familyDistrusted)
        #expect(await refusal(recording: "b", [chip]) == nil)
        try await book.trust(family, entry: entry(family))
        #expect(await refusal(recording: "c", [chip, family]) == nil)
        #expect(await refusal(trusting: family, in: book) == .notFound)
        #expect(try await book.entries().isEmpty)
    }

    @Test func `tokens that are recorded while a command runs are refused or revoked, never neither`() async throws {
        let ids = (0..<200).map { "t\($0)" }
        let accepted = try await withThrowingTaskGroup(of: String?.self) { group -> Set<String> in
            for (index, id) in ids.enumerated() {
                group.addTask {
                    if index == 100 {
                        _ = try await self.book.distrust(self.chip, at: Self.now, entry: self.entry(self.chip))
                    }
                    return await self.refusal(recording: id, [self.chip]) == nil
                        ? id : nil
                }
            }
            var accepted: Set<String> = []
            for try await id in group { if let id { accepted.insert(id) } }
            return accepted
        }
        #expect(try await revoked() == accepted)
        #expect(await refusal(recording: "late", [chip]) == .hardwareNotEnrolled)
    }

    @Test func `marks and revocations survive a restart, and reach other processes at once`() async throws {
        let other = try DistrustBookTests.open(
            folder, audit: AuditLog(path: folder.url.appending(path: "other.jsonl").path, clock: .fixed(Self.now)))
        #expect(try await other.entries().isEmpty)
        #expect(try await revoked(other).isEmpty)
        try await record("a", [chip], in: other)
        _ = try await book.distrust(chip, at: Self.now, entry: entry(chip))
        #expect(try await revoked(other) == ["a"])
        #expect(try await other.entries().map(\.mark) == [chip])
        #expect(await refusal(recording: "b", [chip], in: other) == .hardwareNotEnrolled)
    }

    @Test func `tokens that ended leave the list, and the record of their second is used again`() async throws {
        try await record("old", [chip])
        _ = try await book.distrust(chip, at: Self.now, entry: entry(chip))
        #expect(try await revoked(at: Self.now + 28_860) == ["old"], "readers have a leeway of a minute")
        #expect(try await revoked(at: Self.now + 28_861).isEmpty)
        try await book.trust(chip, entry: entry(chip))
        let lap = Self.now + IssuedTokenRing.lap
        try await record("new", [chip], at: lap)
        #expect(try await book.distrust(chip, at: lap, entry: entry(chip)) == 1)
        #expect(try await revoked(at: lap) == ["new"])
    }

    @Test func `all tokens of a second are found, also when it has more than one record holds`() async throws {
        let ids = (0..<400).map { String(format: "%064x", $0) }
        // Two books, as two processes have them: each goes on where the other stopped.
        let other = try DistrustBookTests.open(
            folder, audit: AuditLog(path: folder.url.appending(path: "other.jsonl").path, clock: .fixed(Self.now)))
        try await withThrowingTaskGroup { group in
            for (index, id) in ids.enumerated() {
                group.addTask { try await record(id, [chip], in: index % 2 == 0 ? book : other) }
            }
            try await group.waitForAll()
        }
        #expect(try await book.distrust(chip, at: Self.now, entry: entry(chip)) == ids.count)
        #expect(try await revoked() == Set(ids))
    }

    @Test("AC-075 a command that cannot be written to the audit log changes nothing") func audited() async throws {
        let broken = try DistrustBookTests.open(
            folder, audit: AuditLog(file: BrokenAuditFile(), clock: .fixed(Self.now)))
        try await record("a", [chip])
        #expect(
            await refusal(distrusting: chip, in: broken) == .auditUnavailable)
        #expect(try await book.entries().isEmpty)
        #expect(try await revoked().isEmpty)
        _ = try await book.distrust(chip, at: Self.now, entry: entry(chip))
        #expect(
            await refusal(trusting: chip, in: broken) == .auditUnavailable)
        #expect(try await book.entries().map(\.mark) == [chip])
        let lines = try String(
            contentsOf: folder.url.appending(path: "audit.jsonl"), encoding: .utf8)
        #expect(lines.split(separator: "\n").count == 1)
        #expect(lines.contains("\"key\":\"chip:0102\""))
    }

    @Test func `more revoked tokens than fit revoke everything issued until the last of them`() throws {
        var revoked = RevokedTokens()
        let ends = Self.now + AttestationAuthority.tokenLifetime
        let tokens = Dictionary(
            uniqueKeysWithValues: (0...RevocationList.maximumTokens).map {
                // Some live longer than others: when they were issued counts.
                ("t\($0)", RevokedTokens.Token(issued: Self.now - Int64($0 % 7), expires: ends + Int64($0 % 5) * 3_600))
            })
        let key = StateKey(owner: "attestation", kind: "revoked", name: "family:milan")
        revoked.take(StateRecord(key: key, revision: 9, value: RevokedTokens.bytes(tokens)))
        let list = revoked.list(issuer: Self.issuer, at: Self.now)
        #expect(list.tokens.isEmpty && list.before == Self.now && list.sequence == 9)
        revoked.take(
            StateRecord(
                key: key, revision: 10,
                value: RevokedTokens.bytes(["t0": RevokedTokens.Token(issued: Self.now, expires: ends)])))
        #expect(revoked.list(issuer: Self.issuer, at: Self.now).tokens == ["t0"])
        // What another reader fetched before comes too late.
        revoked.take(StateRecord(key: key, revision: 9, value: RevokedTokens.bytes(tokens)))
        #expect(revoked.list(issuer: Self.issuer, at: Self.now).tokens == ["t0"])
    }
}
