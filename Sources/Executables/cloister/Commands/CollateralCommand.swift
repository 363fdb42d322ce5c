import ArgumentParser
import Collateral
import Encoding
import Evidence

/// `cloister collateral`.
struct CollateralCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collateral",
        abstract: "Vendors' collateral: what is cached, and how to carry it to where no vendor can be reached.",
        subcommands: [Show.self, Export.self, Import.self])

    /// What all three need.
    struct Options: ParsableArguments {
        @Option(help: ArgumentHelp("The folder of the cache.", valueName: "DIR"))
        var cache: String

        @Option(
            help: ArgumentHelp("The moment at which collateral must hold, RFC 3339; now without it.", valueName: "TIME")
        )
        var at: String?

        @Option(
            help: ArgumentHelp(
                "A simulated root file, a root certificate, or a state folder to trust as well; may be repeated.",
                valueName: "FILE"))
        var trust: [String] = []

        @OptionGroup var format: OutputOptions

        func opened() throws -> CollateralCache { try CollateralCache(folder: Files.absolute(cache)) }
    }

    /// Lists what is cached; reading proves each item, and says what is wrong with it.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what a cache holds, and until when it holds.")

        @OptionGroup var options: Options

        func run() async throws {
            guard Files.isFolder(options.cache) else {
                throw CommandFailure.usage("there is no folder \(options.cache)")
            }
            let (time, anchors) = (try Verify.time(options.at), try TrustArgument.anchors(options.trust))
            CollateralCommand.list(
                try options.opened().all().map(\.item), anchors, at: time, options.format.terminal)
        }
    }

    /// Writes everything that holds into one file.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write a cache into one file to carry.")

        @OptionGroup var options: Options

        @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "FILE"))
        var output: String

        func run() async throws {
            guard Files.isFolder(options.cache) else {
                throw CommandFailure.usage("there is no folder \(options.cache)")
            }
            let (time, anchors) = (try Verify.time(options.at), try TrustArgument.anchors(options.trust))
            let bundle = try options.opened().bundle(anchors, at: time)
            guard !bundle.items.isEmpty else {
                throw CommandFailure("the cache has nothing that is proven and holds at \(time)")
            }
            let bytes = bundle.json.canonical
            guard bytes.count <= CollateralBundle.maximumBytes else {
                throw CommandFailure("the bundle would have more than \(CollateralBundle.maximumBytes) bytes")
            }
            try Files.write(bytes, to: Files.absolute(output), mode: 0o644)
            CollateralCommand.list(bundle.items, anchors, at: time, options.format.terminal)
        }
    }

    /// Takes a file of `export` into a cache: all of it, or nothing.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take such a file into a cache, when everything in it is proven and holds.")

        @Argument(help: ArgumentHelp("The file.", valueName: "FILE"))
        var file: String

        @OptionGroup var options: Options

        func run() async throws {
            let (time, anchors) = (try Verify.time(options.at), try TrustArgument.anchors(options.trust))
            let bundle = try CollateralBundle(
                parsing: try Files.readArgument(file, maximumBytes: CollateralBundle.maximumBytes))
            try options.opened().add(bundle, anchors, at: time)
            CollateralCommand.list(bundle.items, anchors, at: time, options.format.terminal)
        }
    }

    /// One row for each item: what, for what, from when until when, and the digest of its bytes.
    private static func list(
        _ items: [CollateralItem], _ anchors: TrustAnchors, at time: Timestamp, _ terminal: Terminal
    ) {
        var table = Table()
        table.row("", "what", "for", "issued", "valid until", "SHA-256")
        var rows: [JSON] = []
        for item in items {
            let digest = Digest(of: item.content).hex
            var row: [String: JSON] = [
                "what": .string(item.request.what), "platform": .string(item.request.platform),
                "request": .string(item.request.path), "sha256": .string(digest), "problem": .null,
            ]
            do throws(Refusal) {
                let publication = try item.proven(anchors).publication
                row["issued"] = .string(publication.notBefore.description)
                row["validUntil"] = .string(publication.notAfter.description)
                row["grade"] = .string(publication.grade.rawValue)
                try publication.requireCurrent(at: time)
            } catch { row["problem"] = .string(error.detail) }
            let problem = row["problem"]?.string
            table.row(
                problem == nil ? terminal.check : terminal.cross, item.request.what, item.request.platform,
                row["issued"]?.string ?? "-", row["validUntil"]?.string ?? "-",
                digest.prefix(16) + "…" + (problem.map { "  " + terminal.styled($0, .bad) } ?? ""))
            rows.append(.object(row))
        }
        terminal.document(["items": .array(rows)])
        terminal.say(items.isEmpty ? "  nothing" : table.text)
    }
}
