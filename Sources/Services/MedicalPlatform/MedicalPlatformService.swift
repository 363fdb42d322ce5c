package import Attester
import Audit
import Encoding
import Records
import ServiceKit
package import Telemetry
import Unit

/// The medical platform: an attested web API that stores records under the hospital's key and asks the diagnostics
/// unit about images.
package struct MedicalPlatformService: Sendable {
    private let strangers: StrangerRecords
    private let server: Server

    /// Puts the service together.
    ///
    /// - Parameter source: the evidence source of in-process tests; nil finds the machine's own.
    /// - Throws: what is missing or refused, for the person who starts it.
    package init(_ configuration: PlatformConfiguration, source: (any EvidenceSource)? = nil, log: Log) throws {
        let metrics = Metrics()
        let runtime = try UnitRuntime(
            configuration.unit, tenants: configuration.tenants, source: source, log: log, metrics: metrics)
        let store = try RecordStore(path: configuration.state + "/records.sqlite")
        let audit = try AuditLog(path: configuration.state + "/audit.jsonl")
        let tenants = Tenants(runtime: runtime, store: store, recordKey: configuration.recordKey)
        let peer = PeerUnit(
            url: configuration.diagnostics, role: "diagnostics", identity: runtime.identity, client: runtime.client)
        let worker = DiagnosisWorker(
            runtime: runtime, tenants: tenants, store: store, peer: peer, audit: audit,
            model: (configuration.model, configuration.modelVersion))
        strangers = StrangerRecords(audit, clock: .system)
        let handler = PlatformHandler(
            runtime: runtime, tenants: tenants, audit: audit, strangers: strangers, worker: worker)
        server = Server(
            runtime.gateway(handler, audience: .people), listen: configuration.listen, log: log, metrics: metrics,
            background: [runtime.identity, worker])
    }

    /// Serves until SIGTERM or SIGINT.
    package func run() async throws {
        do { try await server.run() } catch {
            try? await strangers.flush()
            throw error
        }
        try? await strangers.flush()
    }
}
