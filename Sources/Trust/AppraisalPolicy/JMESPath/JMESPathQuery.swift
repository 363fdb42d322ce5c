import Encoding

/// A JMESPath query, parsed: the whole standard language and the function `equals_ignore_case`.
///
/// - Source: attestation API reference, section 10.4; the JMESPath specification (jmespath.org).
struct JMESPathQuery: Sendable {
    /// Longest query that is read, in bytes of UTF-8.
    static let maximumBytes = 16_384
    /// Deepest nesting of expressions; a chain such as `a.b.c` nests once for each link.
    static let maximumDepth = 96

    let root: Node

    /// - Throws: `PolicyError.evaluation` that says at which character, counted from 1, the query breaks the grammar.
    init(parsing text: String, _ budget: inout StepBudget) throws(PolicyError) {
        guard text.utf8.count <= JMESPathQuery.maximumBytes else {
            throw .evaluation("a JmesPath query is longer than \(JMESPathQuery.maximumBytes) bytes")
        }
        try budget.spend(1 + text.utf8.count / 4)
        var parser = JMESPathParser(try JMESPathLexer.tokens(of: text))
        root = try parser.query()
    }

    /// An expression; `depth` bounds the recursion of everything that walks it.
    struct Node: Sendable {
        let kind: Kind
        let depth: Int
    }

    indirect enum Kind: Sendable {
        case current
        case literal(JSON)
        case field(String)
        case index(Int)
        case slice(start: Int?, stop: Int?, step: Int)
        /// The right side, evaluated on the result of the left one: `left | right` and `left.right`.
        case chain(Node, Node)
        /// The right side on each element of an array, each value of an object, each element that passes.
        case projection(Node, Node)
        case valueProjection(Node, Node)
        case filter(Node, condition: Node, Node)
        case flatten(Node)
        case or(Node, Node)
        case and(Node, Node)
        case not(Node)
        case comparison(PolicySyntax.Comparison, Node, Node)
        case list([Node])
        case hash([Member])
        case call(JMESPathFunction, [Argument])
    }

    struct Member: Sendable {
        var name: String
        var value: Node
    }

    struct Argument: Sendable {
        var node: Node
        /// Written `&expression`: handed over unevaluated.
        var isReference: Bool
    }
}

/// The functions that a query may call.
enum JMESPathFunction: String, Sendable {
    case abs, avg, ceil, contains, floor, join, keys, length, map, max, merge, min, reverse, sort, sum, type, values
    case endsWith = "ends_with"
    case startsWith = "starts_with"
    case maxBy = "max_by"
    case minBy = "min_by"
    case sortBy = "sort_by"
    case notNull = "not_null"
    case toArray = "to_array"
    case toString = "to_string"
    case toNumber = "to_number"
    /// Not standard: what the attestation service adds.
    case equalsIgnoreCase = "equals_ignore_case"

    /// How many arguments there are; nil for one or more.
    var arity: Int? {
        switch self {
        case .notNull, .merge: nil
        case .contains, .join, .endsWith, .startsWith, .map, .maxBy, .minBy, .sortBy, .equalsIgnoreCase: 2
        default: 1
        }
    }

    /// Which argument is an expression reference.
    var reference: Int? {
        switch self {
        case .map: 0
        case .maxBy, .minBy, .sortBy: 1
        default: nil
        }
    }
}
