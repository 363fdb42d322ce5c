package import Encoding
import Evidence
package import Logging
import ServiceLifecycle
import UnixSignals

/// The whole of `simulated-tee`: root, collateral and socket.
package enum Simulator {
    /// Where the simulator keeps and publishes things.
    package struct Paths: Sendable {
        /// Public root file, written at the first start (formats section 11).
        package var root: String
        /// Folder of the private development root.
        package var keys: String
        package var socket: String
        /// Folder of published collateral.
        package var collateral: String
        /// Where the vendors' web services are answered over plain HTTP, on this machine only; nil for nowhere.
        package var vendorPort: Int?

        package init(root: String, keys: String, socket: String, collateral: String, vendorPort: Int? = nil) {
            self.root = root
            self.keys = keys
            self.socket = socket
            self.collateral = collateral
            self.vendorPort = vendorPort
        }
    }

    /// A logger that says nothing, for servers that nobody gave one.
    package static var silence: Logger { Logger(label: "simulated-tee") { _ in SwiftLogNoOpLogHandler() } }

    /// Prepares everything and answers callers until SIGTERM or SIGINT.
    ///
    /// Logs go to standard error.
    ///
    /// - Parameter ready: called once the socket accepts and signals are caught, so that whoever waits for it can also
    ///   end the process cleanly.
    package static func run(
        _ paths: Paths, model: MachineModel = MachineModel(), clock: WallClock = .system,
        ready: @escaping @Sendable () -> Void
    ) async throws {
        let logger = Logger(label: "simulated-tee") { StreamLogHandler.standardError(label: $0) }
        let root = try DevelopmentRoot.keptIn(paths.keys, at: clock.now())
        let factory = try EvidenceFactory(root: root, model: model)
        try publish(root, to: paths.root)
        let publisher = CollateralPublisher(
            folder: paths.collateral, factory: factory, clock: clock, logger: logger)
        try publisher.publish()
        if let folder = PrivateFiles.folder(of: paths.socket) { try PrivateFiles.makeFolder(folder) }
        let server = try SimulatorServer(socket: paths.socket, factory: factory, clock: clock, logger: logger)
        var services: [any Service] = [server, publisher]
        if let port = paths.vendorPort {
            services.append(VendorServer(endpoints: root.vendorEndpoints, clock: clock).service(port: port))
        }
        // Last: by the time its services run, the group has registered its signals.
        services.append(Announcement(announce: ready))
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }

    private static func publish(_ root: DevelopmentRoot, to path: String) throws(Refusal) {
        let content = try root.simulatedRoot().json.canonical
        // Left alone when it is the same: others watch or compare this file.
        guard try PrivateFiles.read(path) != content else { return }
        if let folder = PrivateFiles.folder(of: path) { try PrivateFiles.makeFolder(folder) }
        try PrivateFiles.write(content, to: path, mode: 0o644)
    }
}

/// Says once that the group of services runs.
private struct Announcement: Service {
    let announce: @Sendable () -> Void

    func run() async throws {
        announce()
        try await gracefulShutdown()
    }
}
