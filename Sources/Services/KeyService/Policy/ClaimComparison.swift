import Encoding

/// How a claim of a token is compared with a value of a policy.
///
/// Loose in one respect only: a string stands for the truth value or number that is written the same way. Case,
/// blanks and other spellings of a number differ; arrays, objects and null match nothing.
///
/// - Source: key API reference, section 8.2.
enum ClaimComparison {
    /// The text of a scalar; nil for anything else.
    static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .bool(let truth): truth ? "true" : "false"
        case .integer, .number: value.text
        case .null, .array, .object: nil
        }
    }

    static func truth(_ value: JSON) -> Bool? {
        switch text(value) {
        case "true": true
        case "false": false
        default: nil
        }
    }

    static func decimal(_ value: JSON) -> DecimalNumber? {
        switch value {
        case .string, .integer, .number: text(value).flatMap { DecimalNumber($0) }
        case .bool, .null, .array, .object: nil
        }
    }

    /// Byte for byte: Swift's own comparison would take canonically equivalent Unicode spellings as equal.
    static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    /// Whether `test` holds of the claim that its path leads to; nil for a claim that is not there.
    static func holds(_ test: KeyReleasePolicy.ClaimTest, of claim: JSON?) -> Bool {
        switch test.comparison {
        case .equals: isSame(claim, test.value) == true
        case .notEquals: isSame(claim, test.value) == false
        case .less: isOrdered(claim, test.value, by: <)
        case .lessOrEquals: isOrdered(claim, test.value, by: <=)
        case .greater: isOrdered(claim, test.value, by: >)
        case .greaterOrEquals: isOrdered(claim, test.value, by: >=)
        case .exists: truth(test.value) == (claim != nil)
        }
    }

    /// Nil when there is nothing to compare.
    private static func isSame(_ claim: JSON?, _ value: JSON) -> Bool? {
        guard let seen = claim.flatMap(text), let expected = text(value) else { return nil }
        return isSame(seen, expected)
    }

    private static func isOrdered(
        _ claim: JSON?, _ value: JSON, by order: (DecimalNumber, DecimalNumber) -> Bool
    ) -> Bool {
        guard let seen = claim.flatMap(decimal), let expected = decimal(value) else { return false }
        return order(seen, expected)
    }

    /// Follows a path through nested objects; names may hold dots, so what is left is tried as one name first.
    static func resolve(_ path: String, in claims: JSON) -> JSON? {
        var object = claims
        var rest = path[...]
        while true {
            if let value = object[String(rest)] { return value }
            guard let dot = rest.firstIndex(of: "."), let next = object[String(rest[..<dot])] else { return nil }
            object = next
            rest = rest[rest.index(after: dot)...]
        }
    }
}

/// A decimal number of any length, compared exactly: TCB versions are 64-bit numbers written as text.
struct DecimalNumber: Comparable {
    private let isNegative: Bool
    /// Without leading zeros.
    private let whole: [UInt8]
    /// Without trailing zeros.
    private let fraction: [UInt8]

    /// `-`, digits, and perhaps a point with digits; nil for anything else, exponents included.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard rest.count <= 128 else { return nil }
        let hasSign = rest.first == UInt8(ascii: "-")
        if hasSign { rest = rest.dropFirst() }
        let parts = rest.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ part in
                !part.isEmpty && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            })
        else { return nil }
        whole = Array(parts[0].drop { $0 == UInt8(ascii: "0") })
        var fraction = parts.count == 2 ? Array(parts[1]) : []
        while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        self.fraction = fraction
        isNegative = hasSign && !(whole.isEmpty && fraction.isEmpty)
    }

    static func < (left: DecimalNumber, right: DecimalNumber) -> Bool {
        guard left.isNegative == right.isNegative else { return left.isNegative }
        let (small, large) = left.isNegative ? (right, left) : (left, right)
        if small.whole.count != large.whole.count { return small.whole.count < large.whole.count }
        if small.whole != large.whole { return small.whole.lexicographicallyPrecedes(large.whole) }
        return small.fraction.lexicographicallyPrecedes(large.fraction)
    }
}
