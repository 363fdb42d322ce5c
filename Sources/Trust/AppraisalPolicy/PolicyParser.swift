/// Reads the grammar of section 10.1 by recursive descent, one symbol ahead.
///
/// Every problem names what was expected at its place.
struct PolicyParser {
    /// Deepest nesting of function calls.
    static let maximumDepth = 32

    private let scalars: [Unicode.Scalar]
    private let tokens: [PolicyLexer.Token]
    var index = 0
    private(set) var version = ""

    init(_ scalars: [Unicode.Scalar]) throws(PolicyError) {
        self.scalars = scalars
        tokens = try PolicyLexer.tokens(of: scalars)
    }

    /// `policy = versionInfo { section }`.
    mutating func policy() throws(PolicyError) -> PolicySyntax {
        version = try versionInfo()
        var policy = PolicySyntax(version: version)
        while current.kind != .end {
            let token = current
            let section = try sectionName()
            guard policy.sections[section] == nil else {
                throw problem("each section stands there once", "policy > section", at: token)
            }
            if section == .configurationrules, policy.version == "1.0" {
                throw problem("configurationrules needs version 1.1", "policy > section", at: token)
            }
            policy.sections[section] = try rules(of: section)
        }
        guard policy.sections[.authorizationrules] != nil else {
            throw problem("there are no authorizationrules, so nothing could be permitted", "policy > section")
        }
        return policy
    }

    // MARK: Symbols

    var current: PolicyLexer.Token { tokens[min(index, tokens.count - 1)] }

    func problem(_ text: String, _ rule: String, at token: PolicyLexer.Token? = nil) -> PolicyError {
        let token = token ?? current
        return .syntax(line: token.line, column: token.column, symbol: token.symbol, rule: rule, problem: text)
    }

    mutating func accept(_ mark: String) -> Bool {
        guard current.kind == .mark(mark) else { return false }
        index += 1
        return true
    }

    mutating func expect(_ mark: String, _ rule: String) throws(PolicyError) {
        guard accept(mark) else { throw problem("'\(mark)' expected", rule) }
    }

    mutating func identifier(_ what: String, _ rule: String) throws(PolicyError) -> String {
        guard case .identifier(let name) = current.kind else { throw problem("\(what) expected", rule) }
        index += 1
        return name
    }

    /// What the text says since the symbol `start`, on one line and cut to a length fit for reports.
    private func source(since start: Int) -> PolicySyntax.Source {
        let first = tokens[min(start, tokens.count - 1)]
        var text = ""
        // Symbol by symbol, so that line ends and comments are left out.
        var end = first.range.lowerBound
        for token in tokens[start..<max(start, index)] {
            if token.range.lowerBound > end { text += " " }
            end = token.range.upperBound
            var symbol = String.UnicodeScalarView()
            symbol.append(contentsOf: scalars[token.range].prefix(400))
            text += String(symbol)
            if text.utf8.count > 2_000 { return PolicySyntax.Source(line: first.line, text: text + " …") }
        }
        return PolicySyntax.Source(line: first.line, text: text)
    }

    // MARK: Outer rules

    private mutating func versionInfo() throws(PolicyError) -> String {
        let rule = "policy > versionInfo"
        guard case .identifier(let word) = current.kind, word.lowercased() == "version" else {
            throw problem("'version' expected", rule)
        }
        index += 1
        try expect("=", rule)
        guard case .version(let version) = current.kind, ["1.0", "1.1", "1.2"].contains(version) else {
            throw problem("1.0, 1.1 or 1.2 expected", rule)
        }
        index += 1
        try expect(";", rule)
        return version
    }

    private mutating func sectionName() throws(PolicyError) -> PolicySyntax.Section {
        guard case .identifier(let word) = current.kind, let section = PolicySyntax.Section(rawValue: word.lowercased())
        else {
            throw problem("configurationrules, authorizationrules or issuancerules expected", "policy > section")
        }
        index += 1
        return section
    }

    private mutating func rules(of section: PolicySyntax.Section) throws(PolicyError) -> [PolicySyntax.Rule] {
        let path = "policy > \(section.rawValue)"
        try expect("{", path)
        var rules: [PolicySyntax.Rule] = []
        while !accept("}") {
            guard current.kind != .end else { throw problem("a rule or '}' expected", path) }
            rules.append(try rule(in: section, path + " > rule"))
        }
        try expect(";", path)
        return rules
    }

    /// `rule = [ conditions ] "=>" action ";"`.
    private mutating func rule(
        in section: PolicySyntax.Section, _ path: String
    ) throws(PolicyError) -> PolicySyntax.Rule {
        let start = index
        var conditions: [PolicySyntax.Condition] = []
        var bound: Set<String> = []
        if !accept("=>") {
            repeat {
                let condition = try condition(bound: bound, path + " > condition")
                if !condition.isNegated, let identifier = condition.identifier { bound.insert(identifier) }
                conditions.append(condition)
            } while accept("&&")
            guard accept("=>") else { throw problem("'&&' or '=>' expected", path) }
        }
        let action = try action(in: section, bound: bound, path + " > action")
        let source = source(since: start)
        try expect(";", path)
        return PolicySyntax.Rule(conditions: conditions, action: action, source: source)
    }

    // MARK: Conditions

    private mutating func condition(
        bound: Set<String>, _ path: String
    ) throws(PolicyError) -> PolicySyntax.Condition {
        let start = index
        let token = current
        let isNegated = accept("!")
        guard !isNegated || version == "1.2" else { throw problem("negation needs version 1.2", path, at: token) }
        var name: String?
        if case .identifier(let identifier) = current.kind {
            guard !bound.contains(identifier) else { throw problem("the identifier is already used", path) }
            name = identifier
            index += 1
            try expect(":", path)
        }
        guard accept("[") else {
            let others = isNegated || name != nil ? "" : conditionStarts(start)
            throw problem("'['\(others) expected", path)
        }
        var tests: [PolicySyntax.Test] = []
        repeat { tests.append(try test(bound: bound, path)) } while accept(",")
        guard accept("]") else { throw problem("',' or ']' expected", path) }
        return PolicySyntax.Condition(
            isNegated: isNegated, identifier: name, tests: tests, source: source(since: start))
    }

    /// What else may stand where a condition begins.
    private func conditionStarts(_ start: Int) -> String {
        let isFirst = start == 0 || tokens[start - 1].kind != .mark("&&")
        return (version == "1.2" ? ", '!'" : "") + ", an identifier" + (isFirst ? " or '=>'" : "")
    }

    private mutating func test(bound: Set<String>, _ path: String) throws(PolicyError) -> PolicySyntax.Test {
        let property = try property(path)
        guard case .mark(let mark) = current.kind, let comparison = PolicySyntax.Comparison(rawValue: mark) else {
            throw problem("comparison expected: == != < <= > >=", path)
        }
        index += 1
        let expression = try expression(bound: bound, path)
        return PolicySyntax.Test(property: property, comparison: comparison, expression: expression)
    }
}
