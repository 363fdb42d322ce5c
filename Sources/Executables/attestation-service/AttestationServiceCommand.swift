import ArgumentParser
import AttestationService
import ServiceKit
import Telemetry

@main
struct AttestationServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attestation-service",
        abstract: "Judges evidence of trusted execution environments and issues tokens about it.")

    @OptionGroup var options: ServiceOptions

    @Flag(help: "Allow insecureSimulatedRoot: vouch for simulated evidence, which protects nothing.")
    var insecure = false

    @Option(help: "Keep what policies decide about in FILE, for `cloister appraisal what-if`; nothing personal.")
    var recording: String?

    func run() async throws {
        let log = Log(service: "attestation-service")
        let kept = recording.flatMap { Recording(path: $0) }
        if recording != nil, kept == nil {
            log.error("the recording cannot be written")
            throw ExitCode(2)
        }
        try await options.start(
            log,
            { configuration throws(ConfigurationError) in
                try AttestationServiceConfiguration(&configuration, isInsecureAllowed: insecure)
            },
            run: { configuration in try await AttestationServer(configuration, recording: kept, log: log).run() })
    }
}
