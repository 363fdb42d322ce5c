import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import Testing

@testable import KeyService

/// Versions of keys, changes of them, lists.
@Suite struct KeyManagementTests {
    @Test func `creating an existing name makes a new version that keeps the policy`() async throws {
        let fixture = try Fixture()
        let first = try await fixture.importKey()
        let second = await fixture.send(.post, "/keys/records/create", ["kty": "oct-HSM"])
        try #require(second.status == 200, "\(second.json)")
        #expect(second.version != first.version)
        #expect(second.json["attributes"]?["exportable"] == true)
        #expect(second.json["release_policy"] == first.json["release_policy"])
        #expect(await fixture.send(.get, "/keys/records").version == second.version)
        #expect(await fixture.send(.get, "/keys/records/\(first.version)").version == first.version)
        let versions = await fixture.send(.get, "/keys/records/versions")
        #expect(versions.json["value"]?.array?.map { $0["kid"]?.string } == [first.kid, second.kid])
        #expect(versions.json["nextLink"] == .null)
    }

    @Test("AC-070 the exportable attribute of a key never changes")
    func exportableIsFixed() async throws {
        let fixture = try Fixture()
        #expect(await fixture.send(.post, "/keys/closed/create", ["kty": "EC-HSM"]).status == 200)
        try await fixture.importKey()
        let open = fixture.exportable(["kty": "EC-HSM"])
        let attempts = [
            await fixture.send(.post, "/keys/closed/create", open),
            await fixture.send(.patch, "/keys/closed", ["attributes": ["exportable": true]]),
            await fixture.send(.patch, "/keys/records", ["attributes": ["exportable": false]]),
            await fixture.send(.post, "/keys/records/create", ["kty": "EC-HSM", "attributes": ["exportable": false]]),
        ]
        for answer in attempts {
            #expect(answer.status == 400)
            #expect(answer.message.hasPrefix("AKV.SKR.1003"))
            #expect(answer.refusal == "not-releasable")
        }
        let answer = await fixture.send(.patch, "/keys/closed", ["release_policy": open["release_policy"]!])
        #expect(answer.message.hasPrefix("AKV.SKR.1005"))
        #expect(await fixture.send(.get, "/keys/closed").json["attributes"]?["exportable"] == false)
        #expect(await fixture.release("closed").refusal == "not-releasable")
    }

    @Test("AC-068 an immutable policy cannot be changed, and does not become mutable")
    func immutablePolicy() async throws {
        let fixture = try Fixture()
        let same: JSON = .string(Base64.encodeURL(fixture.authority.policy.canonical))
        var other = fixture.authority.policy.object!
        other["anyOf"] = [
            ["authority": .string(fixture.authority.url), "allOf": [["claim": "x-cloister-grade", "exists": true]]]
        ]
        let changed: JSON = .string(Base64.encodeURL(JSON.object(other).canonical))
        try await fixture.importKey()
        let made = await fixture.send(.patch, "/keys/records/", ["release_policy": ["data": same, "immutable": true]])
        #expect(made.status == 200)
        #expect(made.json["release_policy"]?["immutable"] == true)
        let attempts = [
            await fixture.send(.patch, "/keys/records/", ["release_policy": ["data": changed]]),
            await fixture.send(.patch, "/keys/records/", ["release_policy": ["data": changed, "immutable": false]]),
            await fixture.send(.post, "/keys/records/create", ["kty": "oct-HSM", "release_policy": ["data": changed]]),
        ]
        for answer in attempts {
            // The API's own status; our own interfaces would answer 409.
            #expect(answer.status == 400)
            #expect(answer.message.hasPrefix("AKV.SKR.1020"))
            #expect(answer.refusal == "policy-immutable")
        }
        let again = await fixture.send(
            .patch, "/keys/records/", ["release_policy": ["data": same, "immutable": false]])
        #expect(again.status == 200)
        #expect(again.json["release_policy"]?["immutable"] == true)
    }

