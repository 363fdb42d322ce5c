import ArgumentParser
import Encoding
import KeyService

/// `cloister security-domain`.
struct SecurityDomainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "security-domain",
        abstract: "The key of a key service's backups, in the hands of several holders.",
        discussion: """
            export gives each holder a share; each opens the own one; so many shares as are required, imported into a
            new key service, let it restore the backups of the first.
            """,
        subcommands: [Holder.self, Export.self, Open.self, Import.self])

    struct Holder: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What names the holder of a certificate in the list `domainHolders` of a key service.")

        @Argument(help: ArgumentHelp("Certificates with RSA keys, PEM or DER.", valueName: "CERTIFICATE"))
        var certificates: [String]

        @OptionGroup var format: OutputOptions

        func run() throws {
            let holders = try certificates.map(DomainHolder.init(file:))
            let terminal = format.terminal
            terminal.document(["holders": .array(holders.map(\.json))])
            var table = Table()
            for holder in holders { table.row(holder.pin.description, holder.file) }
            terminal.say(table.text)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Split the security domain among holders: a share for each, which only its holder can open.",
            discussion: """
                The key service shares with those alone whom its configuration names as `domainHolders`; that of an
                installation gets them with `cloister up --domain-holder FILE`.
                """)

        @Argument(help: ArgumentHelp("Certificates of 2 to 10 holders, PEM or DER.", valueName: "CERTIFICATE"))
        var certificates: [String]

        @Option(help: "How many of them recover the domain together, 2 or more.")
        var required: Int

        @Option(help: ArgumentHelp("Where the shares go: DIR/share-1.jwe and so on.", valueName: "DIR"))
        var out: String

        @OptionGroup var service: KeyServiceOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let holders = try certificates.map(DomainHolder.init(file:))
            let files = holders.indices.map { "\(Files.absolute(out))/share-\($0 + 1).jwe" }
            // Shares of two exports do not fit together: none may end up among those of another.
            if let existing = files.first(where: Files.exists) {
                throw CommandFailure.usage("\(existing) is there already", advice: "name a new folder with --out DIR")
            }
            let answer = try await service.call {
                try await $0.exportDomain(to: holders.map(\.certificate), required: required)
            }
            let shares = answer["shares"]?.strings ?? []
            guard shares.count == holders.count else {
                throw CommandFailure("the key service's answer lacks shares")
            }
            try Files.makeFolder(Files.absolute(out))
            for (file, share) in zip(files, shares) { try Files.write((share + "\n").utf8, to: file) }
            let terminal = format.terminal
            terminal.document([
                "domain": answer["domain"] ?? .null, "required": answer["required"] ?? .null,
                "shares": .array(zip(files, holders).map { ["file": .string($0), "holder": .string("\($1.pin)")] }),
            ])
            terminal.say("\(terminal.check) \(required) of these shares recover the security domain")
            var table = Table()
            for (file, holder) in zip(files, holders) { table.row(file, "for \(holder.file)") }
            terminal.say(table.text)
        }
    }

    struct Open: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open one's own share, to hand it to whoever recovers the domain.",
            discussion: "A share is a compact JWE (RSA-OAEP-256, A256GCM): other JOSE tools open it, too.")

        @Argument(help: ArgumentHelp("The share.", valueName: "FILE"))
        var share: String

        @Option(help: ArgumentHelp("The holder's private RSA key, PEM without a password.", valueName: "FILE"))
        var key: String

        @Option(help: ArgumentHelp("Where the opened share goes; it is a secret.", valueName: "FILE"))
        var out: String

        @OptionGroup var format: OutputOptions

        func run() throws {
            let text = String(decoding: try Files.readArgument(share, maximumBytes: 65_536), as: UTF8.self)
            let key = String(decoding: try Files.readArgument(key, maximumBytes: 65_536), as: UTF8.self)
            let opened = try DomainShare(opening: text.filter { !$0.isWhitespace }, privateKey: key)
            try Files.write(opened.json.canonical, to: Files.absolute(out))
            let terminal = format.terminal
            terminal.document([
                "domain": .string("\(opened.domain)"), "file": .string(Files.absolute(out)),
                "required": .integer(Int64(opened.required)),
            ])
            terminal.say("\(terminal.check) opened: one of \(opened.required) that are required")
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Recover a security domain from opened shares, in a key service without keys.")

        @Argument(help: ArgumentHelp("Opened shares.", valueName: "FILE"))
        var shares: [String]

        @OptionGroup var service: KeyServiceOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let shares = try shares.map { file in
                let bytes = try Files.readArgument(file, maximumBytes: 65_536)
                guard let json = try? JSON.parse(bytes), (try? DomainShare(json)) != nil else {
                    throw CommandFailure.usage(
                        "\(file) is no opened share", advice: "open it with: cloister security-domain open")
                }
                return json
            }
            let answer = try await service.call { try await $0.importDomain(shares) }
            let terminal = format.terminal
            terminal.document(answer)
            terminal.say("\(terminal.check) the key service has the security domain \(answer["domain"]?.string ?? "")")
        }
    }
}
