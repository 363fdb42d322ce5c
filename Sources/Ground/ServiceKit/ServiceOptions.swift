package import ArgumentParser
import FoundationEssentials
package import Telemetry

/// The command line that every service has.
package struct ServiceOptions: ParsableArguments {
    @Option(help: "The YAML configuration file.")
    package var config: String

    @Flag(help: "Print the configuration that applies, and exit.")
    package var printConfig = false

    @Option(name: .customLong("set"), help: "Override one member: --set listen.port=8443. May be repeated.")
    package var settings: [String] = []

    package init() {}

    /// Reads the configuration and runs the service.
    ///
    /// - Throws: `ExitCode` 2 for a wrong configuration and 1 for a service that cannot start; the reason is logged.
    package func start<Value>(
        _ log: Log, _ read: (inout Configuration) throws(ConfigurationError) -> Value,
        run: (Value) async throws -> Void
    ) async throws {
        let value: Value
        do throws(ConfigurationError) {
            var flags: [String: String] = [:]
            for setting in settings {
                let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw ConfigurationError("--set takes NAME=VALUE, not \(setting)") }
                flags[String(parts[0])] = String(parts[1])
            }
            var configuration = try Configuration(
                file: config, environment: ProcessInfo.processInfo.environment, flags: flags)
            value = try read(&configuration)
            try configuration.finish()
            if printConfig {
                print(configuration.printed)
                return
            }
        } catch {
            log.error("the configuration is wrong", [.detail: .configured(error.description)])
            throw ExitCode(2)
        }
        do {
            try await run(value)
        } catch {
            log.error("the service cannot start or had to stop", [.detail: .configured("\(error)")])
            throw ExitCode(1)
        }
    }
}
