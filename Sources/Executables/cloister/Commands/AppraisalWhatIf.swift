import AppraisalPolicy
import ArgumentParser
import Encoding

/// `cloister appraisal what-if`.
struct AppraisalWhatIf: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "what-if",
        abstract: "Replay recorded appraisals against another policy: who would be locked out, and who let in.",
        discussion: """
            A recording is what an attestation service writes with --recording.
            Exit status: 0 nobody is locked out, 1 somebody is, 2 wrong usage.
            """)

    @Argument(help: ArgumentHelp("The policy to try.", valueName: "POLICY"))
    var policy: String

    @Option(help: ArgumentHelp("The recorded appraisals.", valueName: "FILE"))
    var recording: String

    @Option(
        help: ArgumentHelp(
            "The attestation type that the policy is for; needed where the recording has several.", valueName: "TYPE"))
    var type: String?

    @OptionGroup var format: OutputOptions

    func run() throws {
        let terminal = format.terminal
        let policy = try AppraisalInput.policy(policy)
        let replay = try Replay(records(), policy: policy)
        terminal.document(replay.json)
        terminal.say(replay.text(terminal))
        if !replay.lockedOut.isEmpty { throw ExitCode(1) }
    }

    private func records() throws(CommandFailure) -> [AppraisalRecord] {
        var records = try AppraisalInput.recording(recording)
        if let type { records.removeAll { $0.type.lowercased() != type.lowercased() } }
        let types = Set(records.map(\.type)).sorted()
        guard types.count <= 1 else {
            throw .usage("the recording has \(types.joined(separator: ", "))", advice: "choose one with --type TYPE")
        }
        // Nobody recorded is nobody locked out: a check that cannot fail.
        guard !records.isEmpty else {
            throw .usage("the recording has no appraisal" + (type.map { " of type \($0)" } ?? ""))
        }
        return records
    }
}

/// What another policy says of recorded appraisals.
struct Replay {
    /// Appraisals of one measurement whose decision changes.
    struct Group {
        var measurement: String?
        var appraisals = 0
        var first: Timestamp
        var last: Timestamp
        /// What the claims of the first appraisal would have to be for the recorded decision.
        var reasons: [String]
    }

    private(set) var lockedOut: [Group] = []
    private(set) var letIn: [Group] = []
    private let replayed: Int
    /// Claims that the policy tests and no recording holds.
    private let notRecorded: [String]

    init(_ records: [AppraisalRecord], policy: AppraisalPolicy) {
        replayed = records.count
        notRecorded = policy.testedTypes.filter { !AppraisalRecord.isRecorded($0) }.sorted()
        var groups: [Bool: [String?: Group]] = [:]
        for record in records {
            // The service refuses what a policy cannot be evaluated over.
            let permitted = (try? policy.evaluate(claims: record.claims))?.permitted ?? false
            guard permitted != record.permitted else { continue }
            var group =
                groups[permitted]?[record.measurement]
                ?? Group(
                    measurement: record.measurement, first: record.time, last: record.time,
                    reasons: Replay.reasons(policy, record))
            group.appraisals += 1
            group.first = min(group.first, record.time)
            group.last = max(group.last, record.time)
            groups[permitted, default: [:]][record.measurement] = group
        }
        lockedOut = Replay.sorted(groups[false])
        letIn = Replay.sorted(groups[true])
    }

    private static func sorted(_ groups: [String?: Group]?) -> [Group] {
        (groups ?? [:]).values.sorted {
            ($1.appraisals, $0.measurement ?? "") < ($0.appraisals, $1.measurement ?? "")
        }
    }

    private static func reasons(_ policy: AppraisalPolicy, _ record: AppraisalRecord) -> [String] {
        do throws(PolicyError) {
            let flip = try policy.flip(claims: record.claims)
            return flip.evidence.isEmpty ? [flip.policy?.description ?? ""] : flip.evidence.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    var json: JSON {
        [
            "replayed": .integer(Int64(replayed)), "lockedOut": .array(lockedOut.map(\.json)),
            "letIn": .array(letIn.map(\.json)), "notRecorded": .array(notRecorded.map(JSON.string)),
        ]
    }

    func text(_ terminal: Terminal) -> String {
        var parts: [String] = []
        if lockedOut.isEmpty {
            parts.append("\(terminal.check) nobody would be locked out: \(replayed) appraisals replayed")
        } else {
            let count = lockedOut.reduce(0) { $0 + $1.appraisals }
            parts.append("\(terminal.cross) would be locked out: \(count) of \(replayed) appraisals\n")
            parts.append(table(lockedOut, terminal))
        }
        if !letIn.isEmpty {
            let count = letIn.reduce(0) { $0 + $1.appraisals }
            parts.append("\n\(terminal.dash) would be let in: \(count) of \(replayed) appraisals\n")
            parts.append(table(letIn, terminal))
        }
        if !notRecorded.isEmpty {
            let names = notRecorded.joined(separator: ", ")
            parts.append(
                terminal.styled("\n  The policy tests claims that no recording holds: \(names).", .warning)
                    + "\n  Here they were absent; in service they are not.")
        }
        return parts.joined(separator: "\n")
    }

    private func table(_ groups: [Group], _ terminal: Terminal) -> String {
        var table = Table()
        table.row("measurement", "appraisals", "last", "differs because")
        for group in groups {
            let measurement = group.measurement.map { $0.count > 20 ? $0.prefix(16) + "…" : $0 } ?? "none"
            for (index, reason) in group.reasons.enumerated() {
                let isFirst = index == 0
                table.row(
                    isFirst ? measurement : "", isFirst ? String(group.appraisals) : "",
                    isFirst ? group.last.description : "", terminal.styled(reason, .dim))
            }
        }
        return table.text
    }
}

extension Replay.Group {
    fileprivate var json: JSON {
        [
            "measurement": measurement.map(JSON.string) ?? .null, "appraisals": .integer(Int64(appraisals)),
            "first": .integer(first.seconds), "last": .integer(last.seconds),
            "reasons": .array(reasons.map(JSON.string)),
        ]
    }
}
