import Attester
import Encoding
import FoundationEssentials
import HTTPTypes
import ServiceKit

#if canImport(Glibc)
    import Glibc
#endif

/// Starts services, waits until they serve, and leaves those alone that already run with the same inputs.
struct ServiceRunner: Sendable {
    let state: StateFolder
    let ports: Ports
    let resources: Resources
    let client: Client

    /// How long a service may take until it listens, and a unit until it has tokens and keys.
    private static let listenDeadline = Duration.seconds(90)
    private static let readyDeadline = Duration.seconds(180)

    /// What became of a service.
    enum Outcome: Sendable { case started, alreadyRunning }

    /// Makes sure that a service runs with the current program and files; does not wait for it.
    func ensure(_ service: Service) async throws(CommandFailure) -> Outcome {
        let executable =
            service == .portal && !Files.exists(resources.executables + "/cloister")
            ? Resources.ownFolder + "/cloister" : try resources.executable(service.executable)
        let arguments = try arguments(of: service)
        let inputs = try inputs(executable, arguments, files(of: service))
        if let record = ProcessRecord.running(service.rawValue, in: state) {
            if record.inputs == inputs { return .alreadyRunning }
            await record.stop()
        }
        ProcessRecord.forget(service.rawValue, in: state)
        // A simulator that was killed leaves its socket behind.
        if service == .simulatedTEE { Files.remove(state.simulatedSocket) }
        let process = try ChildProcess.start(
            executable, arguments, log: service.log(in: state))
        _ = try ProcessRecord.write(process, service.rawValue, inputs: inputs, in: state)
        return .started
    }

    private func arguments(of service: Service) throws(CommandFailure) -> [String] {
        switch service {
        case .simulatedTEE:
            [
                "--root", state.simulatedRoot, "--keys", state["simulated/keys"], "--socket", state.simulatedSocket,
                "--collateral", state["simulated/collateral"],
            ]
        case .attestation: ["--config", service.configuration(in: state) ?? "", "--insecure"]
        case .keys, .providerKeys, .diagnostics, .platform: ["--config", service.configuration(in: state) ?? ""]
        case .portal:
            [
                "portal", "serve", state["portal"], "--port", String(ports[service.rawValue]), "--certificate",
                state.party(.hospital, "keys/portal.tls.pem"), "--key",
                state.party(.hospital, "keys/portal.tls-key.pem"),
                "--ready", service.ready(in: state),
            ]
        }
    }

    /// The files that a service reads at start, and whose change therefore needs a new start.
    private func files(of service: Service) -> [String] {
        let configuration = [service.configuration(in: state)].compactMap { $0 }
        switch service {
        case .simulatedTEE, .portal: return configuration
        case .attestation: return configuration + [state.simulatedRoot]
        // Of its owner's policy a key service uses the issuers alone, and those are in the card.
        case .keys, .providerKeys: return configuration
        case .diagnostics, .platform:
            guard let party = service.party else { return configuration }
            let folders = ["manifests", "credentials", "tenants"].map { state.party(party, "config/\($0)") }
            let documents = folders.flatMap { folder in Files.list(folder).map { folder + "/" + $0 } }
            return configuration + [state.party(party, "policy.jws")] + documents
        }
    }

    /// A digest over everything that a service is started with.
    private func inputs(
        _ executable: String, _ arguments: [String], _ files: [String]
    ) throws(CommandFailure) -> String {
        var parts = [executable, try FileIdentity(of: executable).description] + arguments
        for file in files where Files.exists(file) {
            parts.append(file)
            parts.append(Digest(of: try Files.read(file)).hex)
        }
        return Digest(of: parts.joined(separator: "\n")).description
    }

    // MARK: Waiting

    /// Waits until a server has written its port, or the simulator its root and socket.
    func waitUntilListening(_ service: Service) async throws(CommandFailure) {
        try await wait(for: service, ServiceRunner.listenDeadline, "does not listen") { () async -> Bool in
            guard service == .simulatedTEE else { return Files.exists(service.ready(in: state)) }
            let answers = (try? SeqPacketConnection(path: state.simulatedSocket, timeoutMilliseconds: 1_000)) != nil
            return answers && Files.exists(state.simulatedRoot)
        }
    }

    /// Waits until `/health/ready` says yes: keys, policies and tokens are there.
    func waitUntilReady(_ service: Service) async throws(CommandFailure) {
        try await waitUntilListening(service)
        try await wait(for: service, ServiceRunner.readyDeadline, "is not ready") { () async -> Bool in
            await isReady(service)
        }
    }

    /// Whether a service says that it may take traffic.
    func isReady(_ service: Service) async -> Bool {
        guard service != .simulatedTEE else { return Files.exists(state.simulatedSocket) }
        let names = service == .attestation ? [service.rawValue, Service.isolatedAttestation] : [service.rawValue]
        for name in names {
            let answer = try? await client.send(.get, ports.url(name) + "/health/ready", timeout: .seconds(5))
            guard answer?.status == 200 else { return false }
        }
        return true
    }

    private func wait(
        for service: Service, _ deadline: Duration, _ problem: String, until holds: () async -> Bool
    ) async throws(CommandFailure) {
        let end = ContinuousClock.now + deadline
        while !(await holds()) {
            guard !Interruption.hasArrived else { throw CommandFailure("interrupted") }
            guard ProcessRecord.running(service.rawValue, in: state) != nil else {
                throw failure(of: service, "ended while starting")
            }
            guard ContinuousClock.now < end else { throw failure(of: service, problem + " in time") }
            try? await Task.sleep(for: .milliseconds(25))
        }
    }

    private func failure(of service: Service, _ problem: String) -> CommandFailure {
        let lines = LogTail.lines(of: service.log(in: state)).map { "\n    " + $0 }.joined()
        return CommandFailure(
            "the \(service.title) \(problem). Its log ends with:\(lines)",
            advice: "the whole log is \(service.log(in: state))")
    }

    // MARK: Ending

    /// The record of an `up` that watches its services.
    static let watcher = "up"

    /// Ends a watching `up`, which stops its services; then stops what is left.
    static func stopInstallation(_ state: StateFolder) async -> Int {
        let running = Service.allCases.filter { ProcessRecord.running($0.rawValue, in: state) != nil }.count
        // It has to stop all of its services one after the other.
        await ProcessRecord.running(watcher, in: state)?.stop(patience: .seconds(60))
        _ = await stopAll(state)
        return running
    }

    /// Stops every service, dependants first. Returns how many ran.
    static func stopAll(_ state: StateFolder) async -> Int {
        var stopped = 0
        for service in Service.allCases.reversed() {
            if let record = ProcessRecord.running(service.rawValue, in: state) {
                await record.stop()
                stopped += 1
            }
            ProcessRecord.forget(service.rawValue, in: state)
        }
        return stopped
    }
}
