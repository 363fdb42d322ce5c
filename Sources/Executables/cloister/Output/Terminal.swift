import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// Writes for people, or one JSON document for programs.
struct Terminal: Sendable {
    /// Text is left out when a program reads.
    let isJSON: Bool
    private let colours: Bool

    init(json: Bool) {
        isJSON = json
        let isPlainWanted = unsafe getenv("NO_COLOR") != nil
        colours = !json && isatty(1) == 1 && !isPlainWanted
    }

    /// One line to standard output.
    static func out(_ text: String) { write(text + "\n", 1) }

    /// One line to standard error.
    static func error(_ text: String) { write(text + "\n", 2) }

    /// Bytes that are no text, to standard output.
    static func write(raw bytes: [UInt8]) { write(bytes, 1) }

    static func write(_ text: String, _ descriptor: Int32) { write(Array(text.utf8), descriptor) }

    private static func write(_ bytes: [UInt8], _ descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// A line for people; nothing when a program reads.
    func say(_ text: String = "") {
        if !isJSON { Terminal.out(text) }
    }

    /// The one document of `--json`; nothing when a person reads.
    func document(_ json: JSON) {
        if isJSON { Terminal.out(json.text) }
    }

    /// Whether lines can be redrawn.
    var isInteractive: Bool { colours }

    func redraw(_ text: String) {
        if isInteractive { Terminal.write("\r\u{1b}[2K" + text, 1) }
    }

    enum Style: String {
        case good = "32", bad = "31", dim = "2", strong = "1", warning = "33"
    }

    func styled(_ text: String, _ style: Style) -> String {
        colours ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }

    var check: String { styled("✓", .good) }
    var cross: String { styled("✗", .bad) }
    var dash: String { styled("–", .dim) }
}
