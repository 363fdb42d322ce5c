import ArgumentParser
import Encoding
import Evidence

/// `cloister verify`.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify attestation evidence: who signed it, how current the platform is, what it says.",
        discussion: """
            Takes the evidence alone (SGX quote, SEV-SNP report), an evidence document, or an attest request.
            Exit status: 0 accepted, 1 refused, 2 wrong usage.
            """)

    @Argument(help: ArgumentHelp("The evidence.", valueName: "FILE"))
    var file: String

    @Option(
        help: ArgumentHelp(
            "Collateral object, evidence document, certificate, revocation list, or a folder of them; may be repeated.",
            valueName: "PATH"))
    var collateral: [String] = []

    @Option(help: ArgumentHelp("The moment to verify for, RFC 3339; now without it.", valueName: "TIME"))
    var at: String?

    @Option(
        help: ArgumentHelp(
            "A simulated root file, a root certificate, or a state folder to trust as well; may be repeated.",
            valueName: "FILE"))
    var trust: [String] = []

    @Option(help: ArgumentHelp("Data whose SHA-256 the evidence must carry.", valueName: "FILE"))
    var runtimeData: String?

    @OptionGroup var format: OutputOptions

    func run() async throws {
        let terminal = format.terminal
        let time = try Verify.time(at)
        let anchors = try TrustArgument.anchors(trust)
        let bytes = try Files.readArgument(file, maximumBytes: EvidenceInput.maximumBytes)
        let verdict: Verdict
        do {
            var input = try EvidenceInput(bytes)
            if let runtimeData { input.runtimeData = try Files.readArgument(runtimeData, maximumBytes: 1 << 20) }
            let collateral = try await CollateralArgument.collateral(
                for: input, from: collateral, anchors, at: time)
            verdict = EvidenceVerifier(anchors: anchors).verify(
                input.evidence, tee: input.tee, collateral: collateral, at: time, reportData: input.expectedReportData)
        } catch let refusal as Refusal {
            // The file could not even be read as evidence: a verdict too.
            terminal.document(Verify.unreadable(refusal))
            terminal.say("\(terminal.cross) \(terminal.styled("refused", .bad)): \(refusal.name)\n  \(refusal.detail)")
            throw ExitCode(1)
        }
        terminal.document(verdict.json)
        VerdictReport(terminal).show(verdict)
        if !verdict.accepted { throw ExitCode(1) }
    }

    static func time(_ text: String?) throws(CommandFailure) -> Timestamp {
        guard let text else { return WallClock.system.now() }
        guard let time = Timestamp(rfc3339: text) else {
            throw .usage("\(text) is not a time", advice: "write it as 2026-01-31T12:00:00Z")
        }
        return time
    }

    private static func unreadable(_ refusal: Refusal) -> JSON {
        [
            "accepted": false, "code": .string(refusal.name), "detail": .string(refusal.detail), "tee": .null,
            "grade": .null, "signatureChain": "notChecked", "tcbStatus": .null, "advisories": [], "claims": [:],
            "policy": "fail", "validUntil": .null, "checks": [],
        ]
    }
}

/// A verdict for people.
struct VerdictReport {
    private let terminal: Terminal

    init(_ terminal: Terminal) { self.terminal = terminal }

    func show(_ verdict: Verdict) {
        if verdict.grade == .simulated, verdict.signatureChain == .valid {
            terminal.say(terminal.styled("SIMULATED evidence: it proves nothing about real hardware.", .warning))
        }
        if let code = verdict.code {
            terminal.say("\(terminal.cross) \(terminal.styled("refused", .bad)): \(code.name)\n  \(verdict.detail)\n")
        } else {
            terminal.say("\(terminal.check) \(terminal.styled("accepted", .good))\n")
        }
        var facts = Table()
        facts.row("TEE", verdict.tee.rawValue)
        facts.row("grade", verdict.grade.rawValue)
        facts.row("signature chain", verdict.signatureChain.rawValue)
        facts.row("TCB status", verdict.tcbStatus ?? "not determined")
        if !verdict.advisories.isEmpty { facts.row("advisories", verdict.advisories.joined(separator: ", ")) }
        if let until = verdict.validUntil { facts.row("valid until", until.description) }
        terminal.say(facts.text + "\n")
        var checks = Table()
        for check in verdict.checks {
            let sign =
                switch check.outcome {
                case .passed: terminal.check
                case .failed: terminal.cross
                case .notApplicable: terminal.dash
                }
            checks.row(sign, check.name, terminal.styled(check.detail, .dim))
        }
        terminal.say(checks.text)
        guard !verdict.claims.isEmpty else { return }
        var claims = Table()
        for (name, value) in verdict.claims.sorted(by: { $0.key < $1.key }) {
            claims.row(name, value.string ?? value.text)
        }
        terminal.say("\n" + claims.text)
    }
}
