import Encoding
import Testing

@testable import AppraisalPolicy

/// One query over the document below; nil where it must be refused.
struct QueryCase: Sendable, CustomTestStringConvertible {
    var query: String
    var result: String?
    var testDescription: String { query }
}

@Suite("JMESPath")
struct JMESPathTests {
    static let document = #"""
        {"a":{"b":{"c":1,"d":[1,2,3]}},"list":[{"n":"x","v":3,"t":["p","q"]},{"n":"y","v":1,"t":[]},{"n":"z","v":2},
        {"v":9,"n":null}],"nested":[[0,1],[2,[3]],4],"o":{"k2":{"v":2},"k1":{"v":1},"k3":5},"e":[],"s":"text",
        "q\"x":7,"f":[1,2.5,-3],"zero":0,"no":false,"big":9223372036854775807,"u":"ÄÖ"}
        """#

    private static func evaluated(_ query: String, steps: Int = 100_000) throws(PolicyError) -> String {
        var budget = StepBudget(steps)
        let values = try PolicyFunction.jmesPath.result([[.string(document)], [.string(query)]], &budget)
        return values.map(\.description).joined(separator: " and ")
    }

    /// Lines of a query, an arrow, and what it gives; agreed with another implementation of the language.
    static let cases: [QueryCase] = lines.split(separator: "\n").map { line in
        let parts = line.split(separator: " => ")
        return QueryCase(query: String(parts[0]), result: parts[1] == "refused" ? nil : String(parts[1]))
    }

    @Test(arguments: cases)
    func `a query gives what the standard says`(_ example: QueryCase) throws {
        if let result = example.result {
            #expect(try Self.evaluated(example.query) == result)
        } else {
            #expect(throws: PolicyError.self) { try Self.evaluated(example.query) }
        }
    }

    @Test func `a query that is wrong is refused at its place`() {
        #expect(throws: PolicyError.evaluation("JmesPath query, character 3: a name, '*', '[' or '{' expected")) {
            try Self.evaluated("a.!b")
        }
    }

    @Test(
        "AC-159 nesting is bounded, however it is written", arguments: ["(", "!", "[", "a.", "a|", "a||", "&", "{a:"])
    func nesting(_ part: String) {
        #expect(throws: PolicyError.self) { try Self.evaluated(String(repeating: part, count: 5_000) + "a") }
    }

    @Test("AC-159 a value that is named again and again is not written out beyond the step limit")
    func growth() {
        let query = Array(repeating: "[@,@]", count: 25).joined(separator: "|")
        #expect(throws: PolicyError.self) { try Self.evaluated("s|" + query) }
        #expect(throws: PolicyError.self) { try Self.evaluated("s|[\(query),\(query)]|[0]==[1]") }
    }

    @Test("AC-159 work on long text is paid for")
    func longText() {
        let long = String(repeating: "a", count: 7_000)
        let query = "contains('\(long)b', '\(long.prefix(3_500))c')"
        #expect(throws: PolicyError.self) { try Self.evaluated(query, steps: 5_000) }
        #expect(throws: PolicyError.self) { try Self.evaluated("'\(long)\(long)\(long)'") }
    }

    @Test("AC-159 JSON that nests too deep is refused, and so is a result that does")
    func depth() {
        let array = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(throws: PolicyError.self) { try Self.evaluated("`\(array)`") }
        #expect(throws: PolicyError.self) {
            try Self.evaluated(Array(repeating: "[@]", count: 40).joined(separator: "|"))
        }
    }
}
