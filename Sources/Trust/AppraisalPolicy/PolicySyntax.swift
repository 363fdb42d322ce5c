/// A parsed policy: three lists of rules in the order in which they are evaluated.
struct PolicySyntax: Hashable, Sendable {
    enum Section: String, Hashable, Sendable, CaseIterable {
        case configurationrules, authorizationrules, issuancerules
    }

    var version: String
    var sections: [Section: [Rule]] = [:]
    func rules(_ section: Section) -> [Rule] { sections[section] ?? [] }

    /// A place in the policy text, with what stands there on one line.
    struct Source: Hashable, Sendable {
        var line: Int
        var text: String
    }

    struct Rule: Hashable, Sendable {
        var conditions: [Condition]
        var action: Action
        var source: Source
    }

    /// True when some incoming claim satisfies every test; when none does, if it is negated.
    struct Condition: Hashable, Sendable {
        var isNegated: Bool
        var identifier: String?
        var tests: [Test]
        var source: Source
    }

    struct Test: Hashable, Sendable {
        var property: Property
        var comparison: Comparison
        var expression: Expression
    }

    enum Property: String, Hashable, Sendable, CaseIterable {
        case type, value, valueType, issuer
    }

    enum Comparison: String, Hashable, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    indirect enum Expression: Hashable, Sendable {
        case literal(AppraisalClaim.Value)
        case property(Property, of: String)
        case call(PolicyFunction, [Expression])
    }

    enum Action: Hashable, Sendable {
        case permit
        case deny
        case make(Destination, [Property: Expression])
        case copy(Destination, String)
    }

    /// The set beside the incoming one into which a claim goes.
    enum Destination: String, Hashable, Sendable {
        case add, issue, issueproperty
    }
}
