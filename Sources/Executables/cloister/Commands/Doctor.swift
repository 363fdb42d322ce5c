import ArgumentParser
import Attester
import Encoding
import Inference

/// `cloister doctor`.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what this machine can do, and why not.",
        discussion: "Exit status: 0 when `cloister up` can run here, 1 otherwise.")

    @OptionGroup var place: StateOptions
    @OptionGroup var programs: ResourceOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let terminal = format.terminal
        let state = try? place.folder()
        let socket = state.flatMap { $0.isInstalled ? $0.simulatedSocket : nil }
        var examination = Examination()
        for finding in Environment.survey(simulatedSocket: socket) {
            examination.note(.evidence, finding.name, finding.available, finding.reason)
        }
        examination.lookForHardware()
        examination.lookForPrograms(try? programs.resources())
        examination.lookAtSystem()
        let isAble = examination.canRun
        terminal.document([
            "format": "cloister-doctor/1", "ok": .bool(isAble), "checks": .array(examination.findings.map(\.json)),
        ])
        show(examination, terminal)
        if !isAble { throw ExitCode(1) }
    }

    private func show(_ examination: Examination, _ terminal: Terminal) {
        for group in Examination.Group.allCases {
            terminal.say(terminal.styled(group.title, .strong))
            var table = Table()
            for finding in examination.findings where finding.group == group {
                let sign = finding.isGood ? terminal.check : (finding.isNeeded ? terminal.cross : terminal.dash)
                table.row(sign, finding.name, finding.detail)
            }
            terminal.say(table.text + "\n")
        }
        terminal.say(
            examination.canRun
                ? "\(terminal.check) `cloister up` and `cloister demo` can run here."
                : "\(terminal.cross) `cloister up` cannot run here: see the crosses above.")
        terminal.say(
            """

            A backup of a unit's state is ciphertext. It is worth nothing without a backup of the key service's state
            and of its master key, kept apart from each other. That a host puts back an older state of a unit is not
            detected yet.
            """)
    }
}
