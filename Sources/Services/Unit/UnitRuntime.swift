import AttestationToken
package import Attester
package import Encoding
import Evidence
import KeyRelease
package import ServiceKit
package import Telemetry

/// The parts that every unit is put together from, in the order in which they depend on one another.
package struct UnitRuntime: Sendable {
    package let configuration: UnitConfiguration
    package let policies: PolicyStore
    package let clock: UnitClock
    package let client: Client
    package let directory: IssuerDirectory
    package let identity: UnitIdentity
    package let leases: KeyLeases
    /// This unit's own release manifest, as signed.
    package let manifest: String
    package let log: Log
    package let metrics: Metrics

    /// Reads policies and manifest, and finds the source of evidence.
    ///
    /// - Parameters:
    ///   - tenants: folder of tenants' policies, for a unit that has tenants.
    ///   - source: the evidence source of in-process tests; nil finds the machine's own.
    /// - Throws: what is missing or refused, for the person who starts the unit.
    package init(
        _ configuration: UnitConfiguration, tenants: String? = nil, source: (any EvidenceSource)? = nil,
        log: Log, metrics: Metrics, wallClock: WallClock = .system
    ) throws {
        self.configuration = configuration
        self.log = log
        self.metrics = metrics
        clock = UnitClock(wallClock)
        let policies = try PolicyStore(configuration, tenants: tenants, at: try clock.now())
        self.policies = policies
        manifest = try UnitFiles.document(configuration.manifest, "release manifest")
        client = try Client(authorities: configuration.authorities)
        directory = IssuerDirectory(client: client, clock: clock)
        let party = policies.own.policy.party
        let found =
            source
            ?? Environment.detect(simulatedSocket: configuration.simulator, party: party, tee: configuration.tee)
        guard let found else {
            throw Refusal(
                .insecureConfiguration,
                "this machine has no source of \(configuration.tee.rawValue) evidence; run 'cloister doctor'")
        }
        identity = UnitIdentity(
            role: configuration.role, party: party, source: found, client: client, clock: clock, directory: directory,
            epochSeconds: configuration.epochSeconds, log: log,
            authorities: { policies.authorities })
        leases = KeyLeases(
            identity: identity, client: KeyReleaseClient(client: client), credentials: configuration.credentials,
            log: log)
    }

    /// The unit's two doors in front of `handler`.
    package func gateway(_ handler: any InnerHandler, audience: ChannelGateway.Audience) -> ChannelGateway {
        ChannelGateway(
            identity: identity, manifest: manifest, audience: audience, allowedOrigins: configuration.allowedOrigins,
            authorities: policies.own.policy.authorities, handler: handler, log: log, metrics: metrics)
    }
}
