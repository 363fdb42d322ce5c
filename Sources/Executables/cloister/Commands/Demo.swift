import ArgumentParser
import Channel
import Encoding
import Evidence
import FoundationEssentials

/// `cloister demo`.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start everything, send one brain slice through three attested parties, and show what was proven.",
        discussion: """
            Without --state a fresh state folder is made in the temporary folder; results stay there. Services that were
            not running before are stopped at the end, unless --keep is given.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var programs: ResourceOptions
    @OptionGroup var format: OutputOptions

    @Option(help: ArgumentHelp("The DICOM image to send; a synthetic sample without it.", valueName: "FILE"))
    var image: String?

    @Flag(help: "Show how a unit whose program was changed by one byte is refused.")
    var tamper = false

    @Flag(help: "Leave the services running.")
    var keep = false

    @Option(help: ArgumentHelp("Send the image this many times, to measure.", visibility: .hidden))
    var runs = 1

    func run() async throws {
        let terminal = format.terminal
        let reporter = StepReporter(terminal)
        let state = try folder()
        Interruption.watch()
        terminal.say(terminal.styled("Cloister demonstration", .strong) + " in \(state.path)")
        terminal.say(terminal.styled("SIMULATED evidence: no protection, for development and tests only.\n", .warning))
        let resources = try programs.resources()
        let wasRunning = ProcessRecord.running(Service.platform.rawValue, in: state) != nil
        let installation = try Installation(state, resources, reporter)
        do {
            // The demonstration opens its own account; the hospital's secret stays for whoever uses the portal.
            let secret = Base64.encodeURL(Randomness.system.bytes(32))
            try await installation.start(adding: tamper ? nil : secret)
            try await play(installation, secret, reporter, terminal)
        } catch {
            await finish(installation, wasRunning: wasRunning)
            // With --json the failed step is part of the summary, which was printed where the run had begun.
            throw error
        }
        await finish(installation, wasRunning: wasRunning)
        terminal.say(
            keep || wasRunning
                ? "\nStill running. Stop with: cloister down --state \(state.path)"
                : "\nStopped. The results are in \(state["demo"]); the folder \(state.path) may be deleted.")
    }

    private func folder() throws -> StateFolder {
        if place.state != nil { return try place.folder() }
        let base = FileManager.default.temporaryDirectory.path
        return StateFolder(path: Files.absolute(base) + "/cloister-demo-\(Hex.encode(Randomness.system.bytes(4)))")
    }

    private func finish(_ installation: Installation, wasRunning: Bool) async {
        // A service waits for its connections, so ours are closed before it is asked to end.
        await installation.close()
        if !keep, !wasRunning { _ = await ServiceRunner.stopAll(installation.state) }
    }

    private func play(
        _ installation: Installation, _ secret: String, _ reporter: StepReporter, _ terminal: Terminal
    ) async throws {
        let state = installation.state
        if tamper {
            do {
                try await TamperDemonstration(installation: installation, reporter: reporter, terminal: terminal).run()
            } catch {
                try report(nil, ok: false, installation, reporter, terminal)
                throw error
            }
            try report(nil, ok: true, installation, reporter, terminal)
            terminal.say("\n\(terminal.check) The changed unit was refused everywhere, as it must be.")
            return
        }
        let demonstration = Demonstration(
            installation: installation, reporter: reporter, terminal: terminal,
            image: image.map(Files.absolute) ?? installation.resources.sampleImage, enrolmentSecret: secret,
            runs: runs)
        let outcome: Demonstration.Outcome
        do { outcome = try await demonstration.run() } catch {
            try report(nil, ok: false, installation, reporter, terminal)
            throw error
        }
        try report(outcome, ok: true, installation, reporter, terminal)
        show(outcome, state, terminal)
    }

    /// Writes `demo/summary.json`, and prints the same with the patient's name for `--json`.
    private func report(
        _ outcome: Demonstration.Outcome?, ok: Bool, _ installation: Installation, _ reporter: StepReporter,
        _ terminal: Terminal
    ) throws {
        var members: [String: JSON] = [
            "format": "cloister-demo/1", "ok": .bool(ok), "steps": .array(reporter.steps.map(\.json)),
        ]
        if let outcome {
            members["volumes"] = outcome.volumes
            members["overlay"] = .string(outcome.overlay)
            members["passport"] = .string(outcome.passport)
        }
        // Nothing in the state folder names the patient.
        try Files.write(JSON.object(members).canonical, to: installation.state["demo/summary.json"])
        if let outcome { members["family"] = .string(outcome.family) }
        terminal.document(.object(members))
    }

    private func show(_ outcome: Demonstration.Outcome, _ state: StateFolder, _ terminal: Terminal) {
        terminal.say("\n" + terminal.styled("Result", .strong))
        var table = Table()
        for (name, title) in [("csf", "cerebrospinal fluid"), ("grey", "grey matter"), ("white", "white matter")] {
            let millilitres = outcome.volumes[name]?.double ?? 0
            table.row(title, Demo.decimals(millilitres) + " ml")
        }
        table.row("overlay", outcome.overlay)
        table.row("passport", outcome.passport)
        table.row("summary", state["demo/summary.json"])
        terminal.say(table.text)
        terminal.say("\n" + terminal.styled("Who took part", .strong))
        var hops = Table()
        for hop in outcome.hops {
            hops.row(
                hop.role, hop.kind.rawValue, "\(hop.tee.rawValue), \(hop.grade.rawValue)",
                "release \(hop.sequence) (\(hop.version))", "suite \(hop.suite.rawValue)")
        }
        terminal.say(hops.text)
        terminal.say("  Check it again, offline: cloister passport verify \(outcome.passport) --state \(state.path)")
    }

    /// With one decimal; for people.
    private static func decimals(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
