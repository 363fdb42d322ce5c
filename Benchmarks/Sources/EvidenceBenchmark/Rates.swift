import Foundation

/// Rates of several operations, measured in turns, so that whatever else the machine does slows all of them alike.
enum Rates {
    private static let rounds = 40
    private static let secondsPerTurn = 0.05

    /// Successful calls per second of CPU time, by name; every call must succeed.
    static func measure(_ operations: [String: () -> Bool]) throws -> [String: Double] {
        var calls: [String: Int] = [:]
        var seconds: [String: Double] = [:]
        // The first turn warms caches up and is not counted.
        for round in 0...rounds {
            for (name, operation) in operations {
                var count = 0
                let start = cpuSeconds()
                var elapsed = 0.0
                while elapsed < secondsPerTurn {
                    for _ in 0..<10 { guard operation() else { throw Failure() } }
                    count += 10
                    elapsed = cpuSeconds() - start
                }
                if round > 0 {
                    calls[name, default: 0] += count
                    seconds[name, default: 0] += elapsed
                }
            }
        }
        return calls.reduce(into: [:]) { rates, one in rates[one.key] = Double(one.value) / (seconds[one.key] ?? 1) }
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
