import Encoding
import Evidence
import Foundation
import SimulatedTEE
import TestSupport

/// A simulator that serves a socket inside the test process.
struct RunningSimulator {
    let socket: String
    let factory: EvidenceFactory
    let folder: URL

    /// Starts a server, runs `body`, and stops the server.
    static func run(_ body: (RunningSimulator) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let factory = try Scene.factory()
        let socket = folder.url.appending(path: "simulated-tee").path
        let server = try SimulatorServer(socket: socket, factory: factory, clock: .fixed(Scene.time))
        let simulator = RunningSimulator(socket: socket, factory: factory, folder: folder.url)
        let serving = Task { await server.run() }
        let outcome: Result<Void, any Error>
        do {
            try await body(simulator)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        serving.cancel()
        await serving.value
        try outcome.get()
    }

    /// The verdict on an answer of the simulator.
    func verdict(_ answer: JSON, _ tee: TEE) throws -> Verdict {
        guard let text = answer["evidence"]?.string, let evidence = Base64.decode(text),
            let collateral = answer["collateral"]
        else { throw Refusal(.evidenceMalformed, "no evidence in the answer: \(answer.text.prefix(200))") }
        return try Scene.trusting(factory.root).verify(
            evidence, tee: tee, collateral: try EvidenceCollateral(json: collateral, tee: tee), at: Scene.time)
    }
}
