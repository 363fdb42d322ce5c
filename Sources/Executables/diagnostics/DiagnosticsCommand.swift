import ArgumentParser
import Diagnostics
import ServiceKit
import Telemetry

@main
struct DiagnosticsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diagnostics", abstract: "An attested unit that runs a diagnostic provider's model.")

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let log = Log(service: "diagnostics")
        try await options.start(log, DiagnosticsConfiguration.init) { configuration in
            try await DiagnosticsService(configuration, log: log).run()
        }
    }
}
