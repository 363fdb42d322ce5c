import ArgumentParser
import ServiceKit

/// Which key service, and who asks.
struct KeyServiceOptions: ParsableArguments {
    @OptionGroup var state: StateOptions

    @Option(help: "The key service, as endpoints.json names it.")
    var instance = Service.keys.rawValue

    @Option(help: ArgumentHelp("Instead: a key service that `cloister up` did not start.", valueName: "URL"))
    var url: String?

    @Option(help: ArgumentHelp("The authorities of its certificate, PEM; else the system's.", valueName: "FILE"))
    var ca: String?

    @Option(help: ArgumentHelp("The file with its administrator's token.", valueName: "FILE"))
    var token: String?

    private func service() throws -> KeyServiceClient {
        guard let url else { return try KeyServiceClient(try state.folder(), instance: instance) }
        guard url.hasPrefix("https://"), let token else {
            throw CommandFailure.usage("--url is an https URL, and needs --token FILE")
        }
        let secret = String(decoding: try Files.readArgument(token, maximumBytes: 65_536), as: UTF8.self)
        return KeyServiceClient(
            client: try Client(authorities: ca.map(Files.absolute)),
            url: url.hasSuffix("/") ? String(url.dropLast()) : url,
            token: String(secret.prefix { !$0.isNewline }))
    }

    /// Calls the service, and lets go of its connections.
    func call<Value: Sendable>(_ body: (KeyServiceClient) async throws -> Value) async throws -> Value {
        let service = try service()
        do {
            let value = try await body(service)
            await service.client.shutdown()
            return value
        } catch {
            await service.client.shutdown()
            throw error
        }
    }
}
