/// PEM blocks (RFC 7468), read leniently: line ends of any kind, text between blocks, trailing NUL bytes.
public enum PEM {
    /// The decoded contents of every block with `label`, in order; nil when a block is broken.
    ///
    /// - Parameter label: for example `CERTIFICATE`.
    public static func decode(_ text: String, label: String) -> [[UInt8]]? {
        let begin = Array("-----BEGIN \(label)-----".utf8)
        let end = Array("-----END \(label)-----".utf8)
        var blocks: [[UInt8]] = []
        var inside = false
        var body: [UInt8] = []
        // Bytes, not characters: characters are slow to find, and those of a stranger may be of any length.
        for line in Array(text.utf8).split(whereSeparator: isLineEnd) {
            let line = trimmingBlanks(line)
            if line.elementsEqual(begin) {
                guard !inside else { return nil }
                inside = true
                body = []
            } else if line.elementsEqual(end) {
                guard inside, let bytes = Base64.decode(ascii: body, .lenient) else { return nil }
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
        let body = Array(Base64.encodeStandard(bytes).utf8)
        var text = Array("-----BEGIN \(label)-----\n".utf8)
        text.reserveCapacity(text.count + body.count / 64 * 65 + 128)
        for start in stride(from: 0, to: body.count, by: 64) {
            text += body[start..<min(start + 64, body.count)]
            text.append(UInt8(ascii: "\n"))
        }
        return String(decoding: text, as: UTF8.self) + "-----END \(label)-----\n"
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d || byte == 0 }
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0c).contains(byte) }

    private static func trimmingBlanks(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
    }
}
