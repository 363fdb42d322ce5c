import Encoding

/// Runs a query over one JSON value.
///
/// Members of objects are visited in ascending order of their names, where the standard leaves the order open.
struct JMESPathEvaluation {
    /// Deepest nesting of the JSON that queries read and write.
    static let maximumDepth = 32

    var budget: StepBudget

    mutating func result(_ node: JMESPathQuery.Node, on json: JSON) throws(PolicyError) -> JSON {
        try budget.spend()
        switch node.kind {
        case .current: return json
        case .literal(let value): return value
        case .field(let name): return json[name] ?? .null
        case .index(let index): return JMESPathEvaluation.element(index, of: json)
        case .slice(let start, let stop, let step): return try slice(json, start, stop, step)
        case .chain(let left, let right): return try result(right, on: result(left, on: json))
        case .or(let left, let right):
            let first = try result(left, on: json)
            return first.isTruth ? first : try result(right, on: json)
        case .and(let left, let right):
            let first = try result(left, on: json)
            return first.isTruth ? try result(right, on: json) : first
        case .not(let operand): return .bool(!(try result(operand, on: json).isTruth))
        case .comparison(let comparison, let left, let right):
            return try compare(result(left, on: json), comparison, result(right, on: json))
        case .list(let nodes):
            guard json != .null else { return .null }
            var elements: [JSON] = []
            for node in nodes { elements.append(try result(node, on: json)) }
            return .array(elements)
        case .hash(let nodes):
            guard json != .null else { return .null }
            var members: [String: JSON] = [:]
            for member in nodes { members[member.name] = try result(member.value, on: json) }
            return .object(members)
        case .call(let function, let arguments): return try call(function, arguments, on: json)
        case .projection, .valueProjection, .filter, .flatten: return try project(node.kind, on: json)
        }
    }

    // MARK: Arrays

    private static func element(_ index: Int, of json: JSON) -> JSON {
        guard let array = json.array else { return .null }
        let (fromEnd, overflows) = index.addingReportingOverflow(array.count)
        let position = index < 0 ? (overflows ? -1 : fromEnd) : index
        return array.indices.contains(position) ? array[position] : .null
    }

    /// As in Python, which the standard follows.
    private mutating func slice(_ json: JSON, _ start: Int?, _ stop: Int?, _ step: Int) throws(PolicyError) -> JSON {
        guard let array = json.array else { return .null }
        try budget.spend(array.count)
        func bounded(_ position: Int?, absent: Int, _ range: ClosedRange<Int>) -> Int {
            guard let position else { return absent }
            let (fromEnd, overflows) = position.addingReportingOverflow(array.count)
            let absolute = position < 0 ? (overflows ? .min : fromEnd) : position
            return min(max(absolute, range.lowerBound), range.upperBound)
        }
        var elements: [JSON] = []
        if step > 0 {
            let end = bounded(stop, absent: array.count, 0...array.count)
            let first = bounded(start, absent: 0, 0...array.count)
            for index in stride(from: first, to: end, by: step) { elements.append(array[index]) }
        } else {
            let range = -1...max(array.count - 1, -1)
            let end = bounded(stop, absent: -1, range)
            let first = bounded(start, absent: array.count - 1, range)
            for index in stride(from: first, to: end, by: step) { elements.append(array[index]) }
        }
        return .array(elements)
    }

    private mutating func project(_ kind: JMESPathQuery.Kind, on json: JSON) throws(PolicyError) -> JSON {
        var elements: [JSON] = []
        switch kind {
        case .projection(let left, let right):
            guard let array = try result(left, on: json).array else { return .null }
            for element in array { try append(result(right, on: element), to: &elements) }
        case .valueProjection(let left, let right):
            guard let members = try result(left, on: json).object else { return .null }
            for name in try names(of: members) {
                try append(result(right, on: members[name] ?? .null), to: &elements)
            }
        case .filter(let left, let condition, let right):
            guard let array = try result(left, on: json).array else { return .null }
            for element in array where try result(condition, on: element).isTruth {
                try append(result(right, on: element), to: &elements)
            }
        case .flatten(let inner):
            guard let array = try result(inner, on: json).array else { return .null }
            for element in array {
                try budget.spend(1 + (element.array?.count ?? 0))
                elements += element.array ?? [element]
            }
        default: return .null
        }
        return .array(elements)
    }

    /// Projections leave null out.
    private mutating func append(_ json: JSON, to elements: inout [JSON]) throws(PolicyError) {
        try budget.spend()
        if json != .null { elements.append(json) }
    }

    mutating func names(of members: [String: JSON]) throws(PolicyError) -> [String] {
        try budget.spend(members.count)
        return members.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    // MARK: Comparison

    private mutating func compare(
        _ left: JSON, _ comparison: PolicySyntax.Comparison, _ right: JSON
    ) throws(PolicyError) -> JSON {
        switch comparison {
        case .equal: return .bool(try equal(left, right))
        case .notEqual: return .bool(!(try equal(left, right)))
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard left.double != nil, right.double != nil else { return .null }
            let isLess = JMESPathEvaluation.precedes(left, right)
            let isGreater = JMESPathEvaluation.precedes(right, left)
            return switch comparison {
            case .less: .bool(isLess)
            case .lessOrEqual: .bool(!isGreater)
            case .greater: .bool(isGreater)
            default: .bool(!isLess)
            }
        }
    }

    /// Deep equality; strings by code point, 1 and 1.0 are one number.
    mutating func equal(_ left: JSON, _ right: JSON) throws(PolicyError) -> Bool {
        try budget.spend()
        switch (left, right) {
        case (.string(let left), .string(let right)):
            guard left.utf8.count == right.utf8.count else { return false }
            try budget.spend(bytes: left.utf8.count)
            return left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { return false }
            for (left, right) in zip(left, right) where !(try equal(left, right)) { return false }
            return true
        case (.object(let left), .object(let right)):
            guard left.count == right.count else { return false }
            for (name, value) in left {
                guard let other = right[name], try equal(value, other) else { return false }
            }
            return true
        case (.integer, .number), (.number, .integer):
            return !JMESPathEvaluation.precedes(left, right) && !JMESPathEvaluation.precedes(right, left)
        default: return left == right
        }
    }

    /// The order of numbers, exact for integers; of strings, by code point. False for everything else.
    static func precedes(_ left: JSON, _ right: JSON) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.string(let left), .string(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
        default: if let left = left.double, let right = right.double { left < right } else { false }
        }
    }

    /// Pays for walking a whole value, and refuses one that is nested too deep to be written.
    ///
    /// A query can name one value many times, so that what it builds is far larger written than in memory.
    mutating func weigh(_ json: JSON, depth: Int = 0) throws(PolicyError) {
        guard depth <= JMESPathEvaluation.maximumDepth else {
            throw .evaluation("JmesPath: the result nests deeper than \(JMESPathEvaluation.maximumDepth)")
        }
        try budget.spend()
        switch json {
        case .string(let text): try budget.spend(bytes: text.utf8.count)
        case .array(let elements): for element in elements { try weigh(element, depth: depth + 1) }
        case .object(let members):
            for (name, value) in members {
                try budget.spend(bytes: name.utf8.count)
                try weigh(value, depth: depth + 1)
            }
        case .null, .bool, .integer, .number: break
        }
    }
}

extension JSON {
    /// Empty strings, arrays and objects, null and false are not; 0 is.
    fileprivate var isTruth: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .integer, .number: true
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        }
    }
}
