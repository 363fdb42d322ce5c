import ArgumentParser
import AttestationToken
import Channel
import Encoding
import Evidence

/// `cloister passport`.
struct PassportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passport", abstract: "Receipts of diagnoses.", subcommands: [VerifyPassport.self])

    struct VerifyPassport: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Verify a passport offline, with keys that you have from somewhere else.",
            discussion: """
                At least one party id (--party) or issuer pin (--issuer) is needed: nothing inside a passport is trusted by
                itself. --state takes the hospital's party id and the simulated root of an installation.
                """)

        @Argument(help: ArgumentHelp("The passport.", valueName: "FILE"))
        var file: String

        @Option(help: ArgumentHelp("The id of a party whose policy decides; may be repeated.", valueName: "ID"))
        var party: [String] = []

        @Option(
            help: ArgumentHelp("The pin of an attestation service's issuer key; may be repeated.", valueName: "PIN"))
        var issuer: [String] = []

        @Option(
            help: ArgumentHelp(
                "A simulated root file, a root certificate, or a state folder to trust as well; may be repeated.",
                valueName: "FILE"))
        var trust: [String] = []

        @Option(help: ArgumentHelp("The state folder of an installation to take both from.", valueName: "DIR"))
        var state: String?

        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let trusted = try trusted()
            let bytes = try Files.readArgument(file, maximumBytes: Passport.maximumBytes)
            do throws(Refusal) {
                let verdict = try Passport(parsing: bytes).verify(trusting: trusted)
                var json = verdict.json.object ?? [:]
                json["valid"] = true
                json["code"] = .null
                terminal.document(.object(json))
                PassportCommand.show(verdict, terminal)
            } catch {
                terminal.document([
                    "valid": false, "code": .string(error.name), "detail": .string(error.detail),
                ])
                terminal.say(
                    "\(terminal.cross) \(terminal.styled("not valid", .bad)): \(error.name)\n  \(error.detail)")
                throw ExitCode(1)
            }
        }

        private func trusted() throws -> PassportTrust {
            var roots = trust
            var parties: Set<Digest> = []
            // An installation gives both: its simulated root, and its hospital's party id.
            let folders = ([state].compactMap { $0 } + trust.filter(Files.isFolder)).map {
                StateFolder(path: Files.absolute($0))
            }
            for folder in folders {
                try folder.requireInstalled()
                roots.append(folder.simulatedRoot)
                let card = try PartyCard(
                    parsing: Files.read(folder.party(.hospital, "card.json"), maximumBytes: 1 << 20))
                parties.insert(card.party)
            }
            for id in party {
                guard let digest = Digest(id) else { throw CommandFailure.usage("--party \(id) is not a party id") }
                parties.insert(digest)
            }
            var pins: Set<Digest> = []
            for pin in issuer {
                guard let digest = Digest(pin) else { throw CommandFailure.usage("--issuer \(pin) is not a pin") }
                pins.insert(digest)
            }
            guard !parties.isEmpty || !pins.isEmpty else {
                throw CommandFailure.usage(
                    "a passport is verified with something that you already have",
                    advice:
                        "name the hospital's party id with --party, an issuer pin with --issuer, or an installation with --state"
                )
            }
            return PassportTrust(parties: parties, issuerPins: pins, anchors: try TrustArgument.anchors(roots))
        }
    }

    static func show(_ verdict: PassportVerdict, _ terminal: Terminal) {
        if verdict.grade == .simulated {
            terminal.say(terminal.styled("SIMULATED evidence: it proves nothing about real hardware.\n", .warning))
        }
        terminal.say("\(terminal.check) \(terminal.styled("valid as of \(verdict.validAsOf)", .good))")
        var table = Table()
        for hop in verdict.hops {
            table.row(
                hop.at.description, hop.role, hop.kind.rawValue, "\(hop.tee.rawValue) \(hop.grade.rawValue)",
                "release \(hop.sequence) (\(hop.version))", "suite \(hop.suite.rawValue)",
                hop.model.map { "model \($0.name) \($0.version) \(Hex.encode($0.sha256).prefix(12))…" } ?? "")
        }
        terminal.say(table.text)
        let parties = verdict.policyParties.map(\.description).sorted().joined(separator: ", ")
        terminal.say("  accepted by the policy of \(parties)")
        if !verdict.arePartiesPinned {
            terminal.say("  " + terminal.styled("that party is named by the passport itself: compare the id", .warning))
        }
    }
}
