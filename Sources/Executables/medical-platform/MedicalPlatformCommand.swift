import ArgumentParser
import MedicalPlatform
import ServiceKit
import Telemetry

@main
struct MedicalPlatformCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "medical-platform", abstract: "An attested web API for patients, images and results.")

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let log = Log(service: "medical-platform")
        try await options.start(log, PlatformConfiguration.init) { configuration in
            try await MedicalPlatformService(configuration, log: log).run()
        }
    }
}
