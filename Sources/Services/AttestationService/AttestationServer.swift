import Audit
import Collateral
package import Encoding
import Evidence
import ServiceKit
import ServiceLifecycle
import Storage
package import Telemetry

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The attestation service, put together: state folder, and for each instance its keys, policies and HTTPS server.
package struct AttestationServer: Sendable {
    /// In the order of the configuration.
    package let instances: [AttestationInstance]
    private let servers: [Server]
    private let store: any StateStore
    private let strangers: StrangerRecords
    private let accessClient: Client?

    /// - Parameters:
    ///   - clock: the wall clock.
    ///   - elapsed: seconds on a clock that only runs forward, which is held against it; nil for the system's.
    ///   - recording: where appraisals are kept for trying out other policies.
    /// - Throws: what is missing or refused, for the person who starts it.
    package init(
        _ configuration: AttestationServiceConfiguration, clock: WallClock = .system,
        elapsed: (@Sendable () -> Int64)? = nil, recording: Recording? = nil, log: Log
    ) async throws {
        try Self.makeFolder(configuration.state)
        var anchors = TrustAnchors.vendors
        if let path = configuration.insecureSimulatedRoot {
            let root = try SimulatedRoot(json: try AtomicFile.read(path, maximumBytes: 262_144))
            anchors = anchors.trusting(root)
            log.warning("INSECURE: a simulated root is trusted; tokens of grade simulated are issued")
        }
        let collateral = try Self.collateral(configuration, anchors, clock)
        let launches = try Self.launches(configuration)
        let store: any StateStore =
            if let database = configuration.database {
                try PostgreSQLStateStore(database.connection)
            } else {
                try SQLiteStateStore(path: configuration.state + "/attestation.sqlite")
            }
        self.store = store
        let audit = try AuditLog(path: configuration.state + "/audit.jsonl", clock: clock)
        let strangers = StrangerRecords(audit, clock: clock)
        self.strangers = strangers
        accessClient = try configuration.access.client()
        let access = try configuration.access.control(accessClient)
        var instances: [AttestationInstance] = []
        var servers: [Server] = []
        for settings in configuration.instances {
            let folder = configuration.folder(of: settings)
            try Self.makeFolder(folder)
            let keys = try await Self.keys(settings, configuration, store, folder: folder, at: clock.now())
            let serviceClock = try ServiceClock(
                wall: clock, notBefore: keys.newest, elapsed: elapsed ?? ServiceClock.systemElapsed())
            let policies = try InstancePolicies(
                instance: settings.name, trustModel: settings.trustModel, store: store, audit: audit)
            try await policies.registerFirst(try Self.policySigners(settings))
            let distrust = DistrustBook(instance: settings.name, store: store, audit: audit)
            let metrics = Metrics()
            let instance = AttestationInstance(
                name: settings.name,
                authority: AttestationAuthority(
                    issuer: settings.issuer,
                    AttestationAuthority.Dependencies(
                        anchors: anchors, collateral: collateral, keys: keys, policies: policies, distrust: distrust,
                        audit: audit, strangers: strangers, clock: serviceClock, metrics: metrics, launches: launches,
                        tokenAlgorithm: configuration.tokenAlgorithm, recording: recording)),
                policies: policies, distrust: distrust,
                revocations: RevocationPublisher(
                    issuer: settings.issuer, book: distrust, keys: keys, clock: serviceClock),
                results: ResultTokens(issuer: settings.issuer, keys: keys, clock: serviceClock),
                access: access, strangers: strangers, attestNeedsToken: configuration.access.attestNeedsToken)
            instances.append(instance)
            servers.append(
                Self.server(
                    instance, settings, configuration, log, metrics,
                    [
                        KeyRotation(keys: keys, clock: serviceClock, log: log),
                        StrangerCount(strangers: strangers, log: log),
                    ]))
            log.info(
                "issuer ready",
                [.issuer: .configured(settings.issuer), .key: .identifier(keys.pin.description)])
        }
        self.instances = instances
        self.servers = servers
        try audit.append(
            AuditEntry(event: "service.start", outcome: .allowed, id: Hex.encode(Randomness.system.bytes(16))))
    }

    /// Serves until SIGTERM or SIGINT.
    package func run() async throws {
        do { try await Server.run(servers) } catch {
            await close()
            throw error
        }
        await close()
    }

    /// Serves until the surrounding task is cancelled; `onPort` is called for each instance with its bound port.
    package func run(onPort: @escaping @Sendable (_ instance: Int, _ port: Int) -> Void) async throws {
        try await Server.run(servers, onPort: onPort)
        try await strangers.flush()
    }

    private func close() async {
        // What cannot be written now is lost with its request ids; it was refused all the same.
        try? await strangers.flush()
        try? store.close()
        await accessClient?.shutdown()
    }

    private static func server(
        _ instance: AttestationInstance, _ settings: InstanceConfiguration,
        _ configuration: AttestationServiceConfiguration, _ log: Log, _ metrics: Metrics,
        _ background: [any Service]
    ) -> Server {
        let folder = configuration.collateral
        let isFetched = configuration.collateralServices != nil
        let handler = AttestationHandler(
            instance, allowedOrigins: configuration.allowedOrigins,
            requestsPerSecond: configuration.requestsPerSecond,
            isCollateralThere: { isFetched || Self.isFolder(folder + "/sgx") || Self.isFolder(folder + "/snp") })
        var listen = configuration.listen
        listen.port = settings.port
        listen.readyFile = settings.readyFile
        return Server(handler, listen: listen, log: log, metrics: metrics, background: background)
    }

    /// Signing keys in a file, or in the state that several nodes share.
    private static func keys(
        _ settings: InstanceConfiguration, _ configuration: AttestationServiceConfiguration, _ store: any StateStore,
        folder: String, at time: Timestamp
    ) async throws(Refusal) -> SigningKeyStore {
        guard let database = configuration.database else {
            return try SigningKeyStore(folder: folder, issuer: settings.issuer, at: time)
        }
        let ring = try SharedKeyRing(
            store: store, instance: settings.name, issuer: settings.issuer,
            wrapping: try SharedKeyRing.wrappingKey(file: database.keyEncryptionKey))
        return try await SigningKeyStore(shared: ring, folder: folder, at: time)
    }

    /// The certificates of the configured file, each a signer of its own.
    private static func policySigners(_ settings: InstanceConfiguration) throws -> [PolicySigner] {
        guard let path = settings.policySigners else { return [] }
        let bytes = try AtomicFile.read(path, maximumBytes: 1_048_576)
        return try Certificate.chain(pem: String(decoding: bytes, as: UTF8.self), refusing: .insecureConfiguration)
            .map { try PolicySigner(x5c: [.string(Base64.encodeStandard($0.der))]) }
    }

    /// A folder that somebody keeps up to date, or the vendors' services with a folder of what was fetched.
    private static func collateral(
        _ configuration: AttestationServiceConfiguration, _ anchors: TrustAnchors, _ clock: WallClock
    ) throws -> any CollateralSource {
        guard let services = configuration.collateralServices else {
            return CollateralFolder(path: configuration.collateral)
        }
        return CollateralClient(
            services: services, transport: try VendorTransport(authorities: configuration.collateralAuthorities),
            cache: try CollateralCache(folder: configuration.collateral), anchors: anchors, clock: clock)
    }

    private static func launches(_ configuration: AttestationServiceConfiguration) throws -> LaunchAcceptance {
        guard let path = configuration.launchAcceptance else { return .none }
        return try LaunchAcceptance(json: try AtomicFile.read(path, maximumBytes: LaunchAcceptance.maximumBytes))
    }

    private static func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }
}

/// Rotates signing keys while the service runs.
private struct KeyRotation: Service {
    let keys: SigningKeyStore
    let clock: ServiceClock
    let log: Log

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(3_600))
                do throws(Refusal) {
                    if try await keys.renew(at: try clock.now()) { log.info("signing keys were rotated") }
                } catch {
                    log.error("signing keys cannot be rotated", [.code: .identifier(error.name)])
                }
            }
        }
    }
}

/// Writes down, a minute at a time, what was only counted of strangers.
private struct StrangerCount: Service {
    let strangers: StrangerRecords
    let log: Log

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(60))
                do throws(Refusal) { try await strangers.flush() } catch {
                    log.error("refusals that were counted cannot be written down", [.code: .identifier(error.name)])
                }
            }
        }
    }
}
