extension JSON {
    /// Why bytes are not JSON that Cloister reads. `offset` is the byte at which reading stopped.
    public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        public var offset: Int
        public var problem: String
        public var description: String { "\(problem) at byte \(offset)" }
    }

    /// Parses one JSON text that fills `bytes`.
    ///
    /// Refuses a byte-order mark, duplicate names, unpaired surrogates, invalid UTF-8, text that is not stream-safe
    /// (`String.init(streamSafe:)`), and nesting beyond `maximumDepth`. The caller checks the size before.
    public static func parse(_ bytes: some Collection<UInt8>, maximumDepth: Int = 16) throws(ParseError) -> JSON {
        var parser = Parser(bytes: Array(bytes), maximumDepth: maximumDepth)
        return try parser.document()
    }

    public static func parse(_ text: String, maximumDepth: Int = 16) throws(ParseError) -> JSON {
        try parse(Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// Parses an object that was hashed or signed, and refuses it unless its bytes are their own JCS form (RFC 8785).
    ///
    /// - Throws: `Refusal` with `code`.
    public static func parseCanonical(
        _ bytes: some Collection<UInt8>, _ what: String, refusing code: RefusalCode
    ) throws(Refusal) -> JSON {
        let bytes = Array(bytes)
        let value: JSON
        do throws(ParseError) { value = try parse(bytes) } catch { throw Refusal(code, "\(what): \(error)") }
        guard value.canonical == bytes else { throw Refusal(code, "\(what) is not in its canonical form (RFC 8785)") }
        return value
    }
}

private struct Parser {
    let bytes: [UInt8]
    let maximumDepth: Int
    var index = 0

    init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func document() throws(JSON.ParseError) -> JSON {
        let value = try value(depth: 0)
        skipBlanks()
        guard index == bytes.count else { throw problem("bytes after the end of the value") }
        return value
    }

    private func problem(_ text: String) -> JSON.ParseError { JSON.ParseError(offset: index, problem: text) }
    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { index += 1 }
    }

    private mutating func value(depth: Int) throws(JSON.ParseError) -> JSON {
        skipBlanks()
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try number()
        case nil: throw problem("end of text where a value should be")
        default: throw problem("unexpected character")
        }
    }

    private mutating func literal(_ text: StaticString, _ value: JSON) throws(JSON.ParseError) -> JSON {
        let expected = Array(text.description.utf8)
        guard bytes[index...].starts(with: expected) else { throw problem("unexpected character") }
        index += expected.count
        return value
    }

    private mutating func object(depth: Int) throws(JSON.ParseError) -> JSON {
        guard depth <= maximumDepth else { throw problem("nested deeper than \(maximumDepth)") }
        index += 1
        var members: [(name: String, value: JSON)] = []
        skipBlanks()
        if current == UInt8(ascii: "}") {
            index += 1
            return .object([:])
        }
        while true {
            skipBlanks()
            guard current == UInt8(ascii: "\"") else { throw problem("member name expected") }
            let name = try string()
            skipBlanks()
            guard current == UInt8(ascii: ":") else { throw problem("colon expected") }
            index += 1
            members.append((name, try value(depth: depth)))
            skipBlanks()
            switch current {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "}"):
                index += 1
                return .object(try dictionary(members))
            default: throw problem("comma or closing brace expected")
            }
        }
    }

    /// Made when the number of members is known, so that it need not grow.
    private func dictionary(_ members: [(name: String, value: JSON)]) throws(JSON.ParseError) -> [String: JSON] {
        var dictionary = [String: JSON](minimumCapacity: members.count)
        for member in members {
            guard dictionary.updateValue(member.value, forKey: member.name) == nil else {
                throw problem("duplicate member name")
            }
        }
        return dictionary
    }

    private mutating func array(depth: Int) throws(JSON.ParseError) -> JSON {
        guard depth <= maximumDepth else { throw problem("nested deeper than \(maximumDepth)") }
        index += 1
        var elements: [JSON] = []
        skipBlanks()
        if current == UInt8(ascii: "]") {
            index += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: depth))
            skipBlanks()
            switch current {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "]"):
                index += 1
                return .array(elements)
            default: throw problem("comma or closing bracket expected")
            }
        }
    }

    private mutating func number() throws(JSON.ParseError) -> JSON {
        let start = index
        if current == UInt8(ascii: "-") { index += 1 }
        let firstDigit = index
        try digits()
        if bytes[firstDigit] == UInt8(ascii: "0"), index - firstDigit > 1 {
            throw problem("number with a leading zero")
        }
        var isInteger = true
        if current == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isInteger = false
            index += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        guard index - start <= 64 else { throw problem("number longer than 64 characters") }
        if isInteger, firstDigit == start, index - start <= 18 {
            return .integer(bytes[start..<index].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) })
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let double = Double(text), double.isFinite else { throw problem("number out of range") }
        return .number(double)
    }

    private mutating func digits() throws(JSON.ParseError) {
        let start = index
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        guard index > start else { throw problem("digit expected") }
    }

    private mutating func string() throws(JSON.ParseError) -> String {
        index += 1
        var run = index
        skipPlainText()
        // Empty until the first escape; most strings have none and are read where they stand.
        var text: [UInt8] = []
        while true {
            guard let byte = current else { throw problem("end of text in a string") }
            switch byte {
            case UInt8(ascii: "\""):
                let end = index
                index += 1
                if !text.isEmpty { text += bytes[run..<end] }
                let string =
                    text.isEmpty
                    ? String(streamSafe: bytes.span.extracting(run..<end)) : String(streamSafe: text.span)
                guard let string else { throw problem("invalid UTF-8, or too many combining marks in a row") }
                return string
            case UInt8(ascii: "\\"):
                text += bytes[run..<index]
                index += 1
                try escape(into: &text)
                run = index
                skipPlainText()
            default: throw problem("control character in a string")
            }
        }
    }

    /// To the next quotation mark, escape or control character.
    private mutating func skipPlainText() {
        var end = index
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            end += 1
        }
        index = end
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSON.ParseError) {
        guard let byte = current else { throw problem("end of text in a string") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexUnit()
            if (0xd800...0xdbff).contains(code) {
                guard current == UInt8(ascii: "\\"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "u")
                else {
                    throw problem("unpaired surrogate")
                }
                index += 2
                let low = try hexUnit()
                guard (0xdc00...0xdfff).contains(low) else { throw problem("unpaired surrogate") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw problem("unpaired surrogate") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw problem("unknown escape")
        }
    }

    private mutating func hexUnit() throws(JSON.ParseError) -> UInt32 {
        guard index + 4 <= bytes.count,
            let pair = Hex.decode(String(decoding: bytes[index..<index + 4], as: UTF8.self))
        else { throw problem("four hexadecimal digits expected") }
        index += 4
        return UInt32(pair[0]) << 8 | UInt32(pair[1])
    }
}
