import Audit
import Encoding
import Synchronization
import Testing

@Suite struct StrangerRecordsTests {
    private final class Time: Sendable {
        private let time = Mutex(Timestamp(seconds: 1_795_300_020))
        var clock: WallClock { WallClock { self.time.withLock { $0 } } }
        func advance(_ seconds: Int64) { time.withLock { $0 = $0 + seconds } }
    }

    private let time = Time()
    private let file = FaultyFile()
    private let records: StrangerRecords

    init() throws {
        records = StrangerRecords(try AuditLog(file: file, clock: time.clock), clock: time.clock)
    }

    private func refuse(_ count: Int, _ code: String, event: String = "attest") async throws {
        for number in 0..<count {
            try await records.record(
                AuditEntry(
                    event: event, outcome: .refused, id: "request-\(number)", code: code, key: "chosen-by-the-caller"))
        }
    }

    private func entries() throws -> [JSON] { try file.lines.map { try JSON.parse($0) } }

    @Test("AC-161 the first of a kind and minute have a line each, the others one line with their number")
    func counts() async throws {
        try await refuse(12, "evidence-malformed")
        try await refuse(3, "evidence-signature")
        try await refuse(11, "evidence-malformed", event: "policy.set")
        #expect(try entries().count == 10 + 3 + 10)
        time.advance(60)
        try await refuse(1, "evidence-malformed")
        let counted = try entries().filter { $0["count"] != nil }
        #expect(counted.count == 2)
        let attest = try #require(counted.first { $0["event"] == "attest" })
        #expect(attest["count"] == 2 && attest["code"] == "evidence-malformed" && attest["id"] == "request-11")
        #expect(attest["key"] == nil, "nothing that callers chose")
        #expect(counted.first { $0["event"] == "policy.set" }?["count"] == 1)
        // The new minute began with a line of its own, and there is nothing left to count.
        #expect(try entries().count == 26)
        try await records.flush()
        #expect(try entries().count == 26)
    }

    @Test("AC-161 whatever part of a code a caller chooses, it is one kind")
    func parts() async throws {
        for number in 0..<1_000 { try await refuse(1, "claim-mismatch:claim-\(number)") }
        #expect(try entries().count == 10)
        try await records.flush()
        #expect(try entries().last?["count"] == 990)
        #expect(try entries().last?["code"] == "claim-mismatch")
    }

    @Test("AC-075 what cannot be written is refused, and what was counted stays counted")
    func faults() async throws {
        try await refuse(15, "evidence-malformed")
        file.state.withLock { $0.fault = .write }
        await #expect(throws: Refusal.self) { try await records.flush() }
        time.advance(60)
        await #expect(throws: Refusal.self) { try await refuse(1, "evidence-malformed") }
        file.state.withLock { $0.fault = nil }
        try await records.flush()
        #expect(try entries().last?["count"] == 5)
    }
}
