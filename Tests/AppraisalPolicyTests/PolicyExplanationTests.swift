import AppraisalPolicy
import Testing

@Suite("What explains a decision")
struct PolicyExplanationTests {
    private let text = """
        version=1.0;
        authorizationrules
        {
          // Only our signer.
          s:[type=="signer", value=="us"] && [type=="svn", value>=3]
            && [type=="debug", value==false] => permit();
        };
        issuancerules { c:[type=="svn"] => issue(type="version", value=c.value); };
        """

    private func claims(signer: String = "us", svn: Int64 = 3, debug: Bool = false) -> [AppraisalClaim] {
        [
            AppraisalClaim("debug", .boolean(debug)), AppraisalClaim("signer", .string(signer)),
            AppraisalClaim("svn", .integer(svn)),
        ]
    }

    @Test func `a trace names each rule by line, with the claims that matched`() throws {
        let trace = try AppraisalPolicy(parsing: text).trace(claims: claims())
        #expect(trace.rules.map(\.line) == [5, 8])
        #expect(trace.rules.map(\.section) == ["authorizationrules", "issuancerules"])
        #expect(trace.rules.map(\.fired) == [true, true])
        let first = try #require(trace.rules.first)
        #expect(first.conditions.map(\.line) == [5, 5, 6])
        #expect(first.conditions.map { $0.matched.map(\.type) } == [["signer"], ["svn"], ["debug"]])
        #expect(first.text.hasSuffix(#"&& [type=="debug", value==false] => permit()"#))
        #expect(trace.rules.last?.made == [AppraisalClaim("version", .integer(3), issuer: .attestationPolicy)])
    }

    @Test func `a trace ends a rule at the condition that fails, and shows what came nearest`() throws {
        let trace = try AppraisalPolicy(parsing: text).trace(claims: claims(svn: 2, debug: true))
        #expect(!trace.decision.permitted)
        #expect(trace.rules.count == 1)
        let conditions = try #require(trace.rules.first).conditions
        #expect(conditions.map(\.holds) == [true, false])
        #expect(conditions.last?.nearest == [AppraisalClaim("svn", .integer(2))])
    }

    private func flip(_ text: String, _ claims: [AppraisalClaim]) throws -> AppraisalPolicy.Flip {
        try AppraisalPolicy(parsing: text).flip(claims: claims)
    }

    @Test func `one claim that is wrong is named`() throws {
        #expect(
            try flip(text, claims(debug: true)).evidence.map(\.description)
                == ["claim debug would have to be false (is true)"])
        #expect(
            try flip(text, claims(svn: 1)).evidence.map(\.description) == ["claim svn would have to be 3 (is 1)"])
        #expect(
            try flip(text, claims(signer: "them")).evidence.map(\.description)
                == ["claim signer would have to be \"us\" (is \"them\")"])
    }

    @Test func `several claims that are wrong are named together`() throws {
        let flip = try flip(text, claims(signer: "them", svn: 1, debug: true))
        #expect(Set(flip.evidence.map(\.description)).count == 3)
        #expect(flip.policy == nil)
    }

    @Test func `what permits is named too`() throws {
        let flip = try flip(text, claims())
        #expect(!flip.permitted)
        #expect(flip.evidence.count == 1)
    }

    @Test func `an absent claim would have to be there, a denied one absent or otherwise`() throws {
        let absent = try flip(text, Array(claims().dropLast()))
        #expect(absent.evidence.map(\.description) == ["claim svn would have to be there and be 3"])
        let denied = try flip(
            #"version=1.0;authorizationrules{=>permit();[type=="bad"]=>deny();};"#, [AppraisalClaim("bad", .integer(1))]
        )
        #expect(denied.evidence.map(\.description) == ["claim bad would have to be absent (is 1)"])
        let value = try flip(
            #"version=1.0;authorizationrules{=>permit();[type=="bad",value=="x"]=>deny();};"#,
            [AppraisalClaim("bad", .string("x"))])
        #expect(value.evidence.map(\.description) == ["claim bad would have to be anything but \"x\""])
    }

    @Test func `a claim that follows another one is compared with it`() throws {
        let text = #"version=1.0;authorizationrules{a:[type=="a"]&&[type=="b",value==a.value]=>permit();};"#
        let flip = try flip(text, [AppraisalClaim("a", .integer(1)), AppraisalClaim("b", .integer(2))])
        #expect(flip.evidence.map(\.description) == ["claim b would have to be 1 (is 2)"])
    }

    @Test func `where no evidence helps, the policy does`() throws {
        let always = try flip("version=1.0;\nauthorizationrules{=>permit();};", [])
        #expect(always.evidence.isEmpty)
        #expect(always.policy?.description == "without the rule at line 2: =>permit()")
        let made = try flip(
            """
            version=1.2;authorizationrules{
            c:[type=="json"]=>add(type="ok",value=JsonToClaimValue(JmesPath(c.value,"a == `1`")));
            [type=="ok",value==true]=>permit();};
            """, [AppraisalClaim("json", .string(#"{"a":2}"#))])
        #expect(made.evidence.isEmpty)
        #expect(made.policy?.line == 3)
        #expect(made.policy?.isCondition == true)
    }

    @Test("AC-159 the search for a flip is bounded")
    func bounded() throws {
        var text = "version=1.0;authorizationrules{"
        for number in 0..<400 { text += "[type==\"t\(number)\",value==\(number)]&&" }
        text += "[type==\"never\"]=>permit();};"
        let claims = (0..<400).map { AppraisalClaim("t\($0)", .integer(-1)) }
        let flip = try flip(text, claims)
        #expect(flip.evidence.isEmpty && flip.policy == nil)
    }
}
