import Audit
import Foundation
import ServiceKit
import Synchronization
import Testing

@Suite struct KillTests {
    /// 300 kills under load, and after two in three of them, and the last of a round, another while it starts again: 510.
    private static let kills = (lanes: 3, rounds: 5, each: 20)

    @Test
    func
        `killed at 500 random moments of load and start, it goes on, has what it acknowledged, and serves nothing torn`()
        async throws
    {
        let acknowledged = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<Self.kills.lanes {
                group.addTask {
                    var sum = 0
                    for _ in 0..<Self.kills.rounds { sum += try await Self.round() }
                    return sum
                }
            }
            return try await group.reduce(0, +)
        }
        // On average two changes between two kills.
        #expect(acknowledged > Self.kills.lanes * Self.kills.rounds * Self.kills.each)
    }

    /// One state folder, from its making on.
    private static func round() async throws -> Int {
        let place = try KeyServicePlace()
        let runs = ["a", "b", "c"].map { ScriptRun(KeyScript(name: $0)) } + [ScriptRun(RotationScript())]
        var service = try await place.start()
        for number in 0..<kills.each {
            try await load(service, runs)
            // While it recovers from that.
            if number % 3 != 2 || number == kills.each - 1 {
                try await place.startAndKill(after: .milliseconds(Int.random(in: 0..<300)))
            }
            service = try await place.start()
            for run in runs { try await run.check(service.send) }
        }
        await service.kill()
        _ = try AuditLog.verify(path: place.auditLog)
        await place.client.shutdown()
        var acknowledged = 0
        for run in runs { acknowledged += await run.acknowledged }
        return acknowledged
    }

    /// Changes until the service is killed, some time after some of them.
    private static func load(_ service: KeyServiceProcess, _ runs: [ScriptRun]) async throws {
        let acknowledged = Counter()
        let load = Task {
            await withTaskGroup(of: Void.self) { group in
                for run in runs {
                    group.addTask {
                        // The kill breaks a connection; then nothing is known of that change.
                        while let answer = try? await run.step(service.send) {
                            #expect(answer.status == 200, "\(answer.json)")
                            acknowledged.increment()
                        }
                    }
                }
            }
        }
        let wanted = Int.random(in: 0...4)
        while acknowledged.value < wanted { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .microseconds(Int.random(in: 0..<30_000)))
        await service.kill()
        await load.value
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
}
