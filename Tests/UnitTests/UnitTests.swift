import Encoding
import Testing

@testable import Unit

@Suite struct UnitClockTests {
    @Test func `AC-025 a clock behind a verified token is not trusted`() throws {
        let clock = UnitClock(.fixed(Timestamp(seconds: 1_000)))
        #expect(try clock.now() == Timestamp(seconds: 1_000))
        clock.witness(Timestamp(seconds: 1_060))
        #expect(try clock.now() == Timestamp(seconds: 1_060), "time never goes back behind a token")
        clock.witness(Timestamp(seconds: 1_061))
        let refusal = #expect(throws: Refusal.self) { try clock.now() }
        #expect(refusal?.code == .timeUntrusted)
        clock.witness(Timestamp(seconds: 5))
        #expect(throws: Refusal.self) { try clock.now() }
    }
}

@Suite struct RateLimitTests {
    @Test func `a burst passes, then events pass at the rate`() {
        let start = ContinuousClock.now
        let limit = RateLimit(perSecond: 2, burst: 3, from: start)
        #expect((0..<5).map { _ in limit.admit(at: start) } == [true, true, true, false, false])
        #expect(limit.admit(at: start + .milliseconds(500)))
        #expect(!limit.admit(at: start + .milliseconds(600)))
        #expect((0..<5).count { _ in limit.admit(at: start + .seconds(60)) } == 3)
    }
}
