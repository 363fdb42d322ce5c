import Audit
import Collateral
package import Encoding
import Evidence
import ServiceKit
import ServiceLifecycle
package import Telemetry

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The attestation service, put together: state folder, keys, audit log, authority, HTTPS server.
package struct AttestationServer: Sendable {
    package let authority: AttestationAuthority
    package let handler: AttestationHandler
    /// SHA-256 of the issuer key's SPKI.
    package let pin: Digest
    private let server: Server

    /// - Parameters:
    ///   - clock: the wall clock.
    ///   - elapsed: seconds on a clock that only runs forward, which is held against it; nil for the system's.
    /// - Throws: what is missing or refused, for the person who starts it.
    package init(
        _ configuration: AttestationServiceConfiguration, clock: WallClock = .system,
        elapsed: (@Sendable () -> Int64)? = nil, log: Log
    ) throws {
        try Self.makeFolder(configuration.state)
        var anchors = TrustAnchors.vendors
        if let path = configuration.insecureSimulatedRoot {
            let root = try SimulatedRoot(json: try AtomicFile.read(path, maximumBytes: 262_144))
            anchors = anchors.trusting(root)
            log.warning("INSECURE: a simulated root is trusted; tokens of grade simulated are issued")
        }
        let keys = try SigningKeyStore(folder: configuration.state, issuer: configuration.issuer, at: clock.now())
        let serviceClock = try ServiceClock(
            wall: clock, notBefore: keys.newest, elapsed: elapsed ?? ServiceClock.systemElapsed())
        let metrics = Metrics()
        authority = try AttestationAuthority(
            issuer: configuration.issuer,
            AttestationAuthority.Dependencies(
                anchors: anchors, collateral: try Self.collateral(configuration, anchors, clock), keys: keys,
                audit: try AuditLog(path: configuration.state + "/audit.jsonl", clock: clock), clock: serviceClock,
                metrics: metrics, launches: try Self.launches(configuration),
                tokenAlgorithm: configuration.tokenAlgorithm))
        let folder = configuration.collateral
        let isFetched = configuration.collateralServices != nil
        handler = AttestationHandler(
            authority, allowedOrigins: configuration.allowedOrigins,
            isCollateralThere: { isFetched || Self.isFolder(folder + "/sgx") || Self.isFolder(folder + "/snp") })
        pin = keys.pin
        server = Server(
            handler, listen: configuration.listen, log: log, metrics: metrics,
            background: [KeyRotation(keys: keys, clock: serviceClock, log: log)])
        log.info(
            "issuer ready",
            [.issuer: .configured(configuration.issuer), .key: .identifier(keys.pin.description)])
    }

    /// Serves until SIGTERM or SIGINT.
    package func run() async throws { try await server.run() }

    /// Serves until the surrounding task is cancelled.
    package func run(onPort: @escaping @Sendable (Int) -> Void) async throws {
        try await server.run(onPort: onPort)
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
                    if try keys.rotate(at: try clock.now()) { log.info("signing keys were rotated") }
                } catch {
                    log.error("signing keys cannot be rotated", [.code: .identifier(error.name)])
                }
            }
        }
    }
}
