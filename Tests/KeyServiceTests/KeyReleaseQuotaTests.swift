import Encoding
import Foundation
import HTTPTypes
import Testing

@testable import KeyService

/// How often keys are released whose tags set a limit.
@Suite struct KeyReleaseQuotaTests {
    private func tag(_ fixture: Fixture, _ tags: JSON) async throws {
        let answer = await fixture.send(.patch, "/keys/records", ["tags": tags])
        try #require(answer.status == 200, "\(answer.json)")
    }

    @Test("AC-073 in each minute a key is released as often as its tag says; then 429 names the time to wait")
    func perMinute() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        try await fixture.importKey("other")
        try await tag(fixture, ["cloister-releases-per-minute": "2"])
        // Refusals do not count.
        #expect(
            await fixture.release(target: fixture.authority.token { $0["iss"] = "https://a.example" }).status == 403)
        for _ in 0..<2 { #expect(try await fixture.release().material() == Fixture.k) }
        for _ in 0..<2 {
            let refused = await fixture.release()
            #expect(refused.status == 429 && refused.code == "Throttled" && refused.refusal == "release-quota")
            #expect(refused.headers[.retryAfter] == String(60 - Shared.now.seconds % 60))
            #expect(refused.json["value"] == nil)
            let line = try #require(fixture.auditFile.entries.last)
            #expect(line["event"] == "key.release" && line["outcome"] == "refused" && line["code"] == "release-quota")
            #expect(line["expected"] == "2 per minute" && line["seen"] == "2")
        }
        #expect(await fixture.release("other").status == 200)
        fixture.clock.advance(60 - Shared.now.seconds % 60)
        for _ in 0..<2 { #expect(await fixture.release().status == 200) }
        #expect(await fixture.release().status == 429)
        try await tag(fixture, [:])
        #expect(await fixture.release().status == 200)
    }

    @Test("AC-073 a version is released as often in all as its tag says, whatever the time and the restarts")
    func inAll() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        try await tag(fixture, ["cloister-releases-in-all": "3"])
        for _ in 0..<2 { #expect(await fixture.release().status == 200) }
        try fixture.vault.store.close()
        let again = try Fixture(
            authority: fixture.authority, folder: fixture.folder, auditFile: MemoryAuditFile(fixture.auditFile.bytes))
        again.clock.advance(600)
        let version = await again.send(.get, "/keys/records").version
        #expect(await again.release().status == 200)
        for _ in 0..<2 {
            let refused = await again.release()
            #expect(refused.status == 403 && refused.code == "Forbidden" && refused.refusal == "release-quota")
            #expect(refused.headers[.retryAfter] == nil && refused.json["value"] == nil)
            #expect(again.auditFile.entries.last?["expected"] == "3 in all")
            again.clock.advance(120)
        }
        // A change of anything else does not begin anew; a version of other material does.
        #expect(await again.send(.patch, "/keys/records", ["key_ops": ["encrypt"]]).status == 200)
        #expect(await again.release().refusal == "release-quota")
        #expect(await again.send(.post, "/keys/records/rotate").status == 200)
        for _ in 0..<3 { #expect(await again.release().status == 200) }
        #expect(await again.release().refusal == "release-quota")
        #expect(await again.release(path: "/keys/records/\(version)/release").refusal == "release-quota")
    }

    @Test("AC-073 many releases at the same moment are no more than the quota, and each has its line")
    func atOnce() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        try await tag(fixture, ["cloister-releases-in-all": "3"])
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<9 { group.addTask { await fixture.release().status } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.count { $0 == 200 } == 3 && statuses.count { $0 == 403 } == 6)
        let lines = fixture.auditFile.entries.filter { $0["event"] == "key.release" }
        #expect(lines.count { $0["outcome"] == "allowed" } == 3 && lines.count == 9)
    }

    @Test("AC-073 AC-075 a release that cannot be counted is not made")
    func uncounted() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        try await tag(fixture, ["cloister-releases-in-all": "1"])
        fixture.auditFile.fail(after: 0)
        let refused = await fixture.release()
        #expect(refused.status == 503 && refused.json["value"] == nil)
        #expect(await fixture.release().status == 200)
        #expect(await fixture.release().refusal == "release-quota")
    }

    @Test(
        "AC-073 a limit that is no number from 1 to a million is refused, and is never none",
        arguments: ["0", "-1", "1.5", "", "01", "many", "1000001"])
    func wrongTags(_ text: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        for name in ["cloister-releases-per-minute", "cloister-releases-in-all"] {
            let changed = await fixture.send(.patch, "/keys/records", ["tags": [name: .string(text)]])
            #expect(changed.status == 400 && changed.code == "BadParameter")
            let made = await fixture.send(.post, "/keys/k/create", ["kty": "EC", "tags": [name: .string(text)]])
            #expect(made.status == 400)
        }
    }
}
