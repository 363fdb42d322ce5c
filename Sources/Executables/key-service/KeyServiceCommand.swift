import ArgumentParser
import KeyService
import ServiceKit
import Telemetry

@main
struct KeyServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key-service", abstract: "Keeps keys and releases them to attested units only.")

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let log = Log(service: "key-service")
        try await options.start(log, KeyServiceConfiguration.init) { configuration in
            try await KeyService(configuration, log: log).run()
        }
    }
}
