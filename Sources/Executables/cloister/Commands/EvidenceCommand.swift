import ArgumentParser
import AttestationToken
import Attester
import Encoding
import Evidence

extension Evidence.TEE {
    /// Those that this release makes evidence of.
    fileprivate static let offered: [Evidence.TEE] = [.sgx, .snp]
}

/// `cloister evidence`.
struct EvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Make evidence about this program on this machine, and print it.",
        discussion: """
            With --state the simulated TEE of that installation is asked; without it the machine itself. Without --format
            an evidence document is written, which `cloister verify` reads.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case document, raw, maa
    }

    @Option(help: "sgx or snp.")
    var tee = "snp"

    @Option(help: ArgumentHelp("Data whose SHA-256 the evidence shall carry.", valueName: "FILE"))
    var runtimeData: String?

    @Option(name: .customLong("format"), help: "document, raw (the evidence alone), or maa (an attest request).")
    var form = Format.document

    @Option(help: ArgumentHelp("The id of the party that runs this program, for a simulated TEE.", valueName: "ID"))
    var party: String?

    @Option(help: ArgumentHelp("The state folder of a running installation.", valueName: "DIR"))
    var state: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write; standard output without it.", valueName: "FILE"))
    var output: String?

    @OptionGroup var format: OutputOptions

    func run() async throws {
        guard let kind = Evidence.TEE(rawValue: tee), Evidence.TEE.offered.contains(kind) else {
            throw CommandFailure.usage("--tee is sgx or snp")
        }
        let runtime = try runtimeData.map { path throws(CommandFailure) in
            try Files.readArgument(path, maximumBytes: 1 << 20)
        }
        let reportData = runtime.map { Digest(of: $0).bytes + [UInt8](repeating: 0, count: 32) }
        let made = try await source(kind).evidence(reportData: reportData ?? [UInt8](repeating: 0, count: 64))
        let document = EvidenceDocument(
            tee: made.tee, evidence: made.evidence, runtimeData: runtime, collateral: made.collateral)
        let bytes: [UInt8] =
            switch form {
            case .raw: made.evidence
            case .document: document.json.canonical
            case .maa: try AttestRequest(document).file.canonical
            }
        if let output {
            try Files.write(bytes, to: Files.absolute(output), mode: 0o644)
        } else if form == .raw {
            Terminal.write(raw: bytes)
        } else {
            Terminal.out(String(decoding: bytes, as: UTF8.self))
        }
    }

    private func source(_ kind: Evidence.TEE) throws(CommandFailure) -> any EvidenceSource {
        var socket: String?
        var id = Digest(of: [])
        if let state {
            let folder = StateFolder(path: Files.absolute(state))
            try folder.requireInstalled()
            socket = folder.simulatedSocket
            let card = try? PartyCard(parsing: Files.read(folder.party(.hospital, "card.json"), maximumBytes: 1 << 20))
            if let card { id = card.party }
        }
        if let party {
            guard let digest = Digest(party) else { throw .usage("--party is not a party id") }
            id = digest
        }
        guard let source = Environment.detect(simulatedSocket: socket, party: id, tee: kind) else {
            throw CommandFailure(
                "this machine makes no \(kind.rawValue) evidence",
                advice: "`cloister doctor` says why; --state DIR asks the simulated TEE of an installation")
        }
        return source
    }
}
