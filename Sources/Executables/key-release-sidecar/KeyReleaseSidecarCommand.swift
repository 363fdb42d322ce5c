import ArgumentParser
import Attester
import Encoding
import FoundationEssentials
import KeyReleaseSidecar
import ServiceKit
import Telemetry

/// The documented command line of the key release sidecar, with single dashes or double ones; where an option is not
/// given, the variable counts that the documented start script reads (sidecars page section 1).
@main
struct KeyReleaseSidecarCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key-release-sidecar",
        abstract: "Proves the container group that it runs in, and fetches keys for it, on localhost.")

    @Option(name: .goStyle("base64"), help: "Configuration: base64 of JSON. Variable SkrSideCarArgs.")
    var base64: String?

    @Option(name: .goStyle("port"), help: "Port on 127.0.0.1. Variable Port. Default 8080.")
    var port: Int?

    @Option(name: .goStyle("loglevel"), help: "trace, debug, info, warning, error, fatal or panic. Variable LogLevel.")
    var logLevel: String?

    @Option(name: .goStyle("logfile"), help: "Append the log to this file. Variable LogFile.")
    var logFile: String?

    @Option(name: .goStyle("server_type"), help: "http, grpc or kbs. Variable ServerType. Default http.")
    var serverType: String?

    @Flag(name: .goStyle("allowTestingMismatchedTCB"), help: "For tests: begin with certificates of another TCB.")
    var allowTestingMismatchedTCB = false

    @Option(name: .goStyle("infile"), help: "Wrap the content of this file, without serving; with keypath and outfile.")
    var inFile: String?

    @Option(name: .goStyle("keypath"), help: "Path of the wrapping key, without -info.json.")
    var keyPath: String?

    @Option(name: .goStyle("outfile"), help: "Gets base64 of the annotation with the wrapped content.")
    var outFile: String?

    @Option(name: .goStyle("simulator"), help: "INSECURE: socket of a simulated TEE to take evidence from.")
    var simulator: String?

    @Option(name: .goStyle("release_roots"), help: "PEM file of the roots that sign release answers.")
    var releaseRoots = ReleaseRoots.system

    @Option(
        name: .goStyle("authorities"), help: "PEM file of the TLS authorities of the services; default the system's.")
    var authorities: String?

    @Option(name: .goStyle("ready"), help: "Gets the bound port as one line, once the sidecar listens.")
    var ready: String?

    func run() async throws {
        ProcessHygiene.apply()
        let environment = ProcessInfo.processInfo.environment
        let log = try log(environment)
        do {
            if inFile != nil || keyPath != nil || outFile != nil { return try wrap() }
            let port = port ?? environment["Port"].flatMap { Int($0) } ?? 8_080
            guard (0...65_535).contains(port) else {
                throw Refusal(.insecureConfiguration, "port is not a number below 65536")
            }
            let configuration = try SidecarConfiguration(base64: base64 ?? environment["SkrSideCarArgs"] ?? "")
            let surroundings = KeyReleaseSidecar.Surroundings(
                environment: environment,
                rootEntries: (try? FileManager.default.contentsOfDirectory(atPath: "/")) ?? [],
                releaseRoots: try ReleaseRoots.pins(file: releaseRoots), simulator: simulator,
                authorities: authorities)
            let sidecar = try KeyReleaseSidecar(
                configuration, surroundings, allowMismatchedTCB: allowTestingMismatchedTCB, log: log)
            guard let face = KeyReleaseSidecar.Face(rawValue: serverType ?? environment["ServerType"] ?? "http") else {
                throw Refusal(.insecureConfiguration, "server_type is none of http, grpc and kbs")
            }
            try await sidecar.run(face, resources: configuration.resources, port: port, readyFile: ready)
        } catch {
            log.error("the sidecar cannot start or had to stop", [.detail: .configured("\(error)")])
            throw ExitCode(1)
        }
    }

    private func wrap() throws {
        guard let inFile, let keyPath, let outFile else {
            throw Refusal(.insecureConfiguration, "infile, keypath and outfile belong together")
        }
        let content = try AtomicFile.read(inFile, maximumBytes: 1 << 20)
        let text = try ImageKeyProvider().annotationText(for: content, keyPath: keyPath)
        try AtomicFile.write(Array(text.utf8), to: outFile, mode: 0o644)
    }

    private func log(_ environment: [String: String]) throws -> Log {
        guard let level = LogThreshold(name: logLevel ?? environment["LogLevel"] ?? "warning") else {
            throw ValidationError("loglevel is none of trace, debug, info, warning, error, fatal, panic")
        }
        return level.log(file: logFile ?? environment["LogFile"])
    }
}

extension NameSpecification {
    /// `-name` and `--name`, as programs in Go take them.
    fileprivate static func goStyle(_ name: String) -> NameSpecification {
        [.customLong(name), .customLong(name, withSingleDash: true)]
    }
}
