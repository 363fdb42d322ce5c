/// Cuts a policy text into symbols and remembers where each stands.
enum PolicyLexer {
    enum Kind: Hashable, Sendable {
        case identifier(String)
        case string(String)
        case integer(Int64)
        /// Digits, a point, digits: only in `version`.
        case version(String)
        /// One of `; { } [ ] ( ) , : . ! = == != < <= > >= => &&`.
        case mark(String)
        case end
    }

    struct Token: Hashable, Sendable {
        var kind: Kind
        /// As written, cut to a length fit for messages.
        var symbol: String
        var line: Int
        var column: Int
        /// Where it stands among the text's scalars.
        var range: Range<Int>
    }

    /// The symbols of a text, closed by one `.end`. A byte-order mark at the start is skipped.
    static func tokens(of scalars: [Unicode.Scalar]) throws(PolicyError) -> [Token] {
        var scanner = Scanner(scalars: scalars)
        if scanner.scalars.first == "\u{feff}" { scanner.index = 1 }
        var tokens: [Token] = []
        while let token = try scanner.next() { tokens.append(token) }
        tokens.append(
            Token(
                kind: .end, symbol: "end of text", line: scanner.line, column: scanner.column,
                range: scanner.index..<scanner.index))
        return tokens
    }

    private struct Scanner {
        let scalars: [Unicode.Scalar]
        var index = 0
        var line = 1
        var column = 1

        init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

        private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
            index + offset < scalars.count ? scalars[index + offset] : nil
        }

        private mutating func advance() {
            if scalars[index] == "\n" {
                line += 1
                column = 1
            } else {
                column += 1
            }
            index += 1
        }

        private mutating func skipBlanksAndComments() {
            while let scalar = peek() {
                if scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n" {
                    advance()
                } else if scalar == "/", peek(1) == "/" {
                    while let scalar = peek(), scalar != "\n" {
                        _ = scalar
                        advance()
                    }
                } else {
                    return
                }
            }
        }

        mutating func next() throws(PolicyError) -> Token? {
            skipBlanksAndComments()
            guard let first = peek() else { return nil }
            let start = (index: index, line: line, column: column)
            let kind: Kind
            if PolicyLexer.isLetter(first) {
                while let scalar = peek(), PolicyLexer.isLetter(scalar) || PolicyLexer.isDigit(scalar) || scalar == "_"
                {
                    advance()
                }
                kind = .identifier(text(from: start.index))
            } else if PolicyLexer.isDigit(first) || first == "-" {
                kind = try number(start)
            } else if first == "\"" {
                kind = .string(try string(start))
            } else {
                kind = .mark(try mark(first))
            }
            let symbol = String(text(from: start.index).prefix(40))
            return Token(
                kind: kind, symbol: symbol, line: start.line, column: start.column, range: start.index..<index)
        }

        private func text(from start: Int) -> String {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[start..<index])
            return String(text)
        }

        private func problem(
            _ text: String, _ symbol: String, at start: (index: Int, line: Int, column: Int)
        ) -> PolicyError {
            .syntax(line: start.line, column: start.column, symbol: symbol, rule: "policy", problem: text)
        }

        private mutating func number(_ start: (index: Int, line: Int, column: Int)) throws(PolicyError) -> Kind {
            advance()
            while let scalar = peek(), PolicyLexer.isDigit(scalar) { advance() }
            if scalars[start.index] != "-", peek() == ".", let digit = peek(1), PolicyLexer.isDigit(digit) {
                advance()
                while let scalar = peek(), PolicyLexer.isDigit(scalar) { advance() }
                return .version(text(from: start.index))
            }
            let digits = text(from: start.index)
            guard let value = Int64(digits) else {
                throw problem("this is not an integer of 64 bits", String(digits.prefix(40)), at: start)
            }
            return .integer(value)
        }

        /// A backslash takes the next character literally.
        private mutating func string(_ start: (index: Int, line: Int, column: Int)) throws(PolicyError) -> String {
            advance()
            var value = String.UnicodeScalarView()
            while let scalar = peek() {
                advance()
                switch scalar {
                case "\"": return String(value)
                case "\\":
                    guard let escaped = peek() else { break }
                    value.append(escaped)
                    advance()
                default: value.append(scalar)
                }
            }
            throw problem("this string does not end", "\"", at: start)
        }

        private mutating func mark(_ first: Unicode.Scalar) throws(PolicyError) -> String {
            if let second = peek(1) {
                let pair = String(Character(first)) + String(Character(second))
                if ["==", "!=", "<=", ">=", "=>", "&&"].contains(pair) {
                    advance()
                    advance()
                    return pair
                }
            }
            let single = String(Character(first))
            guard [";", "{", "}", "[", "]", "(", ")", ",", ":", ".", "!", "=", "<", ">"].contains(single) else {
                throw problem("no symbol of the language begins so", single, at: (index, line, column))
            }
            advance()
            return single
        }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}
