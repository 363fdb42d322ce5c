import ArgumentParser
import AttestationToken
import Crypto
import Encoding
import Evidence

/// `cloister release-manifest`.
struct ReleaseManifestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release-manifest",
        abstract: "Say what a build of a unit must measure to, signed by its vendor's release key.",
        subcommands: [Create.self, Show.self, CreateKey.self])

    /// Measures an executable and signs the result.
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Measure a built executable and sign its manifest.")

        @Option(help: "The unit's name, as units and policies know it.")
        var unit: String

        @Option(help: ArgumentHelp("The built executable.", valueName: "FILE"))
        var executable: String

        @Option(help: ArgumentHelp("The vendor's release key: P-256, PEM.", valueName: "FILE"))
        var key: String

        @Option(help: "The sequence; it rises with every release of the unit.")
        var sequence: Int64

        @Option(
            name: .customLong("library"),
            help: ArgumentHelp("A library that the unit opens and pins.", valueName: "FILE"))
        var libraries: [String] = []

        @Option(name: .customLong("release-version"), help: "The version for people.")
        var version = Cloister.release

        @Option(help: "release or debug.")
        var build = ReleaseBuilder.ownBuild

        @Option(help: "The source commit.")
        var commit = "unknown"

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("Where to write the manifest; standard output without it.", valueName: "FILE"))
        var output: String?

        @OptionGroup var format: OutputOptions

        func run() throws {
            guard build == "release" || build == "debug" else {
                throw CommandFailure.usage("--build is release or debug")
            }
            let builder = ReleaseBuilder(
                unit: unit, executable: executable, libraries: libraries, version: version, build: build,
                commit: commit)
            let manifest = try builder.manifest(sequence: sequence, at: WallClock.system.now())
            let compact = try manifest.sign(with: PartyKeys.load(key, create: false))
            if let output { try Files.write((compact + "\n").utf8, to: output, mode: 0o644) }
            if format.json {
                Terminal.out(JSON.object(["jws": .string(compact), "manifest": manifest.json]).text)
            } else if output == nil {
                Terminal.out(compact)
            } else {
                ReleaseManifestCommand.show(manifest, Terminal(json: false))
            }
        }
    }

    /// Prints a manifest. Whoever relies on one needs the vendor's key from a party policy, not from here.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a manifest, and check it against a release key.")

        @Argument(help: ArgumentHelp("The signed manifest.", valueName: "FILE"))
        var file: String

        @Option(help: ArgumentHelp("A party card that must name the signer.", valueName: "FILE"))
        var card: String?

        @OptionGroup var format: OutputOptions

        func run() throws {
            let text = String(decoding: try Files.readArgument(file, maximumBytes: 1 << 20), as: UTF8.self)
            let compact = String(text.prefix { !$0.isNewline })
            let manifest: ReleaseManifest
            if let card {
                let card = try PartyCard(parsing: Files.readArgument(card, maximumBytes: PartyCard.maximumBytes))
                manifest = try ReleaseManifest(compact: compact, signers: card.releaseSigners)
            } else {
                manifest = try ReleaseManifest(unverified: compact)
            }
            if format.json {
                Terminal.out(manifest.json.text)
            } else {
                let terminal = Terminal(json: false)
                ReleaseManifestCommand.show(manifest, terminal)
                terminal.say(
                    card == nil
                        ? "  \(terminal.dash) signature not checked: name the vendor's card with --card"
                        : "  \(terminal.check) signed by the release key on the card")
            }
        }
    }

    /// Makes a release key.
    struct CreateKey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create-key", abstract: "Make a release key (P-256, PEM, mode 0600).")

        @Argument(help: ArgumentHelp("Where to write it; nothing may be there.", valueName: "FILE"))
        var file: String

        @OptionGroup var format: OutputOptions

        func run() throws {
            guard !Files.exists(file) else { throw CommandFailure.usage("\(file) is already there") }
            let key = try PartyKeys.load(Files.absolute(file), create: true)
            let jwk = JWK(key.publicKey)
            if format.json {
                Terminal.out(JSON.object(["key": jwk.json, "pin": .string(try jwk.pin().description)]).text)
            } else {
                Terminal.out("pin of the public key: \(try jwk.pin())")
            }
        }
    }

    static func show(_ manifest: ReleaseManifest, _ terminal: Terminal) {
        terminal.say("\(terminal.styled(manifest.unit, .strong)) \(manifest.version), sequence \(manifest.sequence)")
        var table = Table()
        table.row("build", "\(manifest.build), commit \(manifest.commit), \(manifest.createdAt)")
        table.row("file", "\(manifest.file.name), \(manifest.file.size) bytes")
        table.row("sha256", Hex.encode(manifest.file.sha256))
        for library in manifest.libraries { table.row("library", "\(library.name) \(Hex.encode(library.sha256))") }
        for measurement in manifest.measurements {
            for (claim, value) in measurement.claims.sorted(by: { $0.key < $1.key }) {
                table.row(
                    "\(measurement.tee.rawValue), \(measurement.grade.rawValue)",
                    "\(claim) \(value.string ?? value.text)")
            }
        }
        terminal.say(table.text)
    }
}
