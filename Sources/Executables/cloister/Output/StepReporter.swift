import Encoding
import Synchronization

/// Prints each step with what it proved and how long it took, and remembers all of them for `--json`.
final class StepReporter: Sendable {
    /// One step that was taken.
    struct Step: Sendable {
        var name: String
        var outcome: String
        var milliseconds: Int64
        var proven: String

        var json: JSON {
            [
                "name": .string(name), "outcome": .string(outcome), "milliseconds": .integer(milliseconds),
                "proven": .string(proven),
            ]
        }
    }

    private let terminal: Terminal
    private let taken = Mutex<[Step]>([])

    init(_ terminal: Terminal) {
        self.terminal = terminal
    }

    var steps: [Step] { taken.withLock { $0 } }

    /// Runs `body` as one step.
    ///
    /// - Parameter proven: what is known afterwards.
    func step<Result>(_ name: String, proven: String, _ body: () async throws -> Result) async throws -> Result {
        try await step(name) { (try await body(), proven) }
    }

    /// Runs `body`, which says itself what was proven.
    func step<Result>(_ name: String, _ body: () async throws -> (Result, proven: String)) async throws -> Result {
        let start = ContinuousClock.now
        terminal.redraw("  … \(name)")
        do {
            let (result, proven) = try await body()
            report(
                Step(name: name, outcome: "done", milliseconds: StepReporter.milliseconds(since: start), proven: proven)
            )
            return result
        } catch {
            report(
                Step(
                    name: name, outcome: "failed", milliseconds: StepReporter.milliseconds(since: start),
                    proven: StepReporter.describe(error)))
            throw error
        }
    }

    private func report(_ step: Step) {
        taken.withLock { $0.append(step) }
        terminal.redraw("")
        let sign = step.outcome == "done" ? terminal.check : terminal.cross
        let time = terminal.styled("\(step.milliseconds) ms", .dim)
        terminal.say("  \(sign) \(terminal.styled(step.name, .strong)): \(step.proven)  \(time)")
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case let failure as CommandFailure: failure.problem
        case let refusal as Refusal: refusal.description
        default: "\(error)"
        }
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Int64 {
        let elapsed = ContinuousClock.now - start
        return elapsed.components.seconds * 1_000 + elapsed.components.attoseconds / 1_000_000_000_000_000
    }
}
