/// Expressions and actions.
extension PolicyParser {
    mutating func property(_ path: String) throws(PolicyError) -> PolicySyntax.Property {
        guard case .identifier(let word) = current.kind, let property = PolicySyntax.Property(rawValue: word) else {
            throw problem("type, value, valueType or issuer expected", path)
        }
        index += 1
        return property
    }

    mutating func expression(
        bound: Set<String>, _ path: String, depth: Int = 0
    ) throws(PolicyError) -> PolicySyntax.Expression {
        let token = current
        switch token.kind {
        case .string(let text):
            index += 1
            return .literal(.string(text))
        case .integer(let number):
            index += 1
            return .literal(.integer(number))
        case .identifier("true"), .identifier("false"):
            index += 1
            return .literal(.boolean(token.kind == .identifier("true")))
        case .identifier(let name):
            index += 1
            if accept("(") { return try call(name, token, bound: bound, path, depth: depth + 1) }
            guard bound.contains(name) else {
                throw problem("no earlier condition of this rule has this name", path, at: token)
            }
            try expect(".", path)
            return .property(try property(path), of: name)
        case .version, .mark, .end:
            let others = version == "1.2" ? ", a claim's property or a function" : " or a claim's property"
            throw problem("string, integer, true, false\(others) expected", path)
        }
    }

    /// `functionCall`, after its opening parenthesis.
    private mutating func call(
        _ name: String, _ token: PolicyLexer.Token, bound: Set<String>, _ path: String, depth: Int
    ) throws(PolicyError) -> PolicySyntax.Expression {
        guard version == "1.2" else { throw problem("functions need version 1.2", path, at: token) }
        guard let function = PolicyFunction(rawValue: name) else {
            let names = PolicyFunction.allCases.map(\.rawValue).joined(separator: ", ")
            throw problem("one of the functions \(names) expected", path, at: token)
        }
        guard depth <= PolicyParser.maximumDepth else {
            throw problem("function calls nest deeper than \(PolicyParser.maximumDepth)", path, at: token)
        }
        var arguments: [PolicySyntax.Expression] = []
        for number in 0..<function.arity {
            if number > 0 { try expect(",", path + " > " + name) }
            arguments.append(try expression(bound: bound, path + " > " + name, depth: depth))
        }
        try expect(")", path + " > " + name)
        return .call(function, arguments)
    }

    mutating func action(
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
            throw problem("one of \(allowed.joined(separator: ", ")) expected in this section", path, at: token)
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
        guard accept(")") else { throw problem("',' or ')' expected", path) }
        return assignments
    }
}
