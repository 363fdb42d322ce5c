import Encoding

/// The functions of a query.
extension JMESPathEvaluation {
    private func problem(_ function: JMESPathFunction, _ text: String) -> PolicyError {
        .evaluation("JmesPath: \(function.rawValue) \(text)")
    }

    mutating func call(
        _ function: JMESPathFunction, _ arguments: [JMESPathQuery.Argument], on json: JSON
    ) throws(PolicyError) -> JSON {
        var values: [JSON] = []
        var reference: JMESPathQuery.Node?
        for argument in arguments {
            if argument.isReference {
                reference = argument.node
            } else {
                values.append(try result(argument.node, on: json))
            }
        }
        guard let first = values.first else { throw problem(function, "takes a value") }
        if let reference { return try call(function, reference, on: first) }
        switch function {
        case .abs, .ceil, .floor: return try rounded(function, first)
        case .sum, .avg: return try total(function, first)
        case .contains, .startsWith, .endsWith, .equalsIgnoreCase, .join:
            guard values.count == 2 else { throw problem(function, "takes two values") }
            return try texts(function, first, values[1])
        case .length, .reverse: return try measured(function, first)
        case .keys, .values:
            guard let members = first.object else { throw problem(function, "takes an object") }
            let names = try names(of: members)
            return .array(function == .keys ? names.map(JSON.string) : names.map { members[$0] ?? .null })
        case .merge:
            var merged: [String: JSON] = [:]
            for value in values {
                guard let members = value.object else { throw problem(function, "takes objects") }
                try budget.spend(members.count)
                merged.merge(members) { _, last in last }
            }
            return .object(merged)
        case .notNull: return values.first { $0 != .null } ?? .null
        case .sort, .min, .max:
            guard let array = first.array else { throw problem(function, "takes an array") }
            return try ordered(function, array, keys: array)
        case .toArray: return first.array == nil ? .array([first]) : first
        case .toString:
            if first.string != nil { return first }
            try weigh(first)
            return .string(first.text)
        case .toNumber: return try number(first)
        case .type: return .string(JMESPathEvaluation.type(of: first))
        case .map, .maxBy, .minBy, .sortBy: throw problem(function, "takes an expression")
        }
    }

    /// The functions that take an expression and an array.
    private mutating func call(
        _ function: JMESPathFunction, _ reference: JMESPathQuery.Node, on json: JSON
    ) throws(PolicyError) -> JSON {
        guard let array = json.array else { throw problem(function, "takes an array") }
        var keys: [JSON] = []
        for element in array { keys.append(try result(reference, on: element)) }
        return function == .map ? .array(keys) : try ordered(function, array, keys: keys)
    }

    // MARK: Numbers

    private func rounded(_ function: JMESPathFunction, _ json: JSON) throws(PolicyError) -> JSON {
        guard let value = json.double else { throw problem(function, "takes a number") }
        if case .integer(let integer) = json, function != .abs || integer != .min {
            return .integer(function == .abs ? Swift.abs(integer) : integer)
        }
        return switch function {
        case .abs: .number(value.magnitude)
        case .ceil: JMESPathEvaluation.whole(value.rounded(.up))
        default: JMESPathEvaluation.whole(value.rounded(.down))
        }
    }

    private static func whole(_ value: Double) -> JSON {
        Int64(exactly: value).map(JSON.integer) ?? .number(value)
    }

    private mutating func total(_ function: JMESPathFunction, _ json: JSON) throws(PolicyError) -> JSON {
        guard let array = json.array else { throw problem(function, "takes an array of numbers") }
        try budget.spend(array.count)
        var whole: Int64? = 0
        var total = 0.0
        for element in array {
            guard let value = element.double else { throw problem(function, "takes an array of numbers") }
            total += value
            // Exact as long as all are integers and 64 bits hold them.
            let (sum, overflows) = (whole ?? 0).addingReportingOverflow(element.integer ?? 0)
            whole = whole != nil && element.integer != nil && !overflows ? sum : nil
        }
        guard total.isFinite else { throw problem(function, "has a result out of range") }
        if function == .sum { return whole.map(JSON.integer) ?? .number(total) }
        guard !array.isEmpty else { return .null }
        return JMESPathEvaluation.whole(total / Double(array.count))
    }

