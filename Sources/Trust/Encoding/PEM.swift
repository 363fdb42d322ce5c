/// PEM blocks (RFC 7468), read leniently: line ends of any kind, text between blocks, trailing NUL bytes.
public enum PEM {
    /// The decoded contents of every block with `label`, in order; nil when a block is broken.
    ///
    /// - Parameter label: for example `CERTIFICATE`.
    public static func decode(_ text: String, label: String) -> [[UInt8]]? {
        let begin = "-----BEGIN \(label)-----"
        let end = "-----END \(label)-----"
        var blocks: [[UInt8]] = []
        var inside = false
        var body = ""
        for line in text.split(whereSeparator: { $0.isNewline || $0 == "\0" }) {
            let line = line.trimmingSpaces()
            if line == begin {
                guard !inside else { return nil }
                inside = true
                body = ""
            } else if line == end {
                guard inside, let bytes = Base64.decode(body, .lenient) else { return nil }
                blocks.append(bytes)
                inside = false
            } else if inside {
                body += line
            }
        }
        return inside ? nil : blocks
    }

    /// One block with 64-column lines, line feeds, and a final line feed.
    public static func encode(_ bytes: some Sequence<UInt8>, label: String) -> String {
        var text = "-----BEGIN \(label)-----\n"
        var rest = Base64.encodeStandard(bytes)[...]
        while !rest.isEmpty {
            text += rest.prefix(64) + "\n"
            rest = rest.dropFirst(64)
        }
        return text + "-----END \(label)-----\n"
    }
}

extension StringProtocol {
    fileprivate func trimmingSpaces() -> String {
        var slice = self[...]
        while let first = slice.first, first.isWhitespace { slice = slice.dropFirst() }
        while let last = slice.last, last.isWhitespace { slice = slice.dropLast() }
        return String(slice)
    }
}
