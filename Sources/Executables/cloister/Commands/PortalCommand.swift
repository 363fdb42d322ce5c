import ArgumentParser
import ServiceKit
import Telemetry

/// `cloister portal`.
struct PortalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portal", abstract: "The hospital's portal.", subcommands: [Serve.self])

    /// A static host with the headers that the portal needs; any other will do that sends the same.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Serve a portal folder over TLS with strict headers.")

        @Argument(help: ArgumentHelp("The folder with index.html and config.json.", valueName: "DIR"))
        var folder: String

        @Option(help: "The address to listen on.")
        var host = "127.0.0.1"

        @Option(help: "The port; 0 takes any that is free.")
        var port = 0

        @Option(help: ArgumentHelp("Certificate chain, PEM.", valueName: "FILE"))
        var certificate: String

        @Option(help: ArgumentHelp("Private key, PEM.", valueName: "FILE"))
        var key: String

        @Option(help: ArgumentHelp("A file that gets the port once the server listens.", valueName: "FILE"))
        var ready: String?

        func run() async throws {
            let site = StaticSite(folder: Files.absolute(folder))
            _ = try site.policy()
            let listen = Listen(
                host: host, port: port, certificate: Files.absolute(certificate), key: Files.absolute(key),
                readyFile: ready.map(Files.absolute))
            try await Server(site, listen: listen, log: Log(service: "portal"), metrics: Metrics()).run()
        }
    }
}
