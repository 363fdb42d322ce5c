import ArgumentParser
import SimulatedTEE

#if canImport(Glibc)
    import Glibc
#endif

/// `simulated-tee`: stands where the processor stands, on a machine that has none to attest with.
@main
struct SimulatedTEECommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulated-tee",
        abstract: "Signs simulated SGX and SEV-SNP evidence about the processes that ask for it.",
        discussion: """
            INSECURE: it protects nothing. It measures the executable of each caller, not its loader or system \
            libraries, and whoever reads its keys folder can make any evidence.
            """)

    @Option(help: "Public root file to write; verifiers must name it to accept this evidence.")
    var root: String

    @Option(help: "Folder of the private development root, made at the first start.")
    var keys: String

    @Option(help: "Path of the Unix socket.")
    var socket: String

    @Option(help: "Folder to publish collateral in.")
    var collateral: String

    mutating func run() async throws {
        let paths = Simulator.Paths(root: root, keys: keys, socket: socket, collateral: collateral)
        try await Simulator.run(paths) {
            print("simulated-tee: INSECURE, simulated evidence that protects nothing; ready")
            // Standard output may be a pipe or a file, which would keep the line back.
            fflush(nil)
        }
    }
}
