import ArgumentParser
import AttestationToken
import Encoding
import KeyService

/// `cloister release-policy`.
struct ReleasePolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release-policy",
        abstract: "Work on the release policies of keys before a release is refused.",
        subcommands: [Check.self, Explain.self])

    /// The policy of a file: the policy itself, or a member `release_policy` or `data` around it.
    private static func policy(_ file: String) throws -> KeyReleasePolicy {
        let bytes = try Files.readArgument(file, maximumBytes: 1 << 20)
        let outer = try? JSON.parse(bytes)
        let wrapped = outer?["release_policy"]?["data"] ?? outer?["data"]
        guard let wrapped else { return try KeyReleasePolicy(parsing: bytes) }
        guard let inner = wrapped.string.flatMap({ Base64.decode($0, .lenient) }) else {
            throw CommandFailure("the member data is not base64url", code: "policy-invalid")
        }
        return try KeyReleasePolicy(parsing: inner)
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a policy would be taken, and how it would be read back.",
            discussion: "Exit status: 0 it would, 1 it would not, 2 wrong usage.")

        @Argument(help: ArgumentHelp("The policy, or a key bundle or body that holds one.", valueName: "FILE"))
        var file: String

        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let policy = try ReleasePolicyCommand.policy(file)
            let advice = policy.authorities.filter { $0.combination == .anyOf && $0.conditions.count > 1 }.map {
                "\($0.text): one of its conditions is enough (anyOf)"
            }
            terminal.document([
                "ok": true, "policy": try JSON.parse(policy.text), "digest": .string(policy.digest.description),
                "advice": .array(advice.map { .string($0) }),
            ])
            terminal.say("\(terminal.check) \(policy.authorities.count) authorities, digest \(policy.digest)")
            for line in advice { terminal.say("  \(terminal.styled("!", .warning)) \(line)") }
            terminal.say(policy.text)
        }
    }

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which condition of a policy a token meets, with what was expected and what was seen.",
            discussion: """
                The token's signature and times are not checked here: the key service does that. \
                Exit status: 0 the policy is satisfied, 1 it is not, 2 wrong usage.
                """)

        @Argument(help: ArgumentHelp("The policy, or a key bundle or body that holds one.", valueName: "FILE"))
        var file: String

        @Option(
            help: ArgumentHelp("The token, or the claims that are in one, in a file.", valueName: "FILE"))
        var token: String

        @OptionGroup var format: OutputOptions

        func run() throws {
            let terminal = format.terminal
            let policy = try ReleasePolicyCommand.policy(file)
            let claims = try claims()
            let issuer = claims["iss"]?.string.flatMap { AuthorityURL($0) }
            var verdict: [String: JSON] = ["satisfied": true]
            var line = "\(terminal.check) satisfied"
            do throws(KeyReleasePolicy.Failure) {
                guard let issuer else { throw .authorityNotAllowed }
                try policy.evaluate(issuer: issuer, claims: claims)
            } catch {
                verdict["satisfied"] = false
                switch error {
                case .authorityNotAllowed:
                    verdict["code"] = "authority-not-allowed"
                    line = "\(terminal.cross) authority-not-allowed: no authority of the policy is the token's issuer"
                case .claimMismatch(let claim, let expected, let seen):
                    verdict["code"] = .string("claim-mismatch:\(claim)")
                    verdict["expected"] = .string(expected)
                    verdict["seen"] = seen.map { .string($0) } ?? .null
                    line =
                        "\(terminal.cross) claim-mismatch:\(claim): expected \(expected), seen \(seen ?? "nothing")"
                }
            }
            let findings = policy.explain(issuer: issuer, claims: claims)
            verdict["authorities"] = .array(findings.map(Self.json))
            terminal.document(.object(verdict))
            terminal.say(line)
            for authority in findings { Self.show(authority, terminal) }
            if verdict["satisfied"] != true { throw ExitCode(1) }
        }

        /// Of a compact token, or of a JSON object.
        private func claims() throws -> JSON {
            let bytes = try Files.readArgument(token, maximumBytes: 1 << 20)
            if let json = try? JSON.parse(bytes), json.object != nil { return json }
            let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, let payload = Base64.decode(parts[1], .lenient),
                let json = try? JSON.parse(payload), json.object != nil
            else { throw CommandFailure("\(token) holds neither a token nor claims", code: "token-malformed") }
            return json
        }

        private static func json(_ authority: KeyReleasePolicy.AuthorityFinding) -> JSON {
            [
                "authority": .string(authority.authority), "isIssuer": .bool(authority.isIssuer),
                "holds": .bool(authority.holds),
                "conditions": .array(
                    authority.findings.map { finding in
                        [
                            "place": .string(finding.place), "claim": .string(finding.claim),
                            "operator": .string(finding.comparison.rawValue), "expected": .string(finding.expected),
                            "seen": finding.seen.map { .string($0) } ?? .null, "holds": .bool(finding.holds),
                        ]
                    }),
            ]
        }

        private static func show(_ authority: KeyReleasePolicy.AuthorityFinding, _ terminal: Terminal) {
            let issuer = authority.isIssuer ? "the token's issuer" : "not the token's issuer"
            terminal.say("\n\(authority.authority)  \(terminal.styled(issuer, .dim))")
            var table = Table()
            for finding in authority.findings {
                table.row(
                    finding.holds ? terminal.check : terminal.cross, finding.claim,
                    "\(finding.comparison.rawValue) \(finding.expected)", "seen \(finding.seen ?? "nothing")")
            }
            terminal.say(table.text)
        }
    }
}
