import Audit
import Foundation
import ServiceKit
import Testing

@Suite struct KillTests {
    private static let kills = (lanes: 4, rounds: 5, each: 25)

    @Test func `killed at 500 random moments under load, it starts, has what it acknowledged, and serves nothing torn`()
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
        // Several changes between two kills.
        #expect(acknowledged > 1_000)
    }

    /// One state folder, from its making on.
    private static func round() async throws -> Int {
        let place = try KeyServicePlace()
        let runs = ["a", "b", "c"].map { ScriptRun(KeyScript(name: $0)) } + [ScriptRun(RotationScript())]
        var service = try await place.start()
        for _ in 0..<kills.each {
            let load = Task { [service] in
                await withTaskGroup(of: Void.self) { group in
                    for run in runs {
                        group.addTask {
                            // The kill breaks a connection; then nothing is known of that change.
                            while let answer = try? await run.step(service.send) {
                                #expect(answer.status == 200, "\(answer.json)")
                            }
                        }
                    }
                }
            }
            try await Task.sleep(for: .microseconds(Int.random(in: 0..<80_000)))
            await service.kill()
            await load.value
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
}
