extension JSON {
    /// The JCS form (RFC 8785): names sorted by UTF-16 code units, no blanks, shortest numbers.
    public var canonical: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    /// The JCS form as text.
    public var text: String { String(decoding: canonical, as: UTF8.self) }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): output.append(contentsOf: String(value).utf8)
        case .number(let value): output.append(contentsOf: JSON.ecmaScript(value).utf8)
        case .string(let value): JSON.write(value, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            let members = members.sorted { JSON.precedes($0.key, $1.key) }
            for (index, (name, value)) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSON.write(name, to: &output)
                output.append(UInt8(ascii: ":"))
                value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// The order of UTF-16 code units. UTF-8 has the same, but for what lies above the surrogates and beyond the first
    /// plane.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        let (ours, theirs) = (left.utf8.span, right.utf8.span)
        for index in 0..<min(ours.count, theirs.count) where ours[index] != theirs[index] {
            return max(ours[index], theirs[index]) < 0xee
                ? ours[index] < theirs[index] : left.utf16.lexicographicallyPrecedes(right.utf16)
        }
        return ours.count < theirs.count
    }

    private static func write(_ string: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        defer { output.append(UInt8(ascii: "\"")) }
        if isPlain(string.utf8.span) { return output.append(contentsOf: string.utf8) }
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x08: output.append(contentsOf: "\\b".utf8)
            case 0x09: output.append(contentsOf: "\\t".utf8)
            case 0x0a: output.append(contentsOf: "\\n".utf8)
            case 0x0c: output.append(contentsOf: "\\f".utf8)
            case 0x0d: output.append(contentsOf: "\\r".utf8)
            case 0..<0x20: output.append(contentsOf: "\\u00\(Hex.encode([byte]))".utf8)
            default: output.append(byte)
            }
        }
    }

    /// Whether a text is written as it is. Eight bytes at a time, since most of what is written is long and plain: each
    /// byte's highest bit says whether it, or one before it, is less than a blank, a quote or a backslash.
    private static func isPlain(_ text: Span<UInt8>) -> Bool {
        func all(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 * UInt64(byte) }
        func less(_ word: UInt64, _ byte: UInt8) -> UInt64 { (word &- all(byte)) & ~word }
        let words = text.count / 8
        var found: UInt64 = 0
        for word in 0..<words {
            let eight = unsafe text.bytes.unsafeLoadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)
            found |= less(eight, 0x20)
            found |= less(eight ^ all(UInt8(ascii: "\"")), 1)
            found |= less(eight ^ all(UInt8(ascii: "\\")), 1)
        }
        var isPlain = found & all(0x80) == 0
        for index in 8 * words..<text.count {
            let byte = text[index]
            isPlain = isPlain && byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        return isPlain
    }

    /// The shortest form that reads back as `value`, laid out as ECMAScript does (RFC 8785 section 3.2.2.3).
    private static func ecmaScript(_ value: Double) -> String {
        if value == 0 { return "0" }
        // Swift prints the same shortest digits; only the layout of the exponent differs.
        var text = value.magnitude.description
        var exponent = 0
        if let marker = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: marker)...]) ?? 0
            text = String(text[..<marker])
        }
        let point = text.firstIndex(of: ".") ?? text.endIndex
        let whole = text[..<point]
        var digits = String(whole) + text[point...].dropFirst()
        var pointPosition = whole.count + exponent
        while digits.hasPrefix("0"), digits.count > 1 {
            digits.removeFirst()
            pointPosition -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        switch pointPosition {
        case digits.count...21:
            return sign + digits + String(repeating: "0", count: pointPosition - digits.count)
        case 1...21:
            return sign + digits.prefix(pointPosition) + "." + digits.dropFirst(pointPosition)
        case -5...0:
            return sign + "0." + String(repeating: "0", count: -pointPosition) + digits
        default:
            let power = pointPosition - 1
            let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
            return sign + digits.prefix(1) + fraction + "e" + (power < 0 ? "-" : "+") + String(power.magnitude)
        }
    }
}
