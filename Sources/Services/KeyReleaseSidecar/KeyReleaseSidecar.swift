package import Attester
package import Encoding
import Evidence
package import KeyRelease
package import ServiceKit
package import Telemetry

/// A key release sidecar as a process: finds its evidence and certificates, and serves the containers beside it.
package struct KeyReleaseSidecar: Sendable {
    /// What a process brings; tests bring their own.
    package struct Surroundings: Sendable {
        package var environment: [String: String]
        /// Names in the root folder, where the security context may be.
        package var rootEntries: [String]
        package var files: AttestationFiles
        /// SHA-256 of the SPKI of the roots in which vaults' signing certificates end.
        package var releaseRoots: Set<Digest>
        /// Where evidence comes from; nil finds the machine's own.
        package var source: (any EvidenceSource)?
        /// Path of the simulated TEE's socket; nil for real evidence.
        package var simulator: String?
        /// Path of a PEM file with the authorities of services' TLS certificates; nil for the system's.
        package var authorities: String?
        /// HTTP to other services; nil makes a client with these authorities.
        package var web: (any WebClient)?

        package init(
            environment: [String: String] = [:], rootEntries: [String] = [], files: AttestationFiles = .system,
            releaseRoots: Set<Digest> = [], source: (any EvidenceSource)? = nil, simulator: String? = nil,
            authorities: String? = nil, web: (any WebClient)? = nil
        ) {
            self.environment = environment
            self.rootEntries = rootEntries
            self.files = files
            self.releaseRoots = releaseRoots
            self.source = source
            self.simulator = simulator
            self.authorities = authorities
            self.web = web
        }
    }

    package let attester: GroupAttester
    package let releaser: KeyReleaser
    private let client: Client
    private let log: Log

    /// - Parameter allowMismatchedTCB: for tests alone: makes the first certificates useless.
    /// - Throws: `insecure-configuration` where there is no source of evidence; what is wrong with the context.
    package init(
        _ configuration: SidecarConfiguration, _ surroundings: Surroundings, allowMismatchedTCB: Bool = false,
        log: Log, clock: WallClock = .system
    ) throws {
        self.log = log
        let context = SecurityContext(
            environment: surroundings.environment, rootEntries: surroundings.rootEntries, files: surroundings.files)
        client = try Client(authorities: surroundings.authorities, allowsTLS12: true)
        let web: any WebClient = surroundings.web ?? client
        var certificates = try context.certificates()
        if allowMismatchedTCB { certificates?.tcb = 0xffff_ffff }
        let store = CertificateStore(
            certificates, endpoint: configuration.certificates, fetcher: RetryingFetcher(web: web))
        attester = GroupAttester(
            source: try surroundings.evidenceSource(policy: try context.policyDigest()), context: context,
            store: store, attestation: AttestationClient(client: web),
            userAgent: configuration.userAgent ?? GroupAttester.defaultUserAgent)
        releaser = KeyReleaser(
            attester: attester, client: KeyReleaseClient(client: web),
            credential: VaultCredential(
                web: web, environment: surroundings.environment, clientID: configuration.identity,
                files: surroundings.files),
            roots: surroundings.releaseRoots, log: log, clock: clock)
        if surroundings.simulator != nil {
            log.warning("INSECURE: evidence comes from a simulated TEE, which protects nothing")
        }
        if surroundings.releaseRoots.isEmpty {
            log.warning("no root of release answers is named: every key release will be refused")
        }
    }

    /// The HTTP interface on 127.0.0.1.
    package func server(port: Int, readyFile: String? = nil) -> Server {
        Server(
            SidecarHandler(attester: attester, releaser: releaser),
            listen: .loopback(port: port, readyFile: readyFile), log: log, metrics: Metrics())
    }

    /// The gRPC interface on 127.0.0.1; `onPort` is told the bound port.
    package func grpc(port: Int, onPort: @escaping @Sendable (Int) -> Void) -> GRPCFace {
        GRPCFace(attester: attester, releaser: releaser, images: ImageKeyProvider(), port: port, onPort: onPort)
    }

    /// The face of Confidential Containers on 127.0.0.1.
    ///
    /// - Parameter resources: as `ResourceShelf` reads it.
    /// - Throws: `insecure-configuration`.
    package func guestServer(resources: JSON, port: Int, readyFile: String? = nil) throws(Refusal) -> Server {
        Server(
            KBSHandler(attester: attester, shelf: try ResourceShelf(resources, releaser: releaser)),
            listen: .loopback(port: port, readyFile: readyFile), log: log, metrics: Metrics())
    }

    /// Which interface a process has: one of the documented two, or ours.
    package enum Face: String, Sendable {
        case http
        case grpc
        /// Our own third: KBS protocol and guest routes.
        case kbs
    }

    /// Makes sure that this group can be proven, then serves until SIGTERM or SIGINT.
    ///
    /// - Throws: as `GroupAttester.prepare`: a sidecar that can prove nothing ends at once.
    package func run(_ face: Face, resources: JSON = .null, port: Int, readyFile: String? = nil) async throws {
        do {
            try await attester.prepare()
            switch face {
            case .http: try await server(port: port, readyFile: readyFile).run()
            case .kbs: try await guestServer(resources: resources, port: port, readyFile: readyFile).run()
            case .grpc:
                let log = log
                try await grpc(port: port) { port in
                    if let readyFile { try? AtomicFile.write(Array("\(port)\n".utf8), to: readyFile, mode: 0o644) }
                    log.info("listening", [.port: .number(port)])
                }.runUntilSignalled()
            }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }
}

extension KeyReleaseSidecar.Surroundings {
    /// An explicit simulator first; without one only the machine itself is asked, nothing falls back to a simulation.
    ///
    /// - Parameter policy: digest of the execution policy, which the simulator is told as host data.
    fileprivate func evidenceSource(policy: Digest) throws(Refusal) -> any EvidenceSource {
        if let source { return source }
        if let simulator { return SimulatedSource(socket: simulator, party: policy, tee: .snp) }
        if let found = Environment.detect(files: files, simulatedSocket: nil, party: policy, tee: .snp) { return found }
        throw Refusal(
            .insecureConfiguration,
            "this machine has no SEV-SNP device and no configfs-tsm; a simulated TEE must be named with -simulator")
    }
}
