import ArgumentParser
import Encoding

/// `cloister up`.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start all services of hospital, platform vendor and diagnostic provider on this machine.",
        discussion: """
            The first start makes keys, certificates, policies and encrypted data in the state folder; a later one uses
            them. Evidence is simulated: it exercises every check and protects nothing.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var programs: ResourceOptions
    @OptionGroup var format: OutputOptions

    @Flag(help: "Leave the services running and return.")
    var detach = false

    @Flag(help: "Make a new one-time secret for the hospital's next account.")
    var newEnrolment = false

    @Option(
        help: ArgumentHelp(
            "An attestation authority of your own, by whose tokens the hospital's key service releases keys, too; may "
                + "be repeated. It is remembered.", valueName: "URL"))
    var trustAuthority: [String] = []

    @Option(
        help: ArgumentHelp(
            "The certificate authority of that authority's server, PEM; one for each, in their order.",
            valueName: "FILE"))
    var trustAuthorityCa: [String] = []

    @Option(
        help: ArgumentHelp(
            "A certificate of somebody who may hold a share of the security domain of the hospital's key service; may be "
                + "repeated. It is remembered.", valueName: "FILE"))
    var domainHolder: [String] = []

    func run() async throws {
        let terminal = format.terminal
        let state = try place.folder()
        let holders = try domainHolder.map(DomainHolder.init(file:))
        let authorities = try TrustedAuthorities.pairs(trustAuthority, trustAuthorityCa)
        Interruption.watch()
        terminal.say(terminal.styled("Cloister", .strong) + " in \(state.path)")
        // Another `up` that watches these services goes on doing so.
        let isWatched = ProcessRecord.running(ServiceRunner.watcher, in: state) != nil
        let installation = try Installation(state, programs.resources(), StepReporter(terminal))
        do {
            try TrustedAuthorities(state).add(authorities)
            try DomainHolders(state).add(holders)
            try await installation.start(newEnrolment: newEnrolment)
            terminal.document(Endpoints.json(installation.ports))
            Up.show(installation, terminal, detach: detach || isWatched)
            if !detach, !isWatched { try await installation.supervise(terminal) }
        } catch {
            // A service waits for its connections, so ours are closed before it is asked to end.
            await installation.close()
            // A service that did not start leaves nothing half running behind.
            _ = await ServiceRunner.stopAll(state)
            throw error
        }
        await installation.close()
        if !detach, !isWatched {
            terminal.say("\nStopping …")
            _ = await ServiceRunner.stopAll(state)
        }
    }

    private static func show(_ installation: Installation, _ terminal: Terminal, detach: Bool) {
        let state = installation.state
        terminal.say(
            "\n" + terminal.styled("SIMULATED evidence: no protection, for development and tests only.", .warning))
        var table = Table()
        for service in Service.servers.reversed() {
            table.row(service.rawValue, installation.ports.url(service.rawValue), terminal.styled(service.title, .dim))
        }
        table.row(
            Service.isolatedAttestation, installation.ports.url(Service.isolatedAttestation),
            terminal.styled("its isolated instance", .dim))
        terminal.say(table.text)
        terminal.say("  certificate authority   \(state.certificateAuthority)")
        terminal.say("  administrator's token   \(state.administratorToken)")
        terminal.say("  isolated policy signer  \(state.isolatedSignerCertificate)")
        if let secret = try? Files.line(state.enrolmentSecret) {
            terminal.say("  one-time enrolment      \(secret)  (opens the hospital's first account in the portal)")
        }
        terminal.say(
            detach ? "\nStop with: cloister down --state \(state.path)" : "\nCtrl-C stops everything; the state stays.")
    }
}

/// `cloister down`.
struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the services of a state folder; the folder stays.")

    @OptionGroup var place: StateOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let terminal = format.terminal
        let state = try place.folder()
        try state.requireInstalled()
        let stopped = await ServiceRunner.stopInstallation(state)
        terminal.document(["stopped": .integer(Int64(stopped)), "state": .string(state.path)])
        terminal.say(
            stopped == 0 ? "Nothing was running in \(state.path)." : "\(terminal.check) stopped \(stopped) services")
    }
}
