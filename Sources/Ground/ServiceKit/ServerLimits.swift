/// What the clients of a server may take up (AC-158).
package struct ServerLimits: Hashable, Sendable {
    /// Open connections; further ones wait in the kernel's queue.
    package var connections = 512
    /// Open connections of one client (`ClientNetwork`), so that none takes them all; further ones are closed at once.
    /// A proxy is one client.
    package var connectionsPerClient = 256
    /// In which a request must be complete, from the end of its header on. Idle time and the header have 60 seconds.
    package var requestTime = Duration.seconds(120)

    package init() {}

    /// Reads `listen.connections`, `listen.connectionsPerClient` and `listen.requestSeconds`.
    init(_ configuration: inout Configuration) throws(ConfigurationError) {
        connections = try Self.positive("listen.connections", connections, &configuration)
        connectionsPerClient = try Self.positive("listen.connectionsPerClient", connectionsPerClient, &configuration)
        requestTime = .seconds(try Self.positive("listen.requestSeconds", 120, &configuration))
    }

    private static func positive(
        _ name: String, _ standard: Int, _ configuration: inout Configuration
    ) throws(ConfigurationError) -> Int {
        let value = try configuration.integer(name, default: standard)
        guard (1...1_000_000).contains(value) else {
            throw ConfigurationError("\(name) must be from 1 to 1000000")
        }
        return value
    }
}
