import AppraisalPolicy
import Encoding
import TestSupport
import Testing

/// One evaluation of `maa-policies/cases.json` or one case of `rule-cases.json`.
struct PolicyEvaluationCase: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var incoming: [AppraisalClaim]
    var permitted: Bool
    var issued: [String: [AppraisalClaim.Value]]
    var properties: [String: [AppraisalClaim.Value]]
    var testDescription: String { name }
}

struct PolicyTextCase: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var hash: String
    var parses: Bool
    var testDescription: String { name }
}

enum PolicyVectors {
    static let texts: [PolicyTextCase] = (try? loadTexts()) ?? []
    static let evaluations: [PolicyEvaluationCase] = (try? loadEvaluations()) ?? []

    private static func document(_ path: String) throws -> JSON {
        try JSON.parse(Vectors.bytes("maa-policies/" + path))
    }

    /// Versions that this release evaluates; the others are refused by name, which has a test of its own.
    private static func isSupported(_ text: String) -> Bool {
        let start = text.lowercased().filter { !$0.isWhitespace }
        return !start.hasPrefix("version=1.2")
    }

    private static func value(_ json: JSON) -> AppraisalClaim.Value? {
        switch json {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .bool(let flag): .boolean(flag)
        case .null, .number, .array, .object: nil
        }
    }

    private static func claims(_ json: JSON?) throws -> [AppraisalClaim] {
        try (json?.array ?? []).map { item in
            let issuer = AppraisalClaim.Issuer(rawValue: item["issuer"]?.string ?? "AttestationService")
            return AppraisalClaim(
                try #require(item["type"]?.string), try #require(item["value"].flatMap(value)),
                issuer: try #require(issuer))
        }
    }

    private static func byType(_ json: JSON?) throws -> [String: [AppraisalClaim.Value]] {
        try (json?.object ?? [:]).mapValues { try ($0.array ?? [$0]).map { try #require(value($0)) } }
    }

    private static func loadTexts() throws -> [PolicyTextCase] {
        try (document("cases.json")["cases"]?.array ?? []).compactMap { item in
            let bytes = try Vectors.bytes("maa-policies/" + #require(item["file"]?.string))
            let text = try #require(String(validating: bytes, as: UTF8.self))
            guard isSupported(text) else { return nil }
            return PolicyTextCase(
                name: try #require(item["id"]?.string), text: text, hash: try #require(item["policyHash"]?.string),
                parses: item["parse"]?.string == "ok")
        }
    }

    private static func loadEvaluations() throws -> [PolicyEvaluationCase] {
        func evaluation(_ json: JSON, _ name: String, _ text: String) throws -> PolicyEvaluationCase {
            PolicyEvaluationCase(
                name: name, text: text, incoming: try claims(json["incoming"]),
                permitted: json["decision"]?.string == "permit", issued: try byType(json["issued"]),
                properties: try byType(json["properties"]))
        }
        var cases: [PolicyEvaluationCase] = []
        for item in try document("cases.json")["cases"]?.array ?? [] {
            let bytes = try Vectors.bytes("maa-policies/" + #require(item["file"]?.string))
            let text = try #require(String(validating: bytes, as: UTF8.self))
            guard isSupported(text) else { continue }
            for run in item["evaluations"]?.array ?? [] {
                let name = try #require(item["id"]?.string) + ": " + #require(run["name"]?.string)
                cases.append(try evaluation(run, name, text))
            }
        }
        for item in try document("rule-cases.json")["cases"]?.array ?? [] {
            let text = try #require(item["policy"]?.string)
            guard isSupported(text) else { continue }
            cases.append(try evaluation(item, try #require(item["name"]?.string), text))
        }
        return cases
    }
}

@Suite("Recorded and documented policies", .enabled(if: Vectors.available))
struct PolicyVectorTests {
    @Test func `the vectors were found`() {
        #expect(PolicyVectors.texts.count >= 20)
        #expect(PolicyVectors.evaluations.count >= 25)
    }

    @Test(arguments: PolicyVectors.texts)
    func `a text parses or not as its case says, and has its hash`(_ example: PolicyTextCase) throws {
        if example.parses {
            let policy = try AppraisalPolicy(parsing: example.text)
            #expect(policy.hash.description == example.hash)
        } else {
            #expect(throws: PolicyError.self) { try AppraisalPolicy(parsing: example.text) }
        }
    }

    @Test(arguments: PolicyVectors.evaluations)
    func `an evaluation decides and issues as its case says`(_ example: PolicyEvaluationCase) throws {
        let decision = try AppraisalPolicy(parsing: example.text).evaluate(claims: example.incoming)
        #expect(decision.permitted == example.permitted)
        #expect(Dictionary(grouping: decision.issued, by: \.type).mapValues { $0.map(\.value) } == example.issued)
        #expect(
            Dictionary(grouping: decision.properties, by: \.type).mapValues { $0.map(\.value) } == example.properties)
    }

    @Test func `the built-in default texts are the recorded ones byte for byte`() throws {
        let sgx = try Vectors.bytes("maa-policies/text/default-sgx-v1.0.policy")
        #expect(Array(AppraisalPolicy.defaultSGXText.utf8) == sgx)
        let machine = try Vectors.bytes("maa-policies/text/default-sevsnpvm-tdxvm.policy")
        #expect(Array(AppraisalPolicy.defaultVirtualMachineText.utf8) == machine)
    }
}
