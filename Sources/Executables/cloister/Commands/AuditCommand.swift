import ArgumentParser
import Audit
import Encoding

/// `cloister audit`.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Audit logs: what services decided, chained by hashes.",
        subcommands: [VerifyLog.self])

    struct VerifyLog: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check that no line of an audit log was changed, taken out, doubled or put in.",
            discussion: """
                The log may be in use. Lines missing at the end cannot be told from lines that never were: keep the \
                printed head elsewhere, and name it the next time with --contains.
                Exit status: 0 whole, 1 not, 2 wrong usage.
                """)

        @Argument(help: ArgumentHelp("The logs; without any, those of the installation.", valueName: "FILE"))
        var files: [String] = []

        // A hash may begin with a hyphen.
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("The head of an earlier check, which the log must still contain.", valueName: "HASH"))
        var contains: String?

        @OptionGroup var place: StateOptions
        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let paths = try self.paths()
            let wanted = try contains.map { text throws(CommandFailure) in
                guard let digest = Digest(text) else {
                    throw .usage("\(text) is not a hash", advice: "43 characters of base64url, as this command prints")
                }
                return digest
            }
            var table = Table()
            var results: [JSON] = []
            var isWhole = true
            for path in paths {
                let (row, json, holds) = Self.check(path, wanted, terminal)
                table.row(row.0, row.1, row.2)
                results.append(json)
                isWhole = isWhole && holds
            }
            terminal.document(["ok": .bool(isWhole), "logs": .array(results)])
            terminal.say(table.text)
            if !isWhole { throw ExitCode(1) }
        }

        private func paths() throws(CommandFailure) -> [String] {
            guard files.isEmpty else { return files.map(Files.absolute) }
            let state = try place.folder()
            try state.requireInstalled()
            var paths: [String] = []
            for party in Party.allCases {
                let folder = state.party(party, "state")
                let candidates = [folder] + Files.list(folder).sorted().map { folder + "/" + $0 }
                paths += candidates.map { $0 + "/audit.jsonl" }.filter(Files.exists)
            }
            return paths
        }

        private static func check(
            _ path: String, _ wanted: Digest?, _ terminal: Terminal
        ) -> (row: (String, String, String), json: JSON, holds: Bool) {
            var json: [String: JSON] = ["file": .string(path)]
            do throws(Refusal) {
                let summary = try AuditLog.verify(path: path, contains: wanted)
                guard summary.hasWanted else {
                    throw Refusal(
                        .stateRollback, "the line that --contains names is not there: the log is an older one")
                }
                json["ok"] = true
                json["lines"] = .integer(summary.lines)
                json["head"] = .string(summary.head.description)
                json["unfinished"] = .bool(summary.isUnfinished)
                return ((terminal.check, "\(summary.lines) lines, head \(summary.head)", path), .object(json), true)
            } catch {
                json["ok"] = false
                json["code"] = .string(error.name)
                json["detail"] = .string(error.detail)
                return ((terminal.cross, "\(error.name): \(error.detail)", path), .object(json), false)
            }
        }
    }
}
