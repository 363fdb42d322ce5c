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

    func run() async throws {
        let log = Log(service: "attestation-service")
        try await options.start(
            log,
            { configuration throws(ConfigurationError) in
                try AttestationServiceConfiguration(&configuration, isInsecureAllowed: insecure)
            },
            run: { configuration in try await AttestationServer(configuration, log: log).run() })
    }
}
