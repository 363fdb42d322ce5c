// swift-format-ignore-file: NeverUseForceTry, NeverForceUnwrap

import AttestationToken
import Encoding
import Testing

@testable import KeyService

@Suite struct KeyReleasePolicyTests {
    let issuer = AuthorityURL("https://a.example")!

    func policy(_ text: String) throws -> KeyReleasePolicy { try KeyReleasePolicy(parsing: Array(text.utf8)) }

    /// A policy of one authority with one list of conditions.
    func policy(allOf conditions: String) throws -> KeyReleasePolicy {
        try policy(#"{"version":"1.0.0","anyOf":[{"authority":"https://a.example","allOf":[\#(conditions)]}]}"#)
    }

    func holds(_ condition: String, _ claims: String) throws -> Bool {
        do {
            try policy(allOf: condition).evaluate(issuer: issuer, claims: try JSON.parse(claims))
            return true
        } catch is KeyReleasePolicy.Failure {
            return false
        }
    }

    // MARK: Grammar

    @Test(
        "AC-067 a malformed policy is refused when it is set, with what is wrong",
        arguments: [
            ("not JSON", "is not JSON"),
            ("[]", "is not a JSON object"),
            (#"{"anyOf":[]}"#, "missing 'version' property"),
            (#"{"version":"2.0.0","anyOf":[]}"#, "'version' is not"),
            (#"{"version":1.0,"anyOf":[]}"#, "'version' is not"),
            (#"{"version":"1.0.0"}"#, "must have either"),
            (#"{"version":"1.0.0","anyOf":[]}"#, "is empty"),
            (#"{"version":"1.0.0","anyOf":{}}"#, "is not an array"),
            (#"{"version":"1.0.0","anyOf":[],"allOf":[]}"#, "must have either"),
            (#"{"version":"1.0.0","anyOf":[],"extra":1}"#, "unknown property 'extra'"),
            (#"{"version":"1.0.0","anyOf":["x"]}"#, "anyOf[0] is not an object"),
            (#"{"version":"1.0.0","anyOf":[{"allOf":[{"claim":"a","equals":"b"}]}]}"#, "missing 'authority'"),
            (#"{"version":"1.0.0","anyOf":[{"authority":"http://a","allOf":[{"claim":"a","equals":"b"}]}]}"#, "https"),
            (#"{"version":"1.0.0","anyOf":[{"authority":"https://a"}]}"#, "must have either"),
            (#"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[]}]}"#, "is empty"),
            (#"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"anyOf":[]}]}]}"#, "is empty"),
            (#"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{}]}]}"#, "must have either"),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a"}]}]}"#,
                "exactly one operator"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a","equals":"b","less":1}]}]}"#,
                "exactly one operator"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a","contains":"b"}]}]}"#,
                "unknown operator 'contains'"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"","equals":"b"}]}]}"#,
                "not a name"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":1,"equals":"b"}]}]}"#,
                "not a name"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a","equals":null}]}]}"#,
                "not a string, a number or a truth value"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a","equals":["b"]}]}]}"#,
                "not a string, a number or a truth value"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a","greater":"x"}]}]}"#,
                "not a decimal number"
            ),
            (
                #"{"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a","exists":"yes"}]}]}"#,
                "not true or false"
            ),
            (
                #"{"version":"1.0.0","version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[{"claim":"a","equals":"b"}]}]}"#,
                "is not JSON"
            ),
        ])
    func malformed(_ text: String, _ problem: String) throws {
        let refusal = #expect(throws: Refusal.self) { try policy(text) }
        #expect(refusal?.code == .policyInvalid)
        #expect(refusal?.detail.contains(problem) == true, "\(refusal?.detail ?? "")")
    }

    @Test("AC-159 the size of a policy is bounded")
    func bounds() throws {
        let condition = #"{"claim":"a","equals":"b"}"#
        let many = Array(repeating: condition, count: KeyReleasePolicy.maximumNodes).joined(separator: ",")
        #expect(throws: Refusal.self) { try policy(allOf: many) }
        #expect(throws: Refusal.self) { try policy(allOf: condition + String(repeating: " ", count: 70_000)) }
        var nested = condition
        for _ in 0..<20 { nested = #"{"anyOf":[\#(nested)]}"# }
        #expect(throws: Refusal.self) { try policy(allOf: nested) }
    }

    @Test func `a policy is stored normalised, in the order of the API`() throws {
        let stored = try policy(
            """
            { "anyOf": [ { "allOf": [ { "equals": true, "claim": "b" }, {"anyOf":[{"greater":"3","claim":"a"}]} ],
              "authority": "https://A.example/" } ], "version": "1.0" }
            """)
        let expected =
            #"{"version":"1.0.0","anyOf":[{"authority":"https://A.example/","allOf":[{"claim":"b","equals":true},"#
            + #"{"anyOf":[{"claim":"a","greater":"3"}]}]}]}"#
        #expect(stored.text == expected)
        #expect(try policy(stored.text) == stored)
    }

    // MARK: Evaluation

    @Test(
        "AC-066 comparison is loose between a string and the value that is written so, and in nothing else",
        arguments: [
            (#"{"claim":"a","equals":"true"}"#, #"{"a":true}"#, true),
            (#"{"claim":"a","equals":true}"#, #"{"a":"true"}"#, true),
            (#"{"claim":"a","equals":"0"}"#, #"{"a":0}"#, true),
            (#"{"claim":"a","equals":7}"#, #"{"a":"7"}"#, true),
            (#"{"claim":"a","equals":1.0}"#, #"{"a":1}"#, true),
            (#"{"claim":"a","equals":"x"}"#, #"{"a":"x"}"#, true),
            (#"{"claim":"a","equals":"True"}"#, #"{"a":true}"#, false),
            (#"{"claim":"a","equals":"TRUE"}"#, #"{"a":"true"}"#, false),
            (#"{"claim":"a","equals":"00"}"#, #"{"a":0}"#, false),
            (#"{"claim":"a","equals":" 0"}"#, #"{"a":0}"#, false),
            (#"{"claim":"a","equals":"x"}"#, #"{"a":"X"}"#, false),
            (#"{"claim":"a","equals":"\u00e9"}"#, #"{"a":"e\u0301"}"#, false),
            (#"{"claim":"a","equals":"x"}"#, #"{"a":["x"]}"#, false),
            (#"{"claim":"a","equals":"x"}"#, #"{"a":{"x":"x"}}"#, false),
            (#"{"claim":"a","equals":"null"}"#, #"{"a":null}"#, false),
            (#"{"claim":"a","equals":"x"}"#, #"{}"#, false),
            (#"{"claim":"A","equals":"x"}"#, #"{"a":"x"}"#, false),
            (#"{"claim":"a","notEquals":"x"}"#, #"{"a":"y"}"#, true),
            (#"{"claim":"a","notEquals":"x"}"#, #"{"a":"x"}"#, false),
            (#"{"claim":"a","notEquals":"x"}"#, #"{}"#, false),
            (#"{"claim":"a","notEquals":"x"}"#, #"{"a":["y"]}"#, false),
        ])
    func equality(_ condition: String, _ claims: String, _ expected: Bool) throws {
        #expect(try holds(condition, claims) == expected)
    }

    @Test(
        "ordering compares decimal numbers exactly",
        arguments: [
            (#"{"claim":"a","greaterOrEquals":3}"#, #"{"a":3}"#, true),
            (#"{"claim":"a","greaterOrEquals":3}"#, #"{"a":2}"#, false),
            (#"{"claim":"a","greater":"3"}"#, #"{"a":10}"#, true),
            (#"{"claim":"a","greater":"9"}"#, #"{"a":"10"}"#, true),
            (#"{"claim":"a","greater":3}"#, #"{"a":3}"#, false),
            (#"{"claim":"a","less":3}"#, #"{"a":2.5}"#, true),
            (#"{"claim":"a","less":-1}"#, #"{"a":-2}"#, true),
            (#"{"claim":"a","less":0}"#, #"{"a":"-0"}"#, false),
            (#"{"claim":"a","lessOrEquals":0}"#, #"{"a":"-0.0"}"#, true),
            (#"{"claim":"a","lessOrEquals":3}"#, #"{"a":3}"#, true),
            (#"{"claim":"a","lessOrEquals":3}"#, #"{"a":4}"#, false),
            (#"{"claim":"a","greater":"18446744073709551614"}"#, #"{"a":"18446744073709551615"}"#, true),
            (#"{"claim":"a","greater":"18446744073709551615"}"#, #"{"a":"18446744073709551615"}"#, false),
            (#"{"claim":"a","greater":1}"#, #"{"a":"0x10"}"#, false),
            (#"{"claim":"a","greater":1}"#, #"{"a":true}"#, false),
            (#"{"claim":"a","greater":1}"#, #"{}"#, false),
            (#"{"claim":"a","less":1}"#, #"{"a":""}"#, false),
        ])
    func ordering(_ condition: String, _ claims: String, _ expected: Bool) throws {
        #expect(try holds(condition, claims) == expected)
    }

    @Test(
        "exists, paths and lists",
        arguments: [
            (#"{"claim":"a","exists":true}"#, #"{"a":[]}"#, true),
            (#"{"claim":"a","exists":"true"}"#, #"{}"#, false),
            (#"{"claim":"a","exists":false}"#, #"{}"#, true),
            (#"{"claim":"a","exists":"false"}"#, #"{"a":1}"#, false),
            (#"{"claim":"a.b","equals":"x"}"#, #"{"a":{"b":"x"}}"#, true),
            (#"{"claim":"a.b","equals":"x"}"#, #"{"a.b":"x"}"#, true),
            (#"{"claim":"a.b","equals":"x"}"#, #"{"a.b":"y","a":{"b":"x"}}"#, false),
            (#"{"claim":"a.b.c","equals":"x"}"#, #"{"a":{"b.c":"x"}}"#, true),
            (#"{"claim":"a.0","equals":"x"}"#, #"{"a":["x"]}"#, false),
            (#"{"claim":"a..b","equals":"x"}"#, #"{"a":{"b":"x"}}"#, false),
            (#"{"anyOf":[{"claim":"a","equals":1},{"claim":"b","equals":2}]}"#, #"{"b":2}"#, true),
            (#"{"anyOf":[{"claim":"a","equals":1},{"claim":"b","equals":2}]}"#, #"{"b":3}"#, false),
            (#"{"allOf":[{"claim":"a","equals":1},{"claim":"b","equals":2}]}"#, #"{"b":2}"#, false),
            (#"{"allOf":[{"claim":"a","equals":1},{"claim":"b","equals":2}]}"#, #"{"a":1,"b":2}"#, true),
        ])
    func structure(_ condition: String, _ claims: String, _ expected: Bool) throws {
        #expect(try holds(condition, claims) == expected)
    }

    @Test(
        "authorities are compared as URLs",
        arguments: [
            ("https://a.example", "https://A.EXAMPLE/", true),
            ("https://a.example", "https://a.example:443", true),
            ("HTTPS://a.example/x", "https://a.example/x/", true),
            ("https://a.example", "https://a.example:444", false),
            ("https://a.example/x", "https://a.example/X", false),
            ("https://a.example", "https://a.example.org", false),
            ("https://a.example", "https://b.example", false),
        ])
    func authorities(_ left: String, _ right: String, _ same: Bool) throws {
        #expect((try #require(AuthorityURL(left)) == #require(AuthorityURL(right))) == same)
    }

    @Test(
        "what is no plain https URL is none",
        arguments: [
            "", "http://a", "https://", "https:///x", "https://a@b", "https://a?x", "https://a#x", "https://a/../b",
            "https://a b", "https://a:0", "https://a:99999", "https://a:", "https://a%2fb", "https://a:1:2",
            "a.example",
            "https://\u{e9}.example",
        ])
    func notURLs(_ text: String) {
        #expect(AuthorityURL(text) == nil)
    }

    @Test("AC-064 no authority of the policy is the issuer")
    func foreignIssuer() throws {
        let policy = try policy(allOf: #"{"claim":"a","equals":"b"}"#)
        #expect(throws: KeyReleasePolicy.Failure.authorityNotAllowed) {
            try policy.evaluate(issuer: AuthorityURL("https://b.example")!, claims: ["a": "b"])
        }
    }

    @Test("AC-065 the failing claim of the closest entry is named, with expected and seen")
    func closestEntry() throws {
        let policy = try policy(
            """
            {"version":"1.0.0","anyOf":[
             {"authority":"https://a.example","allOf":[{"claim":"sgx","equals":"1"},{"claim":"role","equals":"r"}]},
             {"authority":"https://a.example","allOf":[{"claim":"snp","equals":"2"},{"claim":"host","equals":"h"},
              {"claim":"role","equals":"r"}]}]}
            """)
        try policy.evaluate(issuer: issuer, claims: ["sgx": "1", "role": "r"])
        #expect(throws: KeyReleasePolicy.Failure.claimMismatch(claim: "snp", expected: "equals 2", seen: "3")) {
            try policy.evaluate(issuer: issuer, claims: ["snp": "3", "host": "h", "role": "r"])
        }
        #expect(throws: KeyReleasePolicy.Failure.claimMismatch(claim: "role", expected: "equals r", seen: nil)) {
            try policy.evaluate(issuer: issuer, claims: ["sgx": "1"])
        }
    }

    @Test func `allOf at the top wants every authority`() throws {
        let policy = try policy(
            """
            {"version":"1.0.0","allOf":[
             {"authority":"https://a.example","anyOf":[{"claim":"a","equals":"1"}]},
             {"authority":"https://a.example","anyOf":[{"claim":"b","equals":"2"}]}]}
            """)
        try policy.evaluate(issuer: issuer, claims: ["a": "1", "b": "2"])
        #expect(throws: KeyReleasePolicy.Failure.self) { try policy.evaluate(issuer: issuer, claims: ["a": "1"]) }
        let foreign = try self.policy(
            """
            {"version":"1.0.0","allOf":[
             {"authority":"https://a.example","anyOf":[{"claim":"a","equals":"1"}]},
             {"authority":"https://b.example","anyOf":[{"claim":"a","equals":"1"}]}]}
            """)
        #expect(throws: KeyReleasePolicy.Failure.self) { try foreign.evaluate(issuer: issuer, claims: ["a": "1"]) }
    }
}
