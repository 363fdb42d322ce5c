package import Attester
import Encoding
import Inference
import ServiceKit
package import Telemetry
import Unit

/// The diagnostics unit: a model that its owner's key service unlocks for this code, and answers for platforms whose
/// token the owner's policy accepts. It keeps no state.
package struct DiagnosticsService: Sendable {
    private let server: Server

    /// Puts the service together.
    ///
    /// - Parameter source: the evidence source of in-process tests; nil finds the machine's own.
    /// - Throws: what is missing or refused, for the person who starts it.
    package init(_ configuration: DiagnosticsConfiguration, source: (any EvidenceSource)? = nil, log: Log) throws {
        // Before anything else: a wrong library is said at start, not at the first image.
        try ONNXRuntime.check(library: configuration.onnxRuntime)
        let metrics = Metrics()
        let runtime = try UnitRuntime(configuration.unit, source: source, log: log, metrics: metrics)
        let models = ModelKeeper(runtime: runtime, models: configuration.models, library: configuration.onnxRuntime)
        let handler = DiagnosticsHandler(runtime: runtime, models: models)
        server = Server(
            runtime.gateway(handler, audience: .units(role: "medical-platform", runtime.policies.own)),
            listen: configuration.listen, log: log, metrics: metrics, background: [runtime.identity, models])
    }

    /// Serves until SIGTERM or SIGINT.
    package func run() async throws {
        try await server.run()
    }
}
