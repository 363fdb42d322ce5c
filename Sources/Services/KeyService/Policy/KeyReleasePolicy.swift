package import AttestationToken
package import Encoding

/// The release policy of a key, grammar 1.0.0: which authority must vouch for which claims.
///
/// A value of this type is well formed: every list has entries, every operator is known, every value is comparable.
///
/// - Source: key API reference, section 8.1.
package struct KeyReleasePolicy: Hashable, Sendable {
    /// How the parts of a list combine.
    package enum Combination: String, Sendable {
        case anyOf
        case allOf
    }

    package enum Operator: String, Sendable, CaseIterable {
        case equals
        case notEquals
        case less
        case lessOrEquals
        case greater
        case greaterOrEquals
        case exists
    }

    /// One comparison of a claim with a value that is a string, a number or a truth value.
    package struct ClaimTest: Hashable, Sendable {
        package var claim: String
        package var comparison: Operator
        package var value: JSON
    }

    package indirect enum Condition: Hashable, Sendable {
        case test(ClaimTest)
        case group(Combination, [Condition])
    }

    /// What must hold of tokens of one attestation service.
    package struct Authority: Hashable, Sendable {
        /// As it was written; compared through `AuthorityURL`.
        package var text: String
        package var url: AuthorityURL
        package var combination: Combination
        package var conditions: [Condition]
    }

    /// `allOf` at the top stands in one documented example; then every authority must be satisfied.
    package let combination: Combination
    package let authorities: [Authority]
    /// The stored form: normalised, and read again as it is.
    package let text: String
    /// SHA-256 of the stored form, the name of a policy in audit records.
    package let digest: Digest

    /// Longest policy, in bytes of JSON.
    package static let maximumBytes = 64 * 1_024
    /// Most conditions and authorities together, so that evaluation is bounded.
    static let maximumNodes = 2_048
    static let maximumClaimLength = 512
    static let maximumValueLength = 4_096
}

// MARK: Reading

