public import ArgumentParser
public import Evidence
import EvidenceForge
import SimulatedTEE

#if canImport(Glibc)
    import Glibc
#endif

/// `simulated-tee`: stands where the processor stands, on a machine that has none to attest with.
@main
struct SimulatedTEECommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulated-tee",
        abstract:
            "Signs simulated evidence of SGX, TDX, SEV-SNP, Azure VMs and Nitro about the processes that ask for it.",
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

    @Option(
        help: ArgumentHelp(
            "Port on 127.0.0.1 for the vendors' web services (Intel PCS, Azure THIM, AMD KDS), over plain HTTP.",
            valueName: "PORT"))
    var vendorPort: Int?

    @Option(help: "Generation of the AMD chip: Milan, Genoa or Turin.")
    var snpProduct = SNPProduct.milan

    @Option(help: "Version of SEV-SNP reports: 2, 3 or 5.")
    var snpReport = ReportVersion.three

    @Option(help: "Key that signs SEV-SNP reports: vcek or vlek.")
    var snpKey = EndorsementKey.vcek

    @Option(help: "Form of TDX quotes: 4, 5, or 5-td15.")
    var tdxQuote = QuoteForm.four

    enum ReportVersion: String, ExpressibleByArgument, CaseIterable {
        case two = "2"
        case three = "3"
        case five = "5"

        var number: UInt32 {
            switch self {
            case .two: 2
            case .three: 3
            case .five: 5
            }
        }
    }

    enum EndorsementKey: String, ExpressibleByArgument, CaseIterable {
        case vcek
        case vlek

        var key: SNPReport.SigningKey { self == .vcek ? .vcek : .vlek }
    }

    enum QuoteForm: String, ExpressibleByArgument, CaseIterable {
        case four = "4"
        case five = "5"
        case fiveTD15 = "5-td15"

        var form: QuoteRecipe.Form {
            switch self {
            case .four: .tdx4
            case .five: .tdx5
            case .fiveTD15: .tdx5TD15
            }
        }
    }

    func validate() throws {
        if let vendorPort, !(0...65_535).contains(vendorPort) { throw ValidationError("no port has that number") }
    }

    mutating func run() async throws {
        let paths = Simulator.Paths(
            root: root, keys: keys, socket: socket, collateral: collateral, vendorPort: vendorPort)
        let model = MachineModel(
            product: snpProduct, reportVersion: snpReport.number, endorsementKey: snpKey.key, tdQuote: tdxQuote.form)
        try await Simulator.run(paths, model: model) {
            print("simulated-tee: INSECURE, simulated evidence that protects nothing; ready")
            // Standard output may be a pipe or a file, which would keep the line back.
            fflush(nil)
        }
    }
}

extension SNPProduct: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument) }
}
