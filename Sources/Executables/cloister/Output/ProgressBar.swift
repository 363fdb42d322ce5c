/// One line that is redrawn while something large goes on; nothing where lines cannot be redrawn.
struct ProgressBar {
    private static let width = 32
    private let terminal: Terminal
    private let label: String
    private let total: Int

    init(_ terminal: Terminal, _ label: String, total: Int) {
        self.terminal = terminal
        self.label = label
        self.total = max(total, 1)
    }

    func show(_ done: Int) {
        let filled = ProgressBar.width * min(done, total) / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: ProgressBar.width - filled)
        terminal.redraw("  … \(label) \(bar) \(100 * min(done, total) / total) %")
    }
}
