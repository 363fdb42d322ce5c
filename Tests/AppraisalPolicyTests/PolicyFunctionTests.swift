import AppraisalPolicy
import Testing

@Suite("Functions and negation of version 1.2")
struct PolicyFunctionTests {
    private func issued(_ expression: String, _ claims: [AppraisalClaim] = []) throws -> [AppraisalClaim.Value] {
        // A condition for each type, so that an expression can use the claims by name.
        let types = Set(claims.map(\.type)).sorted()
        let conditions = types.map { "\($0):[type==\"\($0)\"]" }.joined(separator: "&&")
        let text = """
            version=1.2;authorizationrules{=>permit();};
            issuancerules{\(conditions)=>issue(type="result",value=\(expression));};
            """
        return try AppraisalPolicy(parsing: text).evaluate(claims: claims).issued.map(\.value)
    }

    @Test func `JSON becomes claims, an array one for each element`() throws {
        #expect(try issued(#"JsonToClaimValue("\"text\"")"#) == [.string("text")])
        #expect(
            try issued(#"JsonToClaimValue("[1, null, 1, \"a\", false]")"#)
                == [.integer(1), .integer(1), .string("a"), .boolean(false)])
        #expect(try issued(#"JsonToClaimValue("[]")"#) == [])
        #expect(try issued(#"JsonToClaimValue("null")"#) == [])
        #expect(try issued(#"JsonToClaimValue("bare-word")"#) == [.string("bare-word")])
        #expect(try issued(#"JsonToClaimValue(" -7 ")"#) == [.integer(-7)])
    }

    @Test(arguments: [
        #"JsonToClaimValue("1.5")"#, #"JsonToClaimValue("{}")"#, #"JsonToClaimValue("[[1]]")"#,
        #"JsonToClaimValue("[{}]")"#, #"JsonToClaimValue("")"#, #"JsonToClaimValue("two words")"#,
        "JsonToClaimValue(1)", #"NegateBool("true")"#, "NegateBool(1)", #"AppendString("a", 1)"#,
        #"JmesPath("{", "a")"#, #"JmesPath("{}", "a[")"#, #"JmesPath("", "a")"#, #"JmesPath("{}", "")"#,
        #"AppendString("a", JsonToClaimValue("null"))"#, #"NegateBool(JsonToClaimValue("[true,false]"))"#,
        #"ContainsOnlyValue(1, JsonToClaimValue("[1,1]"))"#, "AppendString(a.value, a.value)",
    ])
    func `an argument that a function cannot use ends the evaluation`(_ expression: String) {
        let claims = [AppraisalClaim("a", .string("x")), AppraisalClaim("a", .string("y"))]
        #expect(throws: PolicyError.self) { try issued(expression, claims) }
    }

    @Test func `sets of values are compared whole, and a name gives each property of its claims`() throws {
        #expect(try issued(#"ContainsOnlyValue(JsonToClaimValue("[]"), 1)"#) == [.boolean(false)])
        #expect(try issued(#"IsSubsetOf(JsonToClaimValue("[]"), 1)"#) == [.boolean(true)])
        #expect(try issued(#"IsSubsetOf("1", 1)"#) == [.boolean(false)])
        #expect(
            try issued(
                "IsSubsetOf(a.value, b.value)",
                [
                    AppraisalClaim("a", .integer(1)), AppraisalClaim("a", .integer(1)),
                    AppraisalClaim("b", .integer(1)),
                ]) == [.boolean(true)])
        #expect(try issued("a.type", [AppraisalClaim("a", .integer(1))]) == [.string("a")])
        #expect(try issued("a.valueType", [AppraisalClaim("a", .integer(1))]) == [.string("Integer")])
        #expect(
            try issued("a.issuer", [AppraisalClaim("a", .integer(1), issuer: .customClaim)])
                == [.string("CustomClaim")])
    }

    @Test func `a function in a condition`() throws {
        let text = #"""
            version=1.2;authorizationrules{
            c:[type=="list"] && [type=="flag", value==IsSubsetOf(c.value, JsonToClaimValue("[1,2]"))] => permit();
            };
            """#
        let policy = try AppraisalPolicy(parsing: text)
        let flag = AppraisalClaim("flag", .boolean(true))
        #expect(try policy.evaluate(claims: [flag, AppraisalClaim("list", .integer(2))]).permitted)
        #expect(try !policy.evaluate(claims: [flag, AppraisalClaim("list", .integer(3))]).permitted)
    }

    @Test func `a function that no claim asks for is not run`() throws {
        let text = #"version=1.2;authorizationrules{[type=="a",value==JsonToClaimValue("{")]=>deny();=>permit();};"#
        let policy = try AppraisalPolicy(parsing: text)
        #expect(try policy.evaluate(claims: [AppraisalClaim("b", .integer(1))]).permitted)
        #expect(throws: PolicyError.self) { try policy.evaluate(claims: [AppraisalClaim("a", .integer(1))]) }
    }

    @Test func `negation holds where no claim satisfies all tests`() throws {
        let policy = try AppraisalPolicy(
            parsing: #"version=1.2;authorizationrules{![type=="debug",value==true]&&[type=="a"]=>permit();};"#)
        let a = AppraisalClaim("a", .integer(1))
        #expect(try policy.evaluate(claims: [a]).permitted)
        #expect(try policy.evaluate(claims: [a, AppraisalClaim("debug", .boolean(false))]).permitted)
        #expect(try !policy.evaluate(claims: [a, AppraisalClaim("debug", .boolean(true))]).permitted)
        #expect(try !policy.evaluate(claims: []).permitted)
    }

    @Test("AC-159 text that is doubled by each rule meets the step limit")
    func doubling() throws {
        let rule = #"c:[type=="x"]=>add(type="y",value=AppendString(c.value,c.value));"#
        var text = "version=1.2;authorizationrules{=>permit();"
        for number in 0..<40 {
            text += rule.replacing("\"x\"", with: "\"x\(number)\"").replacing("\"y\"", with: "\"x\(number + 1)\"")
        }
        let policy = try AppraisalPolicy(parsing: text + "};")
        #expect(throws: PolicyError.self) { try policy.evaluate(claims: [AppraisalClaim("x0", .string("aaaaaaaa"))]) }
    }

    @Test func `advice names a query that is none and a policy that permits nothing`() throws {
        let text = """
            version=1.2;
            authorizationrules{=>deny();};
            issuancerules{
            =>issue(type="a",value=JsonToClaimValue(JmesPath("{}","a[")));};
            """
        let advice = try AppraisalPolicy(parsing: text).advice
        #expect(advice.map(\.line) == [4, 1])
        #expect(try AppraisalPolicy(parsing: AppraisalPolicy.defaultSGXText).advice == [])
    }

    @Test func `the default of a guest denies what is known to be off`() throws {
        let policy = try AppraisalPolicy(parsing: AppraisalPolicy.defaultAzureGuestText)
        #expect(try policy.evaluate(claims: [AppraisalClaim("secureboot", .boolean(true))]).permitted)
        #expect(try !policy.evaluate(claims: [AppraisalClaim("secureboot", .boolean(false))]).permitted)
    }
}
