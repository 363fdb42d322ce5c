import ArgumentParser
import Encoding

/// `cloister master-key`.
struct MasterKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master-key", abstract: "The master key of a key service, under which it keeps everything.",
        subcommands: [Show.self, Rotate.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "The generations of the master key, and whether values of former ones are still being sealed anew.")

        @OptionGroup var service: KeyServiceOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let answer = try await service.call { try await $0.masterKey() }
            let terminal = format.terminal
            terminal.document(answer)
            terminal.say(MasterKeyCommand.table(answer))
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a generation, and seal under it what former ones sealed.",
            discussion: """
                Keys stay usable meanwhile. When nothing is left under the former generations they are destroyed, and
                older copies of the database open no more; `cloister master-key show` says when.
                """)

        @OptionGroup var service: KeyServiceOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let answer = try await service.call { try await $0.rotateMasterKey() }
            let terminal = format.terminal
            terminal.document(answer)
            terminal.say("\(terminal.check) the master key has a new generation")
            terminal.say(MasterKeyCommand.table(answer))
        }
    }

    private static func table(_ answer: JSON) -> String {
        let generations = answer["generations"]?.array?.compactMap(\.integer) ?? []
        var table = Table()
        for generation in generations {
            let isNewest = generation == generations.last
            table.row("generation \(generation)", isNewest ? "seals" : "opens what is not sealed anew yet")
        }
        return table.text
    }
}
