import AppraisalPolicy
import Testing

/// A text that must not parse, and where the parser must say so.
struct BrokenPolicy: Sendable, CustomTestStringConvertible {
    var reason: String
    var text: String
    var line: Int
    var column: Int
    var symbol: String
    var testDescription: String { reason }
}

@Suite("Policies that are refused")
struct PolicyRefusalTests {
    static let broken: [BrokenPolicy] = [
        BrokenPolicy(
            reason: "no version", text: "authorizationrules{};", line: 1, column: 1, symbol: "authorizationrules"),
        BrokenPolicy(reason: "unknown version", text: "version=1.7;", line: 1, column: 9, symbol: "1.7"),
        BrokenPolicy(reason: "version with blanks inside", text: "version=1 .0;", line: 1, column: 9, symbol: "1"),
        BrokenPolicy(
            reason: "missing semicolon", text: "version=1.0;\nauthorizationrules{\n  => permit()\n};", line: 4,
            column: 1,
            symbol: "}"),
        BrokenPolicy(
            reason: "single equals sign", text: "version=1.0;authorizationrules{[type=\"a\"]=>permit();};", line: 1,
            column: 37, symbol: "="),
        BrokenPolicy(
            reason: "unbound identifier",
            text: "version=1.0;authorizationrules{=>permit();};issuancerules{=>issue(type=\"a\",value=c.value);};",
            line: 1, column: 82, symbol: "c"),
        BrokenPolicy(
            reason: "identifier bound in another rule",
            text: "version=1.0;authorizationrules{c:[type==\"a\"]=>permit();[value==c.value]=>permit();};",
            line: 1, column: 64, symbol: "c"),
        BrokenPolicy(
            reason: "identifier bound twice",
            text: "version=1.0;authorizationrules{c:[type==\"a\"]&&c:[type==\"b\"]=>permit();};", line: 1, column: 47,
            symbol: "c"),
        BrokenPolicy(reason: "no authorizationrules", text: "version=1.0;", line: 1, column: 13, symbol: "end of text"),
        BrokenPolicy(
            reason: "section twice", text: "version=1.0;authorizationrules{};authorizationrules{};", line: 1,
            column: 34,
            symbol: "authorizationrules"),
        BrokenPolicy(
            reason: "issue in authorizationrules",
            text: "version=1.0;authorizationrules{=>issue(type=\"a\",value=1);};", line: 1, column: 34, symbol: "issue"),
        BrokenPolicy(
            reason: "permit in issuancerules",
            text: "version=1.0;authorizationrules{};issuancerules{=>permit();};", line: 1, column: 50, symbol: "permit"),
        BrokenPolicy(
            reason: "configurationrules in 1.0", text: "version=1.0;configurationrules{};authorizationrules{};",
            line: 1,
            column: 13, symbol: "configurationrules"),
        BrokenPolicy(
            reason: "negation", text: "version=1.1;authorizationrules{![type==\"a\"]=>permit();};", line: 1, column: 32,
            symbol: "!"),
        BrokenPolicy(
            reason: "function", text: "version=1.1;authorizationrules{[value==NegateBool(true)]=>permit();};", line: 1,
            column: 40, symbol: "NegateBool"),
        BrokenPolicy(
            reason: "string without end", text: "version=1.0;authorizationrules{[type==\"a]=>permit();};", line: 1,
            column: 39, symbol: "\""),
        BrokenPolicy(
            reason: "integer beyond 64 bits",
            text: "version=1.0;authorizationrules{[value==99999999999999999999]=>permit();};", line: 1, column: 40,
            symbol: "99999999999999999999"),
        BrokenPolicy(
            reason: "typographic quote", text: "version=1.0;authorizationrules{[type==”a”]=>permit();};", line: 1,
            column: 39, symbol: "”"),
        BrokenPolicy(
            reason: "claim without value",
            text: "version=1.0;authorizationrules{};issuancerules{=>issue(type=\"a\");};", line: 1, column: 64,
            symbol: ")"),
        BrokenPolicy(
            reason: "positional arguments",
            text: "version=1.0;authorizationrules{};issuancerules{=>issue(\"a\",1);};", line: 1, column: 56,
            symbol: "\"a\""),
    ]

    @Test(arguments: broken)
    func `a text that breaks the grammar is refused at its place`(_ example: BrokenPolicy) {
        do throws(PolicyError) {
            _ = try AppraisalPolicy(parsing: example.text)
            Issue.record("the text was accepted")
        } catch {
            guard case .syntax(let line, let column, let symbol, _, _) = error else {
                Issue.record("other error: \(error)")
                return
            }
            #expect(line == example.line)
            #expect(column == example.column)
            #expect(symbol == example.symbol)
        }
    }

