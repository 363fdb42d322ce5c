import AttestationToken
import Encoding
import ServiceKit
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// One installation of all parties on this machine: made, started, watched.
///
/// Everything is idempotent: what is there and still right is kept, so a second start takes seconds.
final class Installation: Sendable {
    let state: StateFolder
    let ports: Ports
    let parties: [Party: PartyKeys]
    let resources: Resources
    let runner: ServiceRunner
    private let client: Client
    private let reporter: StepReporter
    /// Held while the folder is changed; a watching `up` lets others work on it.
    private let lock: Mutex<FolderLock?>
    /// Secrets that the hospital's policy names at most; the oldest leave first.
    private static let maximumEnrolments = 16

    /// Sets the folder up: ports, transport certificates, party keys, administrators' tokens.
    init(_ state: StateFolder, _ resources: Resources, _ reporter: StepReporter) throws {
        // Longest name that the kernel takes for a Unix socket is 107 bytes.
        guard state.simulatedSocket.utf8.count <= 107 else {
            throw CommandFailure.usage(
                "the path of the state folder is too long for a Unix socket", advice: "choose a shorter one")
        }
        try state.prepare()
        lock = Mutex(try state.lock())
        self.state = state
        self.resources = resources
        self.reporter = reporter
        ports = try Ports(state, names: Service.listeners)
        try Installation.makeCertificates(state)
        var parties: [Party: PartyKeys] = [:]
        for party in Party.allCases { parties[party] = try PartyKeys(party, in: state) }
        self.parties = parties
        for file in [
            state.administratorToken, state.party(.hospital, "keys/release-token"),
            state.party(.provider, "keys/administrator-token"), state.party(.provider, "keys/release-token"),
        ] where !Files.exists(file) {
            try Files.write("\(Base64.encodeURL(Randomness.system.bytes(32)))\n".utf8, to: file)
        }
        try IsolatedSigner.make(key: state.isolatedSignerKey, certificate: state.isolatedSignerCertificate)
        client = try Client(authorities: state.certificateAuthority)
        runner = ServiceRunner(state: state, ports: ports, resources: resources, client: client)
    }

    func close() async { await client.shutdown() }

    private var documents: Documents {
        Documents(state: state, ports: ports, parties: parties, now: WallClock.system.now())
    }

    /// New certificates for all when one is missing or ends soon; the authority's key is forgotten at once.
    private static func makeCertificates(_ state: StateFolder) throws {
        func certificate(_ service: Service) -> String {
            state.party(service.party ?? .hospital, "keys/\(service.fileName).tls.pem")
        }
        let files = [state.certificateAuthority] + Service.servers.map(certificate)
        if files.allSatisfy({ file in (try? Files.text(file)).map { TransportAuthority.isCurrent($0) } ?? false }) {
            return
        }
        let authority = try TransportAuthority()
        for service in Service.servers {
            let (chain, key) = try authority.server(service.fileName)
            let file = certificate(service)
            try Files.write(key.utf8, to: file.replacing(".tls.pem", with: ".tls-key.pem"))
            try Files.write(chain.utf8, to: file)
        }
        try Files.write(try authority.pem.utf8, to: state.certificateAuthority)
    }

    // MARK: Start

    /// Starts everything that does not run yet and waits until all of it is ready.
    ///
    /// - Parameters:
    ///   - newEnrolment: makes a fresh one-time secret for the hospital's next account.
    ///   - secret: one more such secret, which the caller keeps to itself.
    func start(newEnrolment: Bool = false, adding secret: String? = nil) async throws {
        try ServiceConfigurations(state: state, ports: ports, parties: parties, resources: resources).write()
        try await reporter.step("simulated TEE", proven: "development root in simulated-root.json") {
            _ = try await runner.ensure(.simulatedTEE)
            try await runner.waitUntilListening(.simulatedTEE)
        }
        let manifests = try await reporter.step("release manifests", proven: "measurements signed by their vendors") {
            try documents.updateManifests(resources)
        }
        try await reporter.step("attestation service", proven: "issuer key pinned from its own folder") {
            _ = try await runner.ensure(.attestation)
            try await runner.waitUntilReady(.attestation)
        }
        try await startKeyServices(
            manifests, enrolment: try enrolmentDigests(new: newEnrolment, adding: secret))
        let keys = try KeyProvisioning(
            state: state, client: client, ports: ports, documents: documents, manifests: manifests)
        try await reporter.step("keys", proven: "release policies made from the manifests; model encrypted at rest") {
            try await keys.provide(model: resources.model)
        }
        try await startUnits()
        try await keys.removeFormerMeasurements()
        try await reporter.step("portal", proven: "static files, pins in config.json") {
            try PortalFolder(state: state, ports: ports, documents: documents, source: resources.portal).write()
            _ = try await runner.ensure(.portal)
            try await runner.waitUntilReady(.portal)
        }
        try Files.update(Endpoints.json(ports).canonical, to: state.endpoints)
        state.makePrivate()
        lock.withLock { $0 = nil }
    }

