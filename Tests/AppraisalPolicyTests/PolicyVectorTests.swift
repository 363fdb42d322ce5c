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

    private static func claims(_ json: JSON?) throws -> [AppraisalClaim] {
        try (json?.array ?? []).map { item in
            let issuer = AppraisalClaim.Issuer(rawValue: item["issuer"]?.string ?? "AttestationService")
            return AppraisalClaim(
                try #require(item["type"]?.string), try #require(item["value"].flatMap(AppraisalClaim.Value.init)),
                issuer: try #require(issuer))
        }
    }

    private static func byType(_ json: JSON?) throws -> [String: [AppraisalClaim.Value]] {
        try (json?.object ?? [:]).mapValues { try ($0.array ?? [$0]).map { try #require(AppraisalClaim.Value($0)) } }
    }

    private static func loadTexts() throws -> [PolicyTextCase] {
        try (document("cases.json")["cases"]?.array ?? []).map { item in
            let bytes = try Vectors.bytes("maa-policies/" + #require(item["file"]?.string))
            let text = try #require(String(validating: bytes, as: UTF8.self))
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
            for run in item["evaluations"]?.array ?? [] {
                let name = try #require(item["id"]?.string) + ": " + #require(run["name"]?.string)
                cases.append(try evaluation(run, name, text))
            }
        }
        for item in try document("rule-cases.json")["cases"]?.array ?? [] {
            let text = try #require(item["policy"]?.string)
            cases.append(try evaluation(item, try #require(item["name"]?.string), text))
        }
        return cases
    }
}

/// A policy token of `tokens.json` and the hash of the policy inside.
struct PolicyTokenCase: Sendable, CustomTestStringConvertible {
    var file: String
    var text: String
    var hash: String
    var testDescription: String { file }
}

extension PolicyVectors {
    static let tokens: [PolicyTokenCase] = (try? loadTokens()) ?? []

    private static func loadTokens() throws -> [PolicyTokenCase] {
        let document = try JSON.parse(Vectors.bytes("maa-policies/tokens.json"))
        return try (document["tokens"]?.array ?? []).compactMap { item in
            guard item["policyEncoding"]?.string == "base64url", let hash = item["policyHash"]?.string else {
                return nil
            }
            let file = try #require(item["file"]?.string)
            let token = String(decoding: try Vectors.bytes("maa-policies/" + file), as: UTF8.self)
            let parts = token.split(separator: ".", omittingEmptySubsequences: false)
            let body = try #require(parts.dropFirst().first.flatMap { Base64.decode(String($0)) })
            let payload = try JSON.parse(body)
            let policy = try #require(payload["AttestationPolicy"]?.string.flatMap { Base64.decode($0) })
            return PolicyTokenCase(file: file, text: String(decoding: policy, as: UTF8.self), hash: hash)
        }
    }
}

@Suite("Recorded and documented policies", .enabled(if: Vectors.available, "needs the folder of vectors"))
struct PolicyVectorTests {
    @Test func `the vectors were found`() {
        #expect(PolicyVectors.texts.count >= 30)
        #expect(PolicyVectors.evaluations.count >= 60)
        #expect(PolicyVectors.tokens.count >= 6)
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

    @Test(arguments: PolicyVectors.tokens)
    func `a policy inside a token has the hash that its case says`(_ example: PolicyTokenCase) {
        #expect(AppraisalPolicy.hash(of: example.text).description == example.hash)
    }

    @Test(arguments: PolicyVectors.evaluations)
    func `a trace decides as the evaluation does, and a flip that is found is one`(
        _ example: PolicyEvaluationCase
    ) throws {
        let policy = try AppraisalPolicy(parsing: example.text)
        let decision = try policy.evaluate(claims: example.incoming)
        #expect(try policy.trace(claims: example.incoming).decision == decision)
        let flip = try policy.flip(claims: example.incoming)
        #expect(flip.permitted != decision.permitted)
        #expect(flip.evidence.count <= AppraisalPolicy.maximumChanges)
        guard !flip.evidence.isEmpty else { return }
        var claims = example.incoming
        for change in flip.evidence {
            switch change {
            case .value(let claim, to: let value):
                let index = try #require(claims.firstIndex(of: claim))
                claims[index].value = value ?? .string("a value that no policy names")
            case .presence(let claim): claims.append(claim)
            case .absence(let claim): claims.remove(at: try #require(claims.firstIndex(of: claim)))
            }
        }
        #expect(try policy.evaluate(claims: claims).permitted == flip.permitted)
    }

    @Test func `the built-in default texts are the recorded ones byte for byte`() throws {
        let sgx = try Vectors.bytes("maa-policies/text/default-sgx-v1.0.policy")
        #expect(Array(AppraisalPolicy.defaultSGXText.utf8) == sgx)
        let machine = try Vectors.bytes("maa-policies/text/default-sevsnpvm-tdxvm.policy")
        #expect(Array(AppraisalPolicy.defaultVirtualMachineText.utf8) == machine)
    }
}
