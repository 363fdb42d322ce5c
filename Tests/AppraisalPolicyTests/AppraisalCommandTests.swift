import AppraisalPolicy
import Encoding
import Foundation
import TestSupport
import Testing

/// `cloister appraisal`, run as its users run it.
@Suite("The command for policies")
struct AppraisalCommandTests {
    private let folder: TemporaryFolder
    private static let policy = """
        version=1.0;
        authorizationrules {
          [type=="x-ms-sgx-is-debuggable", value==false] => permit();
        };
        issuancerules { c:[type=="x-ms-sgx-svn"] => issue(type="version", value=c.value); };
        """

    init() throws { folder = try TemporaryFolder() }

    private func file(_ name: String, _ text: String) throws -> String {
        let url = folder.url.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    private func cloister(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(ProjectFolders.executables.appending(path: "cloister"), ["appraisal"] + arguments)
    }

    private func record(_ measurement: String, debug: Bool, type: String = "SgxEnclave", permitted: Bool) -> String {
        let claims = [
            AppraisalClaim("x-ms-sgx-mrenclave", .string(measurement)),
            AppraisalClaim("x-ms-sgx-is-debuggable", .boolean(debug)),
        ]
        let time = Timestamp(seconds: 1_700_000_000)
        return AppraisalRecord(time: time, type: type, claims: claims, permitted: permitted).json.text + "\n"
    }

    @Test func `check says where a policy is wrong, with a caret under the place`() async throws {
        let wrong = try file("wrong.policy", "version=1.0;\nauthorizationrules {\n  => permit()\n};\n")
        let run = try await cloister("check", wrong)
        #expect(run.status == 1)
        let lines = String(decoding: run.output, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(lines.first?.hasSuffix("wrong.policy:4:1: ';' expected") == true)
        #expect(lines.contains("  };") && lines.contains("  ^"))
        let json = try JSON.parse(try await cloister("check", wrong, "--json").output)
        #expect(json["line"]?.integer == 4 && json["column"]?.integer == 1 && json["ok"] == false)
        let right = try await cloister("check", try file("right.policy", Self.policy), "--json")
        #expect(right.status == 0)
        #expect(try JSON.parse(right.output)["hash"]?.string == AppraisalPolicy.hash(of: Self.policy).description)
        #expect(try await cloister("check", folder.url.path + "/absent").status == 2)
    }

    @Test func `evaluate decides over the claims of a token or a verdict`() async throws {
        let policy = try file("policy", Self.policy)
        let claims = try file("claims.json", #"{"x-ms-sgx-is-debuggable":false,"x-ms-sgx-svn":4}"#)
        let run = try await cloister("evaluate", policy, "--claims", claims, "--json")
        #expect(run.status == 0)
        #expect(
            String(decoding: run.output, as: UTF8.self)
                == #"{"decision":"permit","issued":{"version":4},"properties":{}}"# + "\n")
        let verdict = try file("verdict.json", #"{"accepted":true,"claims":{"x-ms-sgx-is-debuggable":true}}"#)
        #expect(try await cloister("evaluate", policy, "--claims", verdict).status == 1)
        #expect(try await cloister("evaluate", policy, "--claims", policy).status == 2)
        #expect(try await cloister("evaluate", claims, "--claims", claims).status == 2)
    }

    @Test func `explain names the rule, the claim and the smallest change`() async throws {
        let policy = try file("policy", Self.policy)
        let claims = try file("claims.json", #"{"x-ms-sgx-is-debuggable":true}"#)
        let run = try await cloister("explain", policy, "--claims", claims)
        #expect(run.status == 1)
        let text = String(decoding: run.output, as: UTF8.self)
        #expect(text.contains("claim x-ms-sgx-is-debuggable would have to be false (is true)"))
        #expect(text.contains("without the condition at line 3"))
        let json = try JSON.parse(try await cloister("explain", policy, "--claims", claims, "--json").output)
        #expect(json["flip"]?["decision"] == "permit")
        #expect(json["rules"]?.array?.first?["line"]?.integer == 3)
        #expect(json["rules"]?.array?.first?["fired"] == false)
    }

    @Test func `what-if names who would be locked out and who let in`() async throws {
        let policy = try file("policy", Self.policy)
        let lines = [
            record("aa", debug: true, permitted: true), record("aa", debug: true, permitted: true),
            record("bb", debug: false, permitted: true), record("cc", debug: false, permitted: false),
        ]
        // The service ended while it wrote the last line.
        let recording = try file("recording", lines.joined() + #"{"claims":{"x-ms"#)
        let run = try await cloister("what-if", policy, "--recording", recording, "--json")
        #expect(run.status == 1)
        let json = try JSON.parse(run.output)
        #expect(json["replayed"]?.integer == 4)
        let out = try #require(json["lockedOut"]?.array)
        #expect(out.map { $0["measurement"]?.string } == ["aa"])
        #expect(out.first?["appraisals"]?.integer == 2)
        #expect(out.first?["reasons"]?.strings == ["claim x-ms-sgx-is-debuggable would have to be false (is true)"])
        #expect(json["letIn"]?.array?.map { $0["measurement"]?.string } == ["cc"])
        let text = try await cloister("what-if", policy, "--recording", recording)
        #expect(String(decoding: text.output, as: UTF8.self).contains("would be locked out: 2 of 4 appraisals"))
    }

    @Test func `what-if is content only where something was replayed and nobody is locked out`() async throws {
        let policy = try file("policy", Self.policy)
        let good = try file("good", record("aa", debug: false, permitted: true))
        #expect(try await cloister("what-if", policy, "--recording", good).status == 0)
        let empty = try file("empty", "")
        #expect(try await cloister("what-if", policy, "--recording", empty).status == 2)
        let mixed = try file(
            "mixed",
            record("aa", debug: false, permitted: true)
                + record("bb", debug: true, type: "OpenEnclave", permitted: true))
        #expect(try await cloister("what-if", policy, "--recording", mixed).status == 2)
        let one = try await cloister("what-if", policy, "--recording", mixed, "--type", "sgxenclave")
        #expect(one.status == 0)
        let broken = try file("broken", "{}\n" + record("aa", debug: false, permitted: true))
        #expect(try await cloister("what-if", policy, "--recording", broken).status == 2)
    }

    @Test func `what-if says which claims of the policy no recording holds`() async throws {
        let policy = try file("policy", #"version=1.0;authorizationrules{[type=="nonce"]=>deny();=>permit();};"#)
        let recording = try file("recording", record("aa", debug: false, permitted: true))
        let run = try await cloister("what-if", policy, "--recording", recording, "--json")
        #expect(try JSON.parse(run.output)["notRecorded"]?.strings == ["nonce"])
    }
}
