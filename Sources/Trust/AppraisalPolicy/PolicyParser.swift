/// Reads the grammar of section 10.1 by recursive descent, one symbol ahead.
struct PolicyParser {
    private let tokens: [PolicyLexer.Token]
    private var index = 0

    init(_ tokens: [PolicyLexer.Token]) {
        self.tokens = tokens
    }

    /// `policy = versionInfo { section }`.
    mutating func policy() throws(PolicyError) -> PolicySyntax {
        var policy = PolicySyntax(version: try versionInfo())
        while current.kind != .end {
            let token = current
            let section = try sectionName()
            guard policy.sections[section] == nil else {
                throw problem("the section stands there twice", "policy > section", at: token)
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

    private var current: PolicyLexer.Token { tokens[min(index, tokens.count - 1)] }

    private func problem(_ text: String, _ rule: String, at token: PolicyLexer.Token? = nil) -> PolicyError {
        let token = token ?? current
        return .syntax(line: token.line, column: token.column, symbol: token.symbol, rule: rule, problem: text)
    }

    private mutating func accept(_ mark: String) -> Bool {
        guard current.kind == .mark(mark) else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ mark: String, _ rule: String) throws(PolicyError) {
        guard accept(mark) else { throw problem("'\(mark)' expected", rule) }
    }

    private mutating func identifier(_ what: String, _ rule: String) throws(PolicyError) -> String {
        guard case .identifier(let name) = current.kind else { throw problem("\(what) expected", rule) }
        index += 1
        return name
    }

    // MARK: Outer rules

    private mutating func versionInfo() throws(PolicyError) -> String {
        let rule = "policy > versionInfo"
        guard case .identifier(let word) = current.kind, word.lowercased() == "version" else {
            throw problem("'version' expected", rule)
        }
        index += 1
        try expect("=", rule)
        guard case .version(let version) = current.kind else { throw problem("version number expected", rule) }
        switch version {
        case "1.0", "1.1": break
        case "1.2": throw .unsupportedVersion(version)
        default: throw problem("no such version of the language", rule)
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
        while !accept("}") { rules.append(try rule(in: section, path + " > rule")) }
        try expect(";", path)
        return rules
    }

    /// `rule = [ conditions ] "=>" action ";"`.
    private mutating func rule(
        in section: PolicySyntax.Section, _ path: String
    ) throws(PolicyError) -> PolicySyntax.Rule {
        var conditions: [PolicySyntax.Condition] = []
        var bound: Set<String> = []
        if !accept("=>") {
            repeat {
                let condition = try condition(bound: bound, path + " > condition")
                if let identifier = condition.identifier { bound.insert(identifier) }
                conditions.append(condition)
            } while accept("&&")
            try expect("=>", path)
        }
        let action = try action(in: section, bound: bound, path + " > action")
        try expect(";", path)
        return PolicySyntax.Rule(conditions: conditions, action: action)
    }

    // MARK: Conditions

    private mutating func condition(
        bound: Set<String>, _ path: String
    ) throws(PolicyError) -> PolicySyntax.Condition {
        if current.kind == .mark("!") { throw problem("negation needs version 1.2", path) }
        var name: String?
        if case .identifier(let identifier) = current.kind {
            guard !bound.contains(identifier) else { throw problem("the identifier is already used", path) }
            name = identifier
            index += 1
            try expect(":", path)
        }
        try expect("[", path)
        var tests: [PolicySyntax.Test] = []
        repeat {
            let property = try property(path)
            guard case .mark(let mark) = current.kind, let comparison = PolicySyntax.Comparison(rawValue: mark) else {
                throw problem("comparison expected: == != < <= > >=", path)
            }
            index += 1
            let expression = try expression(bound: bound, path)
            tests.append(PolicySyntax.Test(property: property, comparison: comparison, expression: expression))
        } while accept(",")
        try expect("]", path)
        return PolicySyntax.Condition(identifier: name, tests: tests)
    }

    private mutating func property(_ path: String) throws(PolicyError) -> PolicySyntax.Property {
        guard case .identifier(let word) = current.kind, let property = PolicySyntax.Property(rawValue: word) else {
            throw problem("type, value, valueType or issuer expected", path)
        }
        index += 1
        return property
    }

    private mutating func expression(
        bound: Set<String>, _ path: String
    ) throws(PolicyError) -> PolicySyntax.Expression {
        switch current.kind {
        case .string(let text):
            index += 1
            return .literal(.string(text))
        case .integer(let number):
            index += 1
            return .literal(.integer(number))
        case .identifier("true"), .identifier("false"):
            defer { index += 1 }
            return .literal(.boolean(current.kind == .identifier("true")))
        case .identifier(let name):
            let token = current
            index += 1
            if current.kind == .mark("(") { throw problem("functions need version 1.2", path, at: token) }
            guard bound.contains(name) else {
                throw problem("no earlier condition of this rule has this name", path, at: token)
            }
            try expect(".", path)
            return .property(try property(path), of: name)
        case .version, .mark, .end: throw problem("string, integer, true, false or a claim's property expected", path)
        }
    }

    // MARK: Actions

    private mutating func action(
        in section: PolicySyntax.Section, bound: Set<String>, _ path: String
    ) throws(PolicyError) -> PolicySyntax.Action {
        let token = current
        let name = try identifier("an action", path)
        let allowed: [String] =
            switch section {
            case .configurationrules: ["issueproperty"]
            case .authorizationrules: ["permit", "deny", "add"]
            case .issuancerules: ["add", "issue", "issueproperty"]
            }
        guard allowed.contains(name) else {
            throw problem("in this section an action is \(allowed.joined(separator: ", "))", path, at: token)
        }
        try expect("(", path)
        if name == "permit" || name == "deny" {
            try expect(")", path)
            return name == "permit" ? .permit : .deny
        }
        guard let destination = PolicySyntax.Destination(rawValue: name) else {
            throw problem("an action expected", path, at: token)
        }
        if current.kind == .identifier("claim") { return .copy(destination, try copied(bound: bound, path)) }
        return .make(destination, try assignments(bound: bound, path))
    }

    /// `claim = identifier )`.
    private mutating func copied(bound: Set<String>, _ path: String) throws(PolicyError) -> String {
        index += 1
        try expect("=", path)
        let token = current
        let name = try identifier("the name of a condition", path)
        guard bound.contains(name) else {
            throw problem("no earlier condition of this rule has this name", path, at: token)
        }
        try expect(")", path)
        return name
    }

    /// `property = expression { , … } )`, with `type` and `value` among them.
    private mutating func assignments(
        bound: Set<String>, _ path: String
    ) throws(PolicyError) -> [PolicySyntax.Property: PolicySyntax.Expression] {
        var assignments: [PolicySyntax.Property: PolicySyntax.Expression] = [:]
        repeat {
            let token = current
            let property = try property(path)
            guard assignments[property] == nil else { throw problem("assigned twice", path, at: token) }
            try expect("=", path)
            assignments[property] = try expression(bound: bound, path)
        } while accept(",")
        guard assignments[.type] != nil, assignments[.value] != nil else {
            throw problem("a claim needs both type and value", path)
        }
        try expect(")", path)
        return assignments
    }
}
