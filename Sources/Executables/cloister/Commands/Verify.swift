import ArgumentParser
import Encoding
import Evidence

/// `cloister verify`.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify attestation evidence: who signed it, how current the platform is, what it says.",
        discussion: """
            Takes the evidence alone (SGX or TDX quote, SEV-SNP report, Nitro document, TPM attestation, NVIDIA or
            Azure CVM JSON), an evidence document, or an attest request.
            Exit status: 0 accepted (or every case as expected), 1 refused, 2 wrong usage.
            """)

    @Argument(help: ArgumentHelp("The evidence.", valueName: "FILE"))
    var file: String?

    @Option(
        help: ArgumentHelp("A file of cases to verify instead, each compared with what it expects.", valueName: "FILE"))
    var cases: String?

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

    @Flag(help: "Show every check with what it rests on, what to update, and all claims.")
    var explain = false

    @OptionGroup var format: OutputOptions

    func validate() throws {
        guard (file == nil) != (cases == nil) else {
            throw ValidationError("name one FILE of evidence, or --cases FILE")
        }
    }

    func run() async throws {
        let time = try Verify.time(at)
        let anchors = try TrustArgument.anchors(trust)
        if let cases { try await verify(CaseFile(cases), anchors, at: time) }
        if let file { try await verify(file, anchors, at: time) }
    }

    private func verify(_ file: CaseFile, _ anchors: TrustAnchors, at time: Timestamp) async throws {
        var run = CaseRun(anchors: anchors, collateral: collateral, at: time)
        var outcomes: [CaseRun.Outcome] = []
        for one in file.cases { outcomes.append(try await run.run(one)) }
        let report = CaseReport(outcomes: outcomes)
        format.terminal.document(report.json)
        report.show(format.terminal)
        if report.failed > 0 { throw ExitCode(1) }
    }

    private func verify(_ file: String, _ anchors: TrustAnchors, at time: Timestamp) async throws {
        let terminal = format.terminal
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
        VerdictReport(terminal).show(verdict, explaining: explain)
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
