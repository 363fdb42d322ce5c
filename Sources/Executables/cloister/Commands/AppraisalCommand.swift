import AppraisalPolicy
import ArgumentParser
import Encoding

/// `cloister appraisal`.
struct AppraisalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "appraisal",
        abstract: "Work on the policies of an attestation service before anybody is locked out.",
        subcommands: [Check.self, Evaluate.self, Explain.self, AppraisalWhatIf.self])

    /// The policy and the claims that it is run over.
    struct Case: ParsableArguments {
        @Argument(help: ArgumentHelp("The policy.", valueName: "POLICY"))
        var policy: String

        @Option(
            help: ArgumentHelp(
                "The claims, as in a token's body or the output of `cloister verify --json`.", valueName: "FILE"))
        var claims: String
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a policy parses, and where it does not.",
            discussion: "Exit status: 0 it parses, 1 it does not, 2 wrong usage.")

        @Argument(help: ArgumentHelp("The policy.", valueName: "FILE"))
        var file: String

        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let text = try AppraisalInput.text(file)
            let policy: AppraisalPolicy
            do throws(PolicyError) { policy = try AppraisalPolicy(parsing: text) } catch {
                let report = PolicyErrorReport(error, file: file, text: text)
                terminal.document(report.json)
                terminal.say(report.text(terminal))
                throw ExitCode(1)
            }
            terminal.document([
                "ok": true, "version": .string(policy.version), "hash": .string(policy.hash.description),
                "advice": .array(
                    policy.advice.map { ["line": .integer(Int64($0.line)), "text": .string($0.text)] }),
            ])
            terminal.say("\(terminal.check) version \(policy.version), hash \(policy.hash)")
            for advice in policy.advice {
                terminal.say("  \(terminal.styled("line \(advice.line)", .warning)): \(advice.text)")
            }
        }
    }

    struct Evaluate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a policy over claims: the decision, what it issues, which properties it sets.",
            discussion: "Exit status: 0 permitted, 1 denied, 2 wrong usage.")

        @OptionGroup var input: Case
        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let policy = try AppraisalInput.policy(input.policy)
            let decision: AppraisalPolicy.Decision
            let claims = try AppraisalInput.claims(input.claims)
            do throws(PolicyError) { decision = try policy.evaluate(claims: claims) } catch {
                throw CommandFailure("the policy cannot be evaluated: \(error)", code: "policy-invalid")
            }
            terminal.document(DecisionReport.json(decision))
            terminal.say(DecisionReport.text(decision, terminal))
            if !decision.permitted { throw ExitCode(1) }
        }
    }

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which rule matched which claim, and the smallest change that would flip the decision.",
            discussion: """
                The search for a change is bounded and tries single claims first, then sets of up to four of them; \
                and each condition and rule of the policy. Exit status: 0 permitted, 1 denied, 2 wrong usage.
                """)

        @OptionGroup var input: Case
        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let policy = try AppraisalInput.policy(input.policy)
            let claims = try AppraisalInput.claims(input.claims)
            let report: ExplanationReport
            do throws(PolicyError) {
                report = ExplanationReport(
                    trace: try policy.trace(claims: claims), flip: try policy.flip(claims: claims))
            } catch {
                throw CommandFailure("the policy cannot be evaluated: \(error)", code: "policy-invalid")
            }
            terminal.document(report.json)
            terminal.say(report.text(terminal))
            if !report.trace.decision.permitted { throw ExitCode(1) }
        }
    }
}
