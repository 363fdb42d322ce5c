import Audit
import Encoding
import Foundation
import TestSupport
import Testing

/// `cloister release-policy` and `cloister audit`, as somebody uses them.
@Suite struct KeyCommandTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ name: String, _ text: String) throws -> String {
        let url = folder.url.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    private func run(_ arguments: [String]) async throws -> (status: Int32, json: JSON) {
        let cloister = ProjectFolders.executables.appending(path: "cloister")
        let run = try await ProgramRun.run(cloister, arguments + ["--json"])
        return (run.status, (try? JSON.parse(run.output)) ?? .null)
    }

    static let policy =
        #"{"anyOf":[{"allOf":[{"claim":"a.b","equals":"true"},{"claim":"n","greater":3}],"authority":"https://a.example/"}],"#
        + #""version":"1.0"}"#

    @Test func `a policy is checked and shown as it would be read back`() async throws {
        let good = try await run(["release-policy", "check", try write("p", Self.policy)])
        #expect(good.status == 0 && good.json["policy"]?["version"] == "1.0.0")
        let wrapped = try await run([
            "release-policy", "check", try write("b", #"{"data":"\#(Base64.encodeURL(Self.policy.utf8))"}"#),
        ])
        #expect(wrapped.json == good.json)
        let bad = try await run(["release-policy", "check", try write("q", #"{"version":"1.0.0","anyOf":[]}"#)])
        #expect(bad.status == 1 && bad.json["error"]?["code"] == "policy-invalid")
    }

    @Test("AC-065 a refused token is explained: which claim, what was expected, what was seen")
    func explain() async throws {
        let policy = try write("p", Self.policy)
        let good = try await run([
            "release-policy", "explain", policy, "--token",
            try write("g", #"{"iss":"https://A.example","a":{"b":true},"n":4}"#),
        ])
        #expect(good.status == 0 && good.json["satisfied"] == true, "\(good.json)")
        let payload = Base64.encodeURL(#"{"iss":"https://a.example","a":{"b":true},"n":3}"#.utf8)
        let token = try write("t", "e30.\(payload).AA\n")
        let bad = try await run(["release-policy", "explain", policy, "--token", token])
        #expect(bad.status == 1 && bad.json["code"] == "claim-mismatch:n")
        #expect(bad.json["expected"] == "greater 3" && bad.json["seen"] == "3")
        let conditions = bad.json["authorities"]?.array?.first?["conditions"]?.array ?? []
        #expect(conditions.map { $0["holds"] } == [true, false])
        #expect(conditions.last?["place"] == "anyOf[0].allOf[1]")
        let other = try await run([
            "release-policy", "explain", policy, "--token", try write("o", #"{"iss":"https://b.example"}"#),
        ])
        #expect(other.status == 1 && other.json["code"] == "authority-not-allowed")
    }

    @Test("AC-077 an audit log is whole, or it is said which line is not; an older one lacks the head that was kept")
    func audit() async throws {
        let path = folder.url.appending(path: "audit.jsonl").path
        let log = try AuditLog(path: path, clock: WallClock { Timestamp(seconds: 1_795_300_000) })
        for number in 0..<5 { try log.append(AuditEntry(event: "key.release", outcome: .allowed, id: "\(number)")) }
        let good = try await run(["audit", "verify", path])
        let entry = try #require(good.json["logs"]?.array?.first)
        #expect(good.status == 0 && entry["lines"] == 5 && entry["unfinished"] == false)
        let head = try #require(entry["head"]?.string)
        #expect(try await run(["audit", "verify", path, "--contains", head]).status == 0)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let older = try write("older", lines.dropLast().joined(separator: "\n") + "\n")
        #expect(try await run(["audit", "verify", older]).status == 0, "by itself it cannot be told")
        let rolledBack = try await run(["audit", "verify", older, "--contains", head])
        #expect(rolledBack.status == 1 && rolledBack.json["logs"]?.array?.first?["code"] == "state-rollback")
        let gap = try write("gap", (lines.prefix(2) + lines.suffix(2)).joined(separator: "\n") + "\n")
        #expect(try await run(["audit", "verify", gap]).status == 1)
        let changed = try write("changed", lines.joined(separator: "\n").replacing("allowed", with: "refused") + "\n")
        #expect(try await run(["audit", "verify", path, changed]).status == 1)
        #expect(try await run(["audit", "verify", path + ".none"]).status == 1)
        #expect(try await run(["audit", "verify", path, "--contains", "x"]).status == 2)
        // A hash may begin with a hyphen, and is no option then.
        let other = try await run(["audit", "verify", path, "--contains", "-" + String(repeating: "A", count: 42)])
        #expect(other.status == 1, "\(other.json)")
    }
}
