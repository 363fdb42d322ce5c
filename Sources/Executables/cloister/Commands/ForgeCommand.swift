import ArgumentParser
import Encoding
import Evidence
import EvidenceForge

/// `cloister forge`.
struct ForgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forge",
        abstract: "Make right and wrong evidence to test verifiers with, without any hardware.",
        discussion: """
            Everything is made from a seed under simulated roots: the same seed gives the same bytes. The keys are public: \
            what is forged proves nothing to anybody who was not told to trust these roots.
            """,
        subcommands: [List.self, Make.self])

    /// Names every case.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the cases: what is wrong, how a verifier must refuse it, and which abuse case it is.")

        @Option(help: "Only cases of one kind: sgx, tdx, snp, hcl, tpm or nitro.")
        var tee: String?

        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let cases = try ForgeCommand.cases(tee)
            terminal.document(
                .array(
                    cases.map {
                        [
                            "id": .string($0.name), "tee": .string($0.tee.rawValue), "expect": .string($0.expectation),
                            "code": $0.code.map { .string($0.name) } ?? .null,
                            "abuseCase": $0.abuseCase.map(JSON.string) ?? .null,
                        ]
                    }))
            var table = Table()
            for forgedCase in cases {
                table.row(
                    forgedCase.name, forgedCase.code?.name ?? terminal.styled("accepted", .good),
                    forgedCase.abuseCase ?? "", terminal.styled(forgedCase.about, .dim))
            }
            terminal.say(table.text)
            let wrong = cases.count { $0.code != nil }
            terminal.say("\n  \(wrong) wrong, \(cases.count - wrong) right")
        }
    }

    /// Writes cases with the file that says what to expect of them.
    struct Make: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write cases: evidence, collateral, the root to trust, and expected.json.",
            discussion: "`cloister verify --cases DIR/expected.json` runs them.")

        @Option(
            name: .customLong("case"), help: ArgumentHelp("The case to make; may be repeated.", valueName: "NAME"))
        var names: [String] = []

        @Flag(help: "Make every case.")
        var all = false

        @Option(help: ArgumentHelp("The folder to write to; made when it is not there.", valueName: "DIR"))
        var out: String

        @Option(help: ArgumentHelp("What all keys and identifiers are derived from.", valueName: "TEXT"))
        var seed = "cloister"

        @OptionGroup var format: OutputOptions

        func run() throws {
            let cases = try chosen()
            let terminal = format.terminal
            let forge = try Forge(seed: seed)
            let folder = Files.absolute(out)
            for tee in Set(cases.map(\.tee.rawValue)) { try Files.makeFolder("\(folder)/\(tee)") }
            var entries: [JSON] = []
            for forgedCase in cases {
                terminal.redraw("  \(entries.count + 1) of \(cases.count)  \(forgedCase.name)")
                let files = try CaseFiles(forgedCase, in: forge)
                try Files.write(files.evidence, to: "\(folder)/\(files.evidencePath)", mode: 0o644)
                if let collateral = files.collateral {
                    try Files.write(collateral.bytes, to: "\(folder)/\(collateral.path)", mode: 0o644)
                }
                entries.append(files.entry)
            }
            terminal.redraw("")
            try Files.write(
                forge.root.json.canonical, to: "\(folder)/\(CaseFiles.rootFile)", mode: 0o644)
            let caseFile = "\(folder)/\(CaseFiles.caseFile)"
            try Files.write(CaseFiles.document(entries, seed: seed).canonical, to: caseFile, mode: 0o644)
            terminal.document([
                "caseFile": .string(caseFile), "cases": .integer(Int64(cases.count)), "seed": .string(seed),
                "trust": .string("\(folder)/\(CaseFiles.rootFile)"),
            ])
            terminal.say("\(terminal.check) \(cases.count) cases from the seed “\(seed)”: \(caseFile)")
        }

        private func chosen() throws(CommandFailure) -> [ForgedCase] {
            guard all != !names.isEmpty else {
                throw .usage("name cases with --case NAME, or all of them with --all")
            }
            guard !all else { return Catalogue.cases }
            var cases: [ForgedCase] = []
            for name in names {
                guard let found = Catalogue.named(name) else {
                    throw .usage("there is no case \(name)", advice: "`cloister forge list` names them")
                }
                cases.append(found)
            }
            return cases
        }
    }

    private static func cases(_ tee: String?) throws(CommandFailure) -> [ForgedCase] {
        guard let tee else { return Catalogue.cases }
        let cases = Catalogue.cases.filter { $0.tee.rawValue == tee }
        guard !cases.isEmpty else { throw .usage("there are no cases of \(tee)") }
        return cases
    }
}
