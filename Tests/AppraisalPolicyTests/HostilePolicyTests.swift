import AppraisalPolicy
import TestSupport
import Testing

/// Damaged policies over the claims of the vectors: each is refused or decided within the step limit, and none traps.
@Suite("Hostile policies", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct HostilePolicyTests {
    private static let mutantsPerText = 60
    private static let stepLimit = 50_000

    /// Reads and runs a text in every way there is. Only `PolicyError` may come of it.
    private func exercise(_ text: String, _ claims: [AppraisalClaim]) -> Bool {
        do throws(PolicyError) {
            let policy = try AppraisalPolicy(parsing: text)
            _ = policy.advice
            _ = try policy.evaluate(claims: claims, stepLimit: Self.stepLimit)
            _ = try policy.trace(claims: claims, stepLimit: Self.stepLimit)
            _ = try policy.flip(claims: claims, stepLimit: 2_000)
            return true
        } catch {
            #expect(error.description.utf8.count < 2_000)
            return false
        }
    }

    @Test("AC-159 AC-018 mutants of every recorded policy are refused or decided")
    func mutants() throws {
        var generator = SeededGenerator(seed: 4)
        let texts =
            PolicyVectors.texts.map { Array($0.text.utf8) } + PolicyVectors.evaluations.map { Array($0.text.utf8) }
        let claimSets = PolicyVectors.evaluations.map(\.incoming)
        var decided = 0
        for text in texts {
            for number in 0..<Self.mutantsPerText {
                var mutant = text
                for _ in 0..<(number.isMultiple(of: 4) ? 3 : 1) {
                    let other = try #require(texts.randomElement(using: &generator))
                    let mutation = try #require(Mutation.allCases.randomElement(using: &generator))
                    mutant = mutation.apply(mutant, other, &generator)
                }
                let claims = try #require(claimSets.randomElement(using: &generator))
                if exercise(String(decoding: mutant, as: UTF8.self), claims) { decided += 1 }
            }
        }
        // Enough of them get past the parser for the evaluator to be tried as well.
        #expect(decided > texts.count)
    }

    @Test("AC-159 mutants of a query and of its JSON are refused or answered")
    func queries() throws {
        var generator = SeededGenerator(seed: 5)
        let document = Array(JMESPathTests.document.utf8)
        let policy = try AppraisalPolicy(
            parsing: """
                version=1.2;authorizationrules{=>permit();};
                issuancerules{q:[type=="q"]&&j:[type=="j"]=>issue(type="r",value=JmesPath(j.value,q.value));};
                """)
        var answered = 0
        for example in JMESPathTests.cases {
            for number in 0..<30 {
                var query = Array(example.query.utf8)
                var json = document
                let other = Array(try #require(JMESPathTests.cases.randomElement(using: &generator)).query.utf8)
                let mutation = try #require(Mutation.allCases.randomElement(using: &generator))
                if number.isMultiple(of: 5) {
                    json = mutation.apply(json, other, &generator)
                } else {
                    query = mutation.apply(query, other, &generator)
                }
                let claims = [
                    AppraisalClaim("q", .string(String(decoding: query, as: UTF8.self))),
                    AppraisalClaim("j", .string(String(decoding: json, as: UTF8.self))),
                ]
                do throws(PolicyError) {
                    answered += try policy.evaluate(claims: claims, stepLimit: Self.stepLimit).issued.count
                } catch {
                    #expect(error.description.utf8.count < 2_000)
                }
            }
        }
        #expect(answered > JMESPathTests.cases.count)
    }

    /// The same again and again; a test's log names it without printing all of it.
    struct Repetition: CustomTestStringConvertible, Sendable {
        var head = ""
        let unit: String
        let count: Int
        var tail = ""

        var text: String { head + String(repeating: unit, count: count) + tail }
        var testDescription: String { "\(head)\(unit.debugDescription) × \(count)\(tail)" }
    }

    private static let rules = "authorizationrules{"

    @Test(
        "AC-159 the worst shapes end at once",
        arguments: [
            Repetition(head: "version=1.0;", unit: "(", count: 100_000),
            Repetition(head: "version=1.0;\(rules)", unit: "[type==\"a\"]&&", count: 15_000),
            Repetition(head: "version=1.0;\(rules)", unit: "=>permit();", count: 20_000, tail: "};"),
            Repetition(
                head: "version=1.2;\(rules)", unit: "![type!=\"a\"]=>add(type=\"b\",value=1);", count: 6_000,
                tail: "};"),
            Repetition(head: "version=1.2;\(rules)", unit: "!", count: 200_000),
            Repetition(
                head: "version=1.0;\(rules)[type==\"", unit: "e\u{301}", count: 50_000, tail: "\"]=>permit();};"),
            Repetition(
                head: "version=1.0;\(rules)[type==\"", unit: "\u{301}", count: 100_000, tail: "\"]=>permit();};"),
            Repetition(head: "version=1.0;", unit: "\n", count: 250_000),
            Repetition(head: "version=1.0;", unit: "/", count: 250_000),
            Repetition(unit: "\u{feff}", count: 80_000), Repetition(unit: "-", count: 200_000),
            Repetition(head: "version=1.0;\(rules)", unit: "c:", count: 100_000),
        ])
    func worstShapes(_ shape: Repetition) {
        _ = exercise(shape.text, (0..<1_000).map { AppraisalClaim("a", .integer($0)) })
    }
}
