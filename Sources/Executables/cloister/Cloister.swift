import ArgumentParser
import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// The command line of Cloister: nouns with verbs, `--json` everywhere.
@main
struct Cloister: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cloister",
        abstract: "Work on sensitive data with parties that do not trust each other, and see why that is safe.",
        discussion: """
            Exit status: 0 done or accepted, 1 refused or failed, 2 wrong usage.
            Every command takes --json for output that programs read.
            """,
        version: Cloister.release,
        subcommands: [
            Up.self, Down.self, Demo.self, Doctor.self, EvidenceCommand.self, Verify.self, PassportCommand.self,
            ReleaseManifestCommand.self, CollateralCommand.self, ForgeCommand.self, AppraisalCommand.self,
            DistrustCommand.self, ReleasePolicyCommand.self, MasterKeyCommand.self, SecurityDomainCommand.self,
            AuditCommand.self, PortalCommand.self,
        ])

    /// The version of this release, as manifests carry it.
    static let release = "0.1.0"

    /// As the library's own, but with the exit statuses of ours.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Glibc.exit(report(error))
        }
    }

    /// Says what went wrong and returns the exit status.
    private static func report(_ error: any Error) -> Int32 {
        let json = CommandLine.arguments.contains("--json")
        switch error {
        case let failure as CommandFailure: return report(failure, json: json)
        case let refusal as Refusal:
            return report(CommandFailure(refusal.detail, code: refusal.name), json: json)
        case let code as ExitCode: return code.rawValue
        default:
            let status = exitCode(for: error)
            if status.isSuccess {
                Terminal.out(fullMessage(for: error))
                return 0
            }
            guard status == .validationFailure else {
                return report(CommandFailure("\(error)"), json: json)
            }
            Terminal.error(fullMessage(for: error))
            return 2
        }
    }

    private static func report(_ failure: CommandFailure, json: Bool) -> Int32 {
        if json {
            var members: [String: JSON] = ["detail": .string(failure.problem)]
            if let code = failure.code { members["code"] = .string(code) }
            if let advice = failure.advice { members["advice"] = .string(advice) }
            Terminal.out(JSON.object(["error": .object(members)]).text)
        } else {
            let code = failure.code.map { "\($0): " } ?? ""
            Terminal.error("✗ " + code + failure.problem)
            if let advice = failure.advice { Terminal.error("  → " + advice) }
        }
        return failure.status
    }
}
