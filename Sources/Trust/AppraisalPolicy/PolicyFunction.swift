import Encoding

/// The functions of version 1.2 (attestation API reference, section 10.4).
enum PolicyFunction: String, Hashable, Sendable, CaseIterable {
    case jmesPath = "JmesPath"
    case jsonToClaimValue = "JsonToClaimValue"
    case isSubsetOf = "IsSubsetOf"
    case appendString = "AppendString"
    case negateBool = "NegateBool"
    case containsOnlyValue = "ContainsOnlyValue"

    var arity: Int {
        switch self {
        case .jmesPath, .isSubsetOf, .appendString, .containsOnlyValue: 2
        case .jsonToClaimValue, .negateBool: 1
        }
    }

    typealias Values = [AppraisalClaim.Value]

    /// The values that come out for the values of each argument.
    ///
    /// - Throws: `PolicyError.evaluation` for an argument of another kind or of several values where one is needed,
    ///   and for text that is not JSON or not a query.
    func result(_ arguments: [Values], _ budget: inout StepBudget) throws(PolicyError) -> Values {
        guard let first = arguments.first, arguments.count == arity, let last = arguments.last else {
            throw problem("takes \(arity) arguments")
        }
        for value in arguments.joined() { try budget.spend(bytes: value.weight) }
        switch self {
        case .jmesPath: return [.string(try found(text(first), text(last), &budget))]
        case .jsonToClaimValue: return try claimValues(text(first))
        case .isSubsetOf: return [.boolean(Set(first).isSubset(of: Set(last)))]
        case .appendString: return [.string(try text(first) + text(last))]
        case .negateBool:
            guard case .boolean(let flag) = try single(first) else { throw problem("takes true or false") }
            return [.boolean(!flag)]
        case .containsOnlyValue:
            let value = try single(last)
            return [.boolean(!first.isEmpty && first.allSatisfy { $0 == value })]
        }
    }

    private func problem(_ text: String) -> PolicyError { .evaluation("\(rawValue) \(text)") }

    private func single(_ values: Values) throws(PolicyError) -> AppraisalClaim.Value {
        guard let value = values.first, values.count == 1 else {
            throw problem("takes one value where it was given \(values.count)")
        }
        return value
    }

    private func text(_ values: Values) throws(PolicyError) -> String {
        guard case .string(let text) = try single(values) else { throw problem("takes a string") }
        return text
    }

    private func parsed(_ text: String) throws(PolicyError) -> JSON {
        do throws(JSON.ParseError) {
            return try JSON.parse(text, maximumDepth: JMESPathEvaluation.maximumDepth)
        } catch {
            throw problem("was given text that is not JSON: \(error)")
        }
    }

    private func found(_ json: String, _ query: String, _ budget: inout StepBudget) throws(PolicyError) -> String {
        let json = try parsed(json)
        let query = try JMESPathQuery(parsing: query, &budget)
        var evaluation = JMESPathEvaluation(budget: budget)
        let found = try evaluation.result(query.root, on: json)
        try evaluation.weigh(found)
        budget = evaluation.budget
        return found.text
    }

    /// Null gives no value, an array one for each element.
    private func claimValues(_ text: String) throws(PolicyError) -> Values {
        // The documentation's own example has a bare word here.
        if PolicyFunction.isWord(text) { return [.string(text)] }
        switch try parsed(text) {
        case .null: return []
        case .array(let elements):
            var values: Values = []
            for element in elements where element != .null { values.append(try claimValue(element)) }
            return values
        case let json: return [try claimValue(json)]
        }
    }

    private func claimValue(_ json: JSON) throws(PolicyError) -> AppraisalClaim.Value {
        guard let value = AppraisalClaim.Value(json) else {
            throw problem("makes claims of strings, integers, true and false only")
        }
        return value
    }

    private static func isWord(_ text: String) -> Bool {
        guard let first = text.utf8.first, !["true", "false", "null"].contains(text) else { return false }
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        return isLetter(first)
            && text.utf8.allSatisfy {
                isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
            }
    }
}
