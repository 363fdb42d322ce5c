import Encoding

/// Cuts a query into symbols.
enum JMESPathLexer {
    enum Kind: Hashable {
        case name(String)
        /// In double quotes; never the name of a function.
        case quotedName(String)
        case literal(JSON)
        case number(Int)
        case mark(String)
        case end
    }

    struct Token {
        var kind: Kind
        /// Counted from 1, in Unicode scalars.
        var position: Int
    }

    static func tokens(of text: String) throws(PolicyError) -> [Token] {
        var scanner = Scanner(scalars: Array(text.unicodeScalars))
        var tokens: [Token] = []
        while let token = try scanner.next() { tokens.append(token) }
        tokens.append(Token(kind: .end, position: scanner.scalars.count + 1))
        return tokens
    }

    static func problem(_ text: String, at position: Int) -> PolicyError {
        .evaluation("JmesPath query, character \(position): \(text)")
    }

    private static let longMarks = ["[?", "[]", "||", "&&", "==", "!=", "<=", ">="]
    private static let marks: Set<Unicode.Scalar> = [
        ".", "*", "[", "]", ",", ":", "{", "}", "(", ")", "|", "&", "!", "<", ">", "@",
    ]

    private struct Scanner {
        let scalars: [Unicode.Scalar]
        var index = 0

        init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

        private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
            index + offset < scalars.count ? scalars[index + offset] : nil
        }

        private func text(_ range: Range<Int>) -> String {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[range])
            return String(text)
        }

        mutating func next() throws(PolicyError) -> Token? {
            while let scalar = peek(), scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n" {
                index += 1
            }
            guard let first = peek() else { return nil }
            let start = index
            return Token(kind: try kind(first), position: start + 1)
        }

        private mutating func kind(_ first: Unicode.Scalar) throws(PolicyError) -> Kind {
            let start = index
            switch first {
            case "a"..."z", "A"..."Z", "_":
                while let scalar = peek(), isNamePart(scalar) { index += 1 }
                return .name(text(start..<index))
            case "-", "0"..."9":
                index += 1
                while let scalar = peek(), ("0"..."9").contains(scalar) { index += 1 }
                guard let number = Int(text(start..<index)) else {
                    throw problem("this is not an index", at: start + 1)
                }
                return .number(number)
            case "\"":
                let inside = try delimited(by: "\"")
                guard let json = try? JSON.parse("\"\(inside)\""), let name = json.string else {
                    throw problem("this is not a name in quotes", at: start + 1)
                }
                return .quotedName(name)
            case "'": return .literal(.string(try unescaped(delimited(by: "'"), "'")))
            case "`":
                let inside = try unescaped(delimited(by: "`"), "`")
                guard let json = try? JSON.parse(inside, maximumDepth: JMESPathEvaluation.maximumDepth) else {
                    throw problem("this literal is not JSON", at: start + 1)
                }
                return .literal(json)
            default: return .mark(try mark(first))
            }
        }

        private func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": true
            default: false
            }
        }

        /// What stands between two `delimiter`s, with its backslashes.
        private mutating func delimited(by delimiter: Unicode.Scalar) throws(PolicyError) -> String {
            let start = index
            index += 1
            while let scalar = peek() {
                index += 1
                if scalar == delimiter { return text(start + 1..<index - 1) }
                if scalar == "\\", peek() != nil { index += 1 }
            }
            throw problem("this does not end", at: start + 1)
        }

        /// Only the delimiter itself is escaped: every other backslash stays.
        private func unescaped(_ text: String, _ delimiter: Unicode.Scalar) -> String {
            var result = String.UnicodeScalarView()
            var isEscape = false
            for scalar in text.unicodeScalars {
                if isEscape, scalar != delimiter { result.append("\\") }
                if scalar == "\\", !isEscape {
                    isEscape = true
                } else {
                    result.append(scalar)
                    isEscape = false
                }
            }
            return String(result)
        }

        private mutating func mark(_ first: Unicode.Scalar) throws(PolicyError) -> String {
            if peek(1) != nil {
                let pair = text(index..<index + 2)
                if longMarks.contains(pair) {
                    index += 2
                    return pair
                }
            }
            guard marks.contains(first) else { throw problem("no symbol begins so", at: index + 1) }
            index += 1
            return text(index - 1..<index)
        }
    }
}