extension KeyReleasePolicy {
    /// - Throws: `policy-invalid` with the one thing that is wrong, written for whoever set the policy.
    package init(parsing bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= Self.maximumBytes else { throw Self.invalid("is longer than \(Self.maximumBytes) bytes") }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Self.invalid("is not JSON: \(error)")
        }
        try self.init(json: json)
    }

    package init(json: JSON) throws(Refusal) {
        guard var members = json.object else { throw Self.invalid("is not a JSON object") }
        guard let version = members.removeValue(forKey: "version") else {
            throw Self.invalid("missing 'version' property")
        }
        // Old samples say 1.0; it is stored as 1.0.0.
        guard let version = version.string, version == "1.0.0" || version == "1.0" else {
            throw Self.invalid("'version' is not \"1.0.0\"")
        }
        var budget = Self.maximumNodes
        let (combination, entries) = try Self.list(&members, "the policy")
        var authorities: [Authority] = []
        for entry in entries {
            authorities.append(try Self.authority(entry, "\(combination.rawValue)[\(authorities.count)]", &budget))
        }
        self.combination = combination
        self.authorities = authorities
        text = Self.text(combination, authorities)
        digest = Digest(of: text)
        // The normalised form may be longer.
        guard text.utf8.count <= Self.maximumBytes else {
            throw Self.invalid("is longer than \(Self.maximumBytes) bytes")
        }
    }

    private static func authority(_ json: JSON, _ place: String, _ budget: inout Int) throws(Refusal) -> Authority {
        try spend(&budget)
        guard var members = json.object else { throw invalid("\(place) is not an object") }
        guard let text = members.removeValue(forKey: "authority") else {
            throw invalid("\(place) is missing 'authority' property")
        }
        guard let text = text.string, text.utf8.count <= 2_048, let url = AuthorityURL(text) else {
            throw invalid("'authority' of \(place) is not an https URL")
        }
        let (combination, entries) = try list(&members, place)
        return Authority(
            text: text, url: url, combination: combination,
            conditions: try conditions(entries, "\(place).\(combination.rawValue)", &budget))
    }

    private static func conditions(
        _ entries: [JSON], _ place: String, _ budget: inout Int
    ) throws(Refusal) -> [Condition] {
        var conditions: [Condition] = []
        for (index, entry) in entries.enumerated() {
            conditions.append(try condition(entry, "\(place)[\(index)]", &budget))
        }
        return conditions
    }

    // The depth is bounded by that of JSON.
    private static func condition(_ json: JSON, _ place: String, _ budget: inout Int) throws(Refusal) -> Condition {
        try spend(&budget)
        guard var members = json.object else { throw invalid("\(place) is not an object") }
        guard let claim = members.removeValue(forKey: "claim") else {
            let (combination, entries) = try list(&members, place)
            return .group(combination, try conditions(entries, "\(place).\(combination.rawValue)", &budget))
        }
        guard let claim = claim.string, (1...maximumClaimLength).contains(claim.utf8.count) else {
            throw invalid("'claim' of \(place) is not a name")
        }
        guard members.count == 1, let (name, value) = members.first else {
            throw invalid("\(place) must have exactly one operator beside 'claim'")
        }
        guard let comparison = Operator(rawValue: name) else {
            throw invalid("\(place) has an unknown operator '\(name.prefix(40))'")
        }
        try check(value, for: comparison, place)
        return .test(ClaimTest(claim: claim, comparison: comparison, value: value))
    }

    private static func check(_ value: JSON, for comparison: Operator, _ place: String) throws(Refusal) {
        let isComparable =
            switch value {
            case .string(let text): text.utf8.count <= maximumValueLength
            case .integer, .number, .bool: true
            case .null, .array, .object: false
            }
        guard isComparable else { throw invalid("the value of \(place) is not a string, a number or a truth value") }
        switch comparison {
        case .exists:
            guard ClaimComparison.truth(value) != nil else {
                throw invalid("'exists' of \(place) is not true or false")
            }
        case .less, .lessOrEquals, .greater, .greaterOrEquals:
            guard ClaimComparison.decimal(value) != nil else {
                throw invalid("'\(comparison.rawValue)' of \(place) is not a decimal number")
            }
        case .equals, .notEquals: break
        }
    }

    /// The one list of an object, and nothing beside it.
    private static func list(
        _ members: inout [String: JSON], _ place: String
    ) throws(Refusal) -> (Combination, [JSON]) {
        guard members.count == 1, let (name, value) = members.first, let combination = Combination(rawValue: name)
        else {
            if let name = members.keys.sorted().first(where: { Combination(rawValue: $0) == nil }) {
                throw invalid("\(place) has an unknown property '\(name.prefix(40))'")
            }
            throw invalid("\(place) must have either 'anyOf' or 'allOf'")
        }
        guard let entries = value.array else { throw invalid("'\(name)' of \(place) is not an array") }
        guard !entries.isEmpty else { throw invalid("'\(name)' of \(place) is empty, which would protect nothing") }
        return (combination, entries)
    }

    private static func spend(_ budget: inout Int) throws(Refusal) {
        budget -= 1
        guard budget >= 0 else { throw invalid("has more than \(maximumNodes) conditions") }
    }

    private static func invalid(_ problem: String) -> Refusal {
        Refusal(.policyInvalid, "Key Release Policy: \(problem)")
    }
}

// MARK: Writing

extension KeyReleasePolicy {
    /// The normalised form: members in the order `version`, list; `authority`, list; `claim`, operator.
    private static func text(_ combination: Combination, _ authorities: [Authority]) -> String {
        let entries = authorities.map { authority in
            "{\"authority\":\(JSON.string(authority.text).text),\(text(authority.combination, authority.conditions))}"
        }
        return "{\"version\":\"1.0.0\",\"\(combination.rawValue)\":[\(entries.joined(separator: ","))]}"
    }

    private static func text(_ combination: Combination, _ conditions: [Condition]) -> String {
        let entries = conditions.map { condition in
            switch condition {
            case .test(let test):
                "{\"claim\":\(JSON.string(test.claim).text),\"\(test.comparison.rawValue)\":\(test.value.text)}"
            case .group(let combination, let conditions): "{\(text(combination, conditions))}"
            }
        }
        return "\"\(combination.rawValue)\":[\(entries.joined(separator: ","))]"
    }
}