    @Test func `a policy changes on the key as a whole and not on one version`() async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        let data: JSON = .string(Base64.encodeURL(fixture.authority.policy.canonical))
        let answer = await fixture.send(
            .patch, "/keys/records/\(made.version)", ["release_policy": ["data": data]])
        #expect(answer.status == 400)
        #expect(answer.message.hasPrefix("AKV.SKR.1016"))
        #expect(await fixture.send(.patch, "/keys/records/", ["release_policy": ["data": data]]).status == 200)
    }

    @Test func `attributes, tags and operations of one version change`() async throws {
        let fixture = try Fixture()
        let first = try await fixture.importKey()
        fixture.clock.advance(60)
        let answer = await fixture.send(
            .patch, "/keys/records/\(first.version)",
            ["attributes": ["enabled": false, "exp": 2_000_000_000], "tags": ["a": "b"], "key_ops": ["export"]])
        #expect(answer.status == 200)
        let read = await fixture.send(.get, "/keys/records/\(first.version)")
        #expect(read.json == answer.json)
        #expect(read.json["attributes"]?["enabled"] == false)
        #expect(read.json["attributes"]?["exp"] == 2_000_000_000)
        #expect(read.json["attributes"]?["updated"] == .integer(Shared.now.seconds + 60))
        #expect(read.json["attributes"]?["created"] == .integer(Shared.now.seconds))
        #expect(read.json["tags"] == ["a": "b"])
        #expect(read.json["key"]?["key_ops"] == ["export"])
        #expect(await fixture.send(.patch, "/keys/none", [:]).status == 404)
    }

    @Test func `lists come in pages whose next link the client follows unchanged`() async throws {
        let fixture = try Fixture()
        for number in 0..<7 {
            #expect(await fixture.send(.post, "/keys/k\(number)/create", ["kty": "EC-HSM"]).status == 200)
        }
        var path = "/keys?maxresults=3"
        var names: [String] = []
        var pages = 0
        while pages < 10 {
            let answer = await fixture.send(.get, path, version: path.contains("api-version") ? nil : "7.4")
            try #require(answer.status == 200)
            pages += 1
            names += answer.json["value"]?.array?.compactMap { $0["kid"]?.string } ?? []
            guard let next = answer.json["nextLink"]?.string else { break }
            try #require(next.hasPrefix(Fixture.base))
            path = String(next.dropFirst(Fixture.base.count))
        }
        #expect(pages == 3)
        #expect(names == (0..<7).map { "\(Fixture.base)/keys/k\($0)" })
        for query in ["maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=*", "$skiptoken=_w"] {
            #expect(await fixture.send(.get, "/keys?\(query)").status == 400)
        }
        #expect(await fixture.send(.get, "/keys/none/versions").status == 404)
    }

    @Test("AC-075 a change that cannot be recorded is not made, and a reading that cannot be recorded is not answered")
    func auditOfManagement() async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        fixture.auditFile.breakDown()
        let attempts = [
            await fixture.send(.post, "/keys/other/create", fixture.exportable(["kty": "EC-HSM"])),
            await fixture.send(
                .put, "/keys/other",
                fixture.exportable(["key": ["kty": "oct", "k": .string(Base64.encodeURL(Fixture.k))]])),
            await fixture.send(.patch, "/keys/records", ["attributes": ["enabled": false]]),
            await fixture.send(.get, "/keys/records"),
            await fixture.send(.get, "/keys"),
            await fixture.send(.get, "/keys/none"),
        ]
        for answer in attempts {
            #expect(answer.status == 503)
            #expect(answer.refusal == "audit-unavailable")
            #expect(answer.json["key"] == nil)
        }
        let (record, version, other) = try await fixture.vault.store.read { keys in
            (try keys.key("records"), try keys.version("records", made.version), try keys.key("other"))
        }
        #expect(record?.latest == made.version)
        #expect(version?.attributes.isEnabled == true)
        #expect(other == nil)
    }

    @Test func `answers carry the request id, and echo the client's`() async throws {
        let fixture = try Fixture()
        let request = ServerRequest(
            .get, "/keys?api-version=7.4",
            headers: [
                .authorization: "Bearer \(Shared.administratorToken)",
                HTTPField.Name("x-ms-client-request-id")!: "client-7",
            ], authority: Fixture.authorityOfRequests, id: "0123")
        let answer = await fixture.vault.respond(to: request)
        #expect(answer.headers[HTTPField.Name("x-ms-request-id")!] == "0123")
        #expect(answer.headers[HTTPField.Name("x-ms-client-request-id")!] == "client-7")
        #expect(fixture.auditFile.entries.last?["id"] == "0123")
    }
}