    @Test func `a problem says what was expected`() {
        func problem(_ rest: String, version: String = "1.2") -> String {
            do throws(PolicyError) {
                _ = try AppraisalPolicy(parsing: "version=\(version);" + rest)
                return "none"
            } catch {
                guard case .syntax(_, _, _, _, let problem) = error else { return error.description }
                return problem
            }
        }
        #expect(problem("authorizationrules{=>permit()};") == "';' expected")
        #expect(problem("authorizationrules{=>permit();") == "a rule or '}' expected")
        #expect(problem("authorizationrules{[type==1]permit();};") == "'&&' or '=>' expected")
        #expect(problem("authorizationrules{[type==1=>permit();};") == "',' or ']' expected")
        #expect(problem("authorizationrules{;};") == "'[', '!', an identifier or '=>' expected")
        #expect(problem("authorizationrules{;};", version: "1.0") == "'[', an identifier or '=>' expected")
        #expect(problem("authorizationrules{[type==1]&&=>permit();};") == "'[', '!', an identifier expected")
        #expect(problem("authorizationrules{=>allow();};") == "one of permit, deny, add expected in this section")
        #expect(problem("authorizationrules{[type==Exists(1)]=>permit();};").hasPrefix("one of the functions JmesPath"))
        #expect(problem("authorizationrules{[type==NegateBool(true,1)]=>permit();};") == "')' expected")
        #expect(problem("authorizationrules{[type==]=>permit();};").hasPrefix("string, integer, true, false"))
    }

    @Test func `a negated condition binds nothing`() {
        let text = #"version=1.2;authorizationrules{!c:[type=="a"]&&[value==c.value]=>permit();};"#
        #expect(throws: PolicyError.self) { try AppraisalPolicy(parsing: text) }
    }

    @Test func `functions nest only so deep`() throws {
        func nested(_ depth: Int) -> String {
            let calls = String(repeating: "NegateBool(", count: depth) + "true" + String(repeating: ")", count: depth)
            return "version=1.2;authorizationrules{=>add(type=\"a\",value=\(calls));[value==true]=>permit();};"
        }
        #expect(try AppraisalPolicy(parsing: nested(32)).evaluate(claims: []).permitted)
        #expect(throws: PolicyError.self) { try AppraisalPolicy(parsing: nested(33)) }
        #expect(throws: PolicyError.self) { try AppraisalPolicy(parsing: nested(20_000)) }
    }

    @Test("AC-159 a text beyond the size limit is refused before it is read")
    func longText() {
        let text = "version=1.0;//" + String(repeating: "x", count: AppraisalPolicy.maximumBytes)
        #expect(throws: PolicyError.tooLarge) { try AppraisalPolicy(parsing: text) }
    }

    @Test("AC-159 an evaluation stops at its step limit")
    func stepLimit() throws {
        let rule = #"a:[type=="x"]&&b:[value==a.value]&&c:[value==b.value]=>add(type="y",value=1);"#
        let policy = try AppraisalPolicy(parsing: "version=1.0;authorizationrules{=>permit();\(rule)};")
        let claims = (0..<200).map { AppraisalClaim("x", .integer($0)) }
        #expect(throws: PolicyError.self) { try policy.evaluate(claims: claims, stepLimit: 10_000) }
        #expect(try policy.evaluate(claims: claims).permitted)
    }

    @Test("AC-159 rules that copy what they made cannot grow without end")
    func growth() throws {
        let rule = #"c:[type=="x"]=>add(type="x",value=c.value);"#
        let text = "version=1.0;authorizationrules{=>permit();" + String(repeating: rule, count: 40) + "};"
        let policy = try AppraisalPolicy(parsing: text)
        #expect(throws: PolicyError.self) { try policy.evaluate(claims: [AppraisalClaim("x", .integer(1))]) }
    }

    @Test func `a claim of the attester does not pass for one of the service`() throws {
        let policy = try AppraisalPolicy(
            parsing: #"version=1.0;authorizationrules{[type=="a",issuer=="AttestationService"]=>permit();};"#)
        #expect(try policy.evaluate(claims: [AppraisalClaim("a", .boolean(true))]).permitted)
        #expect(try !policy.evaluate(claims: [AppraisalClaim("a", .boolean(true), issuer: .customClaim)]).permitted)
    }

    @Test func `a policy cannot issue a claim in the name of the service`() throws {
        let policy = try AppraisalPolicy(
            parsing: """
                version=1.0;authorizationrules{=>permit();};
                issuancerules{=>issue(type="a",value=1,issuer="AttestationService");};
                """)
        #expect(throws: PolicyError.self) { try policy.evaluate(claims: []) }
    }

    @Test func `values of different kinds are neither equal nor ordered`() throws {
        func permits(_ test: String, _ value: AppraisalClaim.Value) throws -> Bool {
            try AppraisalPolicy(parsing: "version=1.0;authorizationrules{[\(test)]=>permit();};")
                .evaluate(claims: [AppraisalClaim("a", value)]).permitted
        }
        #expect(try !permits("value==1", .string("1")))
        #expect(try permits("value!=1", .string("1")))
        #expect(try !permits("value<2", .string("1")))
        #expect(try !permits("value==true", .string("true")))
        #expect(try permits("value>=-1", .integer(-1)))
        #expect(try permits(#"value=="a\"b\\""#, .string("a\"b\\")))
        #expect(try !permits(#"value=="A""#, .string("a")))
        // One letter and its parts look the same and are not.
        #expect(try !permits("value==\"\u{e9}\"", .string("e\u{301}")))
    }
}