    private mutating func number(_ json: JSON) throws(PolicyError) -> JSON {
        switch json {
        case .integer, .number: return json
        case .string(let text):
            try budget.spend(bytes: text.utf8.count)
            guard text.utf8.count <= 64, let number = try? JSON.parse(text), number.double != nil else { return .null }
            return number
        case .null, .bool, .array, .object: return .null
        }
    }

    // MARK: Text

    private mutating func texts(
        _ function: JMESPathFunction, _ first: JSON, _ second: JSON
    ) throws(PolicyError) -> JSON {
        if function == .contains, let array = first.array {
            for element in array where try equal(element, second) { return true }
            return false
        }
        if function == .join { return try joined(first, second) }
        guard let text = first.string, let part = second.string else {
            // `contains` finds no number in a text; the others take nothing but text.
            if function == .contains, first.string != nil { return false }
            throw problem(function, "takes two strings")
        }
        try budget.spend(bytes: text.utf8.count + part.utf8.count)
        switch function {
        case .startsWith: return .bool(text.utf8.starts(with: part.utf8))
        case .endsWith: return .bool(text.utf8.reversed().starts(with: part.utf8.reversed()))
        case .equalsIgnoreCase:
            return .bool(text.lowercased().utf8.elementsEqual(part.lowercased().utf8))
        default:
            // Paid for at its worst: each place compared to the end.
            try budget.spend(text.utf8.count / 64 * (1 + part.utf8.count / 16))
            return .bool(JMESPathEvaluation.contains(Array(text.utf8), Array(part.utf8)))
        }
    }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard part.count <= text.count else { return false }
        return (0...text.count - part.count).contains { text[$0...].starts(with: part) }
    }

    private mutating func joined(_ glue: JSON, _ parts: JSON) throws(PolicyError) -> JSON {
        guard let glue = glue.string, let parts = parts.strings else {
            throw problem(.join, "takes a string and an array of strings")
        }
        for part in parts { try budget.spend(bytes: part.utf8.count + glue.utf8.count) }
        return .string(parts.joined(separator: glue))
    }

    private mutating func measured(_ function: JMESPathFunction, _ json: JSON) throws(PolicyError) -> JSON {
        switch json {
        case .string(let text):
            try budget.spend(1 + text.utf8.count / 16)
            if function == .length { return .integer(Int64(text.unicodeScalars.count)) }
            var reversed = String.UnicodeScalarView()
            reversed.append(contentsOf: text.unicodeScalars.reversed())
            return .string(String(reversed))
        case .array(let elements):
            if function == .length { return .integer(Int64(elements.count)) }
            try budget.spend(elements.count)
            return .array(elements.reversed())
        case .object(let members) where function == .length: return .integer(Int64(members.count))
        case .null, .bool, .integer, .number, .object: throw problem(function, "takes a string or an array")
        }
    }

    private static func type(of json: JSON) -> String {
        switch json {
        case .null: "null"
        case .bool: "boolean"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    // MARK: Order

    /// `elements` in the order of their `keys`, or the one with the least or greatest key.
    private mutating func ordered(
        _ function: JMESPathFunction, _ elements: [JSON], keys: [JSON]
    ) throws(PolicyError) -> JSON {
        var bytes = 0
        for key in keys { bytes += key.string?.utf8.count ?? 0 }
        guard keys.allSatisfy({ $0.string != nil }) || keys.allSatisfy({ $0.double != nil }) else {
            throw problem(function, "takes numbers only or strings only")
        }
        // Each of log n rounds reads every key.
        let rounds = Int.bitWidth - elements.count.leadingZeroBitCount
        try budget.spend((elements.count + bytes / 64) * rounds)
        let pairs = zip(elements, keys).map { (element: $0, key: $1) }
        switch function {
        case .min, .minBy:
            return pairs.min { JMESPathEvaluation.precedes($0.key, $1.key) }?.element ?? .null
        case .max, .maxBy:
            return pairs.max { JMESPathEvaluation.precedes($0.key, $1.key) }?.element ?? .null
        default:
            return .array(pairs.sorted { JMESPathEvaluation.precedes($0.key, $1.key) }.map(\.element))
        }
    }
}
