import Encoding

/// Reads a query by operator precedence.
struct JMESPathParser {
    private typealias Node = JMESPathQuery.Node
    private let tokens: [JMESPathLexer.Token]
    private var index = 0
    private var nesting = 0

    init(_ tokens: [JMESPathLexer.Token]) { self.tokens = tokens }

    mutating func query() throws(PolicyError) -> JMESPathQuery.Node {
        let node = try expression(0)
        guard token.kind == .end else { throw problem("an operator or the end expected") }
        return node
    }

    // MARK: Symbols

    private var token: JMESPathLexer.Token { tokens[min(index, tokens.count - 1)] }
    private var following: JMESPathLexer.Kind { tokens[min(index + 1, tokens.count - 1)].kind }

    private func problem(_ text: String) -> PolicyError { JMESPathLexer.problem(text, at: token.position) }

    private mutating func accept(_ mark: String) -> Bool {
        guard token.kind == .mark(mark) else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ mark: String) throws(PolicyError) {
        guard accept(mark) else { throw problem("'\(mark)' expected") }
    }

    private func node(_ kind: JMESPathQuery.Kind, over children: [Node] = []) throws(PolicyError) -> Node {
        let depth = 1 + (children.map(\.depth).max() ?? 0)
        guard depth <= JMESPathQuery.maximumDepth else {
            throw problem("the query nests deeper than \(JMESPathQuery.maximumDepth)")
        }
        return Node(kind: kind, depth: depth)
    }

    private func current() throws(PolicyError) -> Node { try node(.current) }

    // MARK: Precedence

    /// How tightly each operator binds what stands before it.
    private static let power: [String: Int] = [
        "|": 1, "||": 2, "&&": 3, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5, "[]": 9, "[?": 21, ".": 40,
        "[": 55,
    ]
    /// Operators that bind less end what a projection does to each element.
    private static let projectionStop = 10
    private static let starPower = 20
    private static let notPower = 45

    private var power: Int {
        guard case .mark(let mark) = token.kind else { return 0 }
        return JMESPathParser.power[mark] ?? 0
    }

    private mutating func expression(_ least: Int) throws(PolicyError) -> Node {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= JMESPathQuery.maximumDepth else {
            throw problem("the query nests deeper than \(JMESPathQuery.maximumDepth)")
        }
        var left = try operand()
        while least < power { left = try operation(on: left) }
        return left
    }

    // MARK: Beginnings

    private mutating func operand() throws(PolicyError) -> Node {
        switch token.kind {
        case .literal(let json):
            index += 1
            return try node(.literal(json))
        case .name(let name):
            index += 1
            return token.kind == .mark("(") ? try call(name) : try node(.field(name))
        case .quotedName(let name):
            index += 1
            return try node(.field(name))
        case .mark("@"):
            index += 1
            return try current()
        case .mark("!"):
            index += 1
            let operand = try expression(JMESPathParser.notPower)
            return try node(.not(operand), over: [operand])
        case .mark("("):
            index += 1
            let inside = try expression(0)
            try expect(")")
            return inside
        case .mark("*"):
            index += 1
            return try projected(current(), JMESPathParser.starPower) { .valueProjection($0, $1) }
        case .mark("{"):
            index += 1
            return try hash()
        case .mark("["):
            if isSubscript { return try subscripted(current()) }
            index += 1
            return try list()
        case .mark("[]"), .mark("[?"): return try operation(on: current())
        case .mark, .number, .end: throw problem("a name, a literal, '@', '*', '[', '{', '(' or '!' expected")
        }
    }

    /// Whether the bracket here holds an index, a slice or a star, and not expressions.
    private var isSubscript: Bool {
        switch following {
        case .number, .mark(":"): true
        case .mark("*"): index + 2 < tokens.count && tokens[index + 2].kind == .mark("]")
        default: false
        }
    }

    private mutating func call(_ name: String) throws(PolicyError) -> Node {
        guard let function = JMESPathFunction(rawValue: name) else {
            index -= 1
            throw problem("there is no function of this name")
        }
        try expect("(")
        var arguments: [JMESPathQuery.Argument] = []
        while !accept(")") {
            if !arguments.isEmpty { try expect(",") }
            let isReference = accept("&")
            guard isReference == (function.reference == arguments.count) else {
                throw problem(isReference ? "no '&' expected" : "'&' and an expression expected")
            }
            arguments.append(JMESPathQuery.Argument(node: try expression(0), isReference: isReference))
        }
        guard function.arity.map({ $0 == arguments.count }) ?? !arguments.isEmpty else {
            throw problem("'\(name)' takes \(function.arity.map(String.init) ?? "some") arguments")
        }
        return try node(.call(function, arguments), over: arguments.map(\.node))
    }