    /// A party's policy names its key service's pin, which exists only after that service's first start. So the first
    /// policy names the issuer alone, and the one that follows it, with the next sequence, names the key service too.
    private func startKeyServices(_ manifests: [Party: ReleaseManifest], enrolment: [Digest]) async throws {
        try await reporter.step("key services", proven: "each party's own, its policy names the issuer") {
            try documents.writeCards(manifests: manifests)
            if documents.policy(.hospital)?.keyServices.isEmpty ?? true {
                try documents.issuePolicies(enrolment: enrolment)
            }
            for service in [Service.keys, .providerKeys] { _ = try await runner.ensure(service) }
            for service in [Service.keys, .providerKeys] { try await runner.waitUntilReady(service) }
        }
        try await reporter.step("party policies", proven: "signed by each party, made from the others' cards") {
            try documents.writeCards(manifests: manifests)
            try documents.issuePolicies(enrolment: enrolment)
            try documents.distribute()
        }
    }

    private func startUnits() async throws {
        try await reporter.step("units", proven: "attested; keys released to their measurements") {
            _ = try await runner.ensure(.diagnostics)
            _ = try await runner.ensure(.platform)
            try await runner.waitUntilReady(.diagnostics)
            try await runner.waitUntilReady(.platform)
        }
    }

    /// The digests for the hospital's policy: those that it already has, and the new ones. A secret that was used stays
    /// in the list: the platform remembers that it opens nothing a second time.
    private func enrolmentDigests(new: Bool, adding secret: String?) throws(CommandFailure) -> [Digest] {
        let file = state.enrolmentSecret
        var digests = documents.policy(.hospital)?.enrolment ?? []
        if new || (digests.isEmpty && !Files.exists(file)) {
            try Files.write("\(Base64.encodeURL(Randomness.system.bytes(32)))\n".utf8, to: file)
        }
        var secrets = secret.map { [$0] } ?? []
        if Files.exists(file) { secrets.append(try Files.line(file)) }
        for digest in secrets.map({ Digest(of: $0) }) where !digests.contains(digest) { digests.append(digest) }
        return digests.suffix(Installation.maximumEnrolments)
    }

    // MARK: Watching

    /// Keeps the services running until the command is asked to end, then stops them.
    func supervise(_ terminal: Terminal) async throws {
        // `down` in another terminal ends the watcher first, which then stops what it watches.
        _ = try ProcessRecord.write(getpid(), ServiceRunner.watcher, inputs: "-", in: state)
        defer { ProcessRecord.forget(ServiceRunner.watcher, in: state) }
        var restarts: [Service: [ContinuousClock.Instant]] = [:]
        while !Interruption.hasArrived {
            try await Task.sleep(for: .milliseconds(200))
            for service in Service.allCases where ProcessRecord.running(service.rawValue, in: state) == nil {
                // While another command holds the folder, it is that command that stops and starts services.
                guard !Interruption.hasArrived, let turn = try? state.lock() else { break }
                defer { withExtendedLifetime(turn) {} }
                guard ProcessRecord.running(service.rawValue, in: state) == nil else { continue }
                let recent = (restarts[service] ?? []).filter { ContinuousClock.now - $0 < .seconds(60) }
                guard recent.count < 5 else {
                    throw CommandFailure(
                        "the \(service.title) ended five times within a minute",
                        advice: "its log is \(service.log(in: state))")
                }
                restarts[service] = recent + [.now]
                terminal.say("  \(terminal.styled("!", .warning)) the \(service.title) ended; starting it again")
                _ = try await runner.ensure(service)
            }
        }
    }
}
