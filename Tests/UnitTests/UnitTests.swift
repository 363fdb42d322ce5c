import AttestationToken
import Encoding
import Synchronization
import Testing

@testable import Unit

@Suite struct UnitClockTests {
    /// The host's clock.
    private final class Host: Sendable {
        private let time = Mutex(Timestamp(seconds: 1_000))
        var clock: WallClock { WallClock { self.time.withLock { $0 } } }
        func set(_ seconds: Int64) { time.withLock { $0 = Timestamp(seconds: seconds) } }
    }

    @Test func `AC-025 a clock behind a verified token is not trusted`() throws {
        let host = Host()
        let clock = UnitClock(host.clock)
        #expect(try clock.now() == Timestamp(seconds: 1_000))
        clock.witness(Timestamp(seconds: 1_050))
        #expect(try clock.now() == Timestamp(seconds: 1_050), "time never goes back behind a token")
        host.set(990)
        #expect(try clock.now() == Timestamp(seconds: 1_050))
        host.set(989)
        let refusal = #expect(throws: Refusal.self) { try clock.now() }
        #expect(refusal?.code == .timeUntrusted)
        clock.witness(Timestamp(seconds: 5))
        #expect(throws: Refusal.self) { try clock.now() }
    }

    @Test func `an issuer whose tokens run ahead cannot push a unit's time until the unit refuses everybody`() throws {
        let host = Host()
        let clock = UnitClock(host.clock)
        // Each is as far ahead as verification takes it.
        for _ in 0..<100 { clock.witness(try clock.now() + IssuedToken.leeway) }
        #expect(try clock.now() == Timestamp(seconds: 1_000) + UnitClock.tolerance)
        clock.witness(Timestamp(seconds: 1 << 40))
        host.set(1_001)
        #expect(try clock.now() <= Timestamp(seconds: 1_001) + UnitClock.tolerance)
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