    private mutating func list() throws(PolicyError) -> Node {
        var nodes: [Node] = []
        repeat { nodes.append(try expression(0)) } while accept(",")
        try expect("]")
        return try node(.list(nodes), over: nodes)
    }

    private mutating func hash() throws(PolicyError) -> Node {
        var members: [JMESPathQuery.Member] = []
        repeat {
            let name: String
            switch token.kind {
            case .name(let text), .quotedName(let text): name = text
            case .literal, .number, .mark, .end: throw problem("the name of a member expected")
            }
            index += 1
            try expect(":")
            members.append(JMESPathQuery.Member(name: name, value: try expression(0)))
        } while accept(",")
        try expect("}")
        return try node(.hash(members), over: members.map(\.value))
    }

    // MARK: Continuations

    private mutating func operation(on left: Node) throws(PolicyError) -> Node {
        guard case .mark(let mark) = token.kind else { throw problem("an operator expected") }
        if mark == "[" { return try subscripted(left) }
        index += 1
        if let comparison = PolicySyntax.Comparison(rawValue: mark) {
            let right = try expression(5)
            return try node(.comparison(comparison, left, right), over: [left, right])
        }
        switch mark {
        case "|":
            let right = try expression(1)
            return try node(.chain(left, right), over: [left, right])
        case "||":
            let right = try expression(2)
            return try node(.or(left, right), over: [left, right])
        case "&&":
            let right = try expression(3)
            return try node(.and(left, right), over: [left, right])
        case ".":
            if accept("*") { return try projected(left, 40) { .valueProjection($0, $1) } }
            let right = try member(40)
            return try node(.chain(left, right), over: [left, right])
        case "[]":
            return try projected(node(.flatten(left), over: [left]), 9) { .projection($0, $1) }
        case "[?":
            let condition = try expression(0)
            try expect("]")
            let right = try elementExpression(21)
            return try node(.filter(left, condition: condition, right), over: [left, condition, right])
        default: throw problem("an operator expected")
        }
    }

    /// `[3]`, `[1:2]` or `[*]` after `left`.
    private mutating func subscripted(_ left: Node) throws(PolicyError) -> Node {
        try expect("[")
        if accept("*") {
            try expect("]")
            return try projected(left, JMESPathParser.starPower) { .projection($0, $1) }
        }
        var parts: [Int?] = [nil]
        while !accept("]") {
            if case .number(let number) = token.kind, parts[parts.count - 1] == nil {
                parts[parts.count - 1] = number
                index += 1
            } else if token.kind == .mark(":"), parts.count < 3 {
                parts.append(nil)
                index += 1
            } else {
                throw problem("an index, a slice or ']' expected")
            }
        }
        if parts.count == 1 {
            guard let position = parts[0] else { throw problem("an index expected") }
            let right = try node(.index(position))
            return try node(.chain(left, right), over: [left, right])
        }
        let step = parts.count == 3 ? parts[2] ?? 1 : 1
        guard step != 0 else { throw problem("the step of a slice cannot be 0") }
        let slice = try node(.slice(start: parts[0], stop: parts[1], step: step))
        let sliced = try node(.chain(left, slice), over: [left, slice])
        return try projected(sliced, JMESPathParser.starPower) { .projection($0, $1) }
    }

    /// What follows a dot.
    private mutating func member(_ least: Int) throws(PolicyError) -> Node {
        switch token.kind {
        case .name, .quotedName, .mark("*"): return try expression(least)
        case .mark("["):
            index += 1
            return try list()
        case .mark("{"):
            index += 1
            return try hash()
        case .literal, .number, .mark, .end: throw problem("a name, '*', '[' or '{' expected")
        }
    }

    private mutating func projected(
        _ left: Node, _ least: Int, _ kind: (Node, Node) -> JMESPathQuery.Kind
    ) throws(PolicyError) -> Node {
        let right = try elementExpression(least)
        return try node(kind(left, right), over: [left, right])
    }

    /// What a projection does to each element: everything up to an operator that ends it.
    private mutating func elementExpression(_ least: Int) throws(PolicyError) -> Node {
        if power < JMESPathParser.projectionStop { return try current() }
        if accept(".") { return try member(least) }
        return try expression(least)
    }
}
