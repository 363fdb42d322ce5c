import Foundation

/// How the time of a parser grows with its worst inputs: four times the length may take about four times the time.
///
/// Not a test, since it measures time; what libFuzzer's limit for one input cannot see at the lengths that it tries.
enum Growth {
    private static let lengths = [1 << 13, 1 << 15, 1 << 17, 1 << 19]
    /// What is faster than this says nothing.
    private static let floor = 0.002
    /// Four times the length takes four times as long where time is linear, and sixteen where it is quadratic.
    private static let mostForFour = 8.0

    /// Prints a table of milliseconds by length.
    ///
    /// - Returns: whether every shape grows about as its length does.
    static func measure(_ parsers: Set<String>) throws -> Bool {
        let world = try HostileWorld(sampling: 1)
        var isLinear = true
        print(row("parser", "shape", lengths.map { "\($0 >> 10) KiB" }))
        for shape in WorstShape.all where parsers.isEmpty || parsers.contains(shape.parser) {
            guard let parser = HostileParsers.named(shape.parser) else { continue }
            var seconds: [Double] = []
            for length in lengths {
                let input = shape.make(length, world)
                if let fault = parser(input, world) { fatalError("\(shape.parser), \(shape.name): \(fault)") }
                seconds.append((0..<3).map { _ in time { _ = parser(input, world) } }.min() ?? 0)
            }
            let isGood = zip(seconds, seconds.dropFirst()).allSatisfy { $1 < floor || $1 < $0 * mostForFour }
            isLinear = isLinear && isGood
            let cells = seconds.map { String(format: "%.2f ms", $0 * 1_000) }
            print(row(shape.parser, shape.name, cells) + (isGood ? "" : "  GROWS TOO FAST"))
        }
        return isLinear
    }

    private static func row(_ parser: String, _ shape: String, _ cells: [String]) -> String {
        func pad(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        return pad(parser, 20) + pad(shape, 40) + cells.map { pad($0, 12) }.joined()
    }

    private static func time(_ operation: () -> Void) -> Double {
        let start = cpuSeconds()
        operation()
        return cpuSeconds() - start
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
