import ArgumentParser
import Encoding
import Evidence
import HTTPTypes
import ServiceKit

/// `cloister distrust`.
struct DistrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distrust",
        abstract: "Take back the trust in a chip, a CPU family, a certificate, a TCB level or a measurement, at once.",
        subcommands: [Add.self, Remove.self, List.self, Show.self])

    /// Where the attestation service is, and who asks.
    struct ServiceOptions: ParsableArguments {
        @OptionGroup var state: StateOptions

        @Option(help: "The instance of the attestation service, as endpoints.json names it.")
        var instance = "attestation"

        func service() throws -> DistrustClient { try DistrustClient(try state.folder(), instance: instance) }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Distrust a mark: evidence with it is refused from now on, tokens issued to it are revoked.",
            discussion: """
                A mark is chip:HEX, family:FMSPC or family:milan (genoa, turin), certificate:SHA256, tcb:STATUS,
                tcb:ADVISORY, tcb:DATE or tcb:HEX (AMD), or measurement:HEX. `cloister distrust show` prints those of a
                piece of evidence.
                """)

        @Argument(help: ArgumentHelp("What to distrust.", valueName: "MARK"))
        var mark: String

        @Flag(help: "Measure how long it takes until the platform unit of this installation is refused.")
        var measure = false

        @OptionGroup var service: ServiceOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let mark = try EvidenceMark(parsing: mark)
            try mark.requirePossible()
            let client = try service.service()
            let drill = measure ? try await DistrustDrill(client, mark: mark) : nil
            let start = ContinuousClock.now
            let answer = try await client.add(mark)
            var times = [DistrustDrill.Step(name: "the command is answered", after: ContinuousClock.now - start)]
            if let drill { times += try await drill.watch(from: start) }
            await client.shutdown()
            let terminal = format.terminal
            terminal.document([
                "mark": .string(mark.description), "revoked": answer["revoked"] ?? .null,
                "measured": .array(times.map(\.json)),
            ])
            terminal.say("\(terminal.check) \(mark) is distrusted; \(answer["revoked"]?.integer ?? 0) tokens revoked")
            guard measure else { return }
            var table = Table()
            for step in times { table.row(step.name, step.text) }
            terminal.say(table.text)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Trust a mark again. Tokens that were revoked stay so; their holders attest anew.")

        @Argument(help: ArgumentHelp("What to trust again.", valueName: "MARK"))
        var mark: String

        @OptionGroup var service: ServiceOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let mark = try EvidenceMark(parsing: mark)
            let client = try service.service()
            let answer = try await client.remove(mark)
            await client.shutdown()
            let terminal = format.terminal
            terminal.document(answer)
            terminal.say("\(terminal.check) \(mark) is no longer distrusted")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is distrusted, and since when.")

        @OptionGroup var service: ServiceOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let client = try service.service()
            let answer = try await client.list()
            await client.shutdown()
            let terminal = format.terminal
            terminal.document(answer)
            var table = Table()
            for entry in answer["distrusted"]?.array ?? [] {
                let since = entry["since"]?.integer.map { Timestamp(seconds: $0).description } ?? ""
                table.row(entry["mark"]?.string ?? "", since)
            }
            terminal.say(table.text)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The marks by which a piece of evidence can be distrusted.")

        @Argument(help: ArgumentHelp("An evidence document.", valueName: "FILE"))
        var file: String

        @Option(
            help: ArgumentHelp(
                "A simulated root file, a root certificate, or a state folder to trust as well; may be repeated.",
                valueName: "FILE"))
        var trust: [String] = []

        @OptionGroup var format: OutputOptions

        func run() throws {
            let input = try EvidenceInput(try Files.readArgument(file, maximumBytes: EvidenceInput.maximumBytes))
            let verdict = EvidenceVerifier(anchors: try TrustArgument.anchors(trust)).verify(
                input.evidence, tee: input.tee, collateral: input.collateral, at: WallClock.system.now())
            guard verdict.signatureChain == .valid else {
                throw Refusal(verdict.code ?? .evidenceMalformed, verdict.detail)
            }
            let terminal = format.terminal
            terminal.document(["marks": .array(verdict.marks.sorted().map { .string($0.description) })])
            for mark in verdict.marks.sorted() { terminal.say(mark.description) }
        }
    }
}
