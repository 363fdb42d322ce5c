import Dispatch
import Foundation
import Synchronization

/// Rates of several operations, measured in turns, so that whatever else the machine does slows all of them alike.
enum Rates {
    private static let rounds = 40
    private static let secondsPerTurn = 0.05

    /// Successful calls per second of CPU time, by name; every call must succeed.
    static func measure(_ operations: [String: @Sendable () -> Bool]) throws -> [String: Double] {
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

    /// How many times as much two threads do as one in the same time on the clock, for each pair of operations; in turns,
    /// since that needs two idle cores, and a shared machine has them at one moment and not at the next.
    static func gainsOfSecondThread(_ operations: [[@Sendable () -> Bool]]) throws -> [Double] {
        var calls = operations.map { _ in [0, 0] }
        for _ in 0..<20 {
            for (index, pair) in operations.enumerated() {
                for threads in [1, 2] { calls[index][threads - 1] += try self.calls(Array(pair.prefix(threads))) }
            }
        }
        return calls.map { Double($0[1]) / Double($0[0]) }
    }

    /// Calls per second of the clock, by every thread that the machine has, each with an operation of its own.
    static func allThreads(_ make: () throws -> @Sendable () -> Bool) throws -> Double {
        let operations = try (0..<ProcessInfo.processInfo.activeProcessorCount).map { _ in try make() }
        _ = try calls(operations)
        let seconds = 3.0
        return Double(try calls(operations, seconds: seconds)) / seconds
    }

    /// Calls together, of each operation on a thread of its own.
    private static func calls(_ operations: [@Sendable () -> Bool], seconds: TimeInterval = 0.2) throws -> Int {
        let end = Date.now.addingTimeInterval(seconds)
        let counts = Mutex<[Int?]>([])
        DispatchQueue.concurrentPerform(iterations: operations.count) { thread in
            let operation = operations[thread]
            var count: Int? = 0
            while Date.now < end {
                for _ in 0..<10 where !operation() { count = nil }
                count? += 10
            }
            counts.withLock { $0.append(count) }
        }
        return try counts.withLock {
            try $0.reduce(0) { sum, count in
                guard let count else { throw Failure() }
                return sum + count
            }
        }
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
