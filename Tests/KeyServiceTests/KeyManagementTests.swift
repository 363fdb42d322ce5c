import Audit
import CryptoExtras
import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import Synchronization
import Testing

@testable import KeyService

@Suite struct KeyManagementTests {
    // MARK: Callers

    @Test(
        "AC-146 without a token the answer is the challenge, whatever the path, and the body is not read",
        arguments: ["/keys/records/create", "/keys/../x", "/nothing", "/keys/records/release"])
    func challenge(_ path: String) async throws {
        let fixture = try Fixture()
        let wasRead = Mutex(false)
        let request = ServerRequest(id: "1", method: .post, target: path, headers: [:]) { _ throws(Refusal) in
            wasRead.withLock { $0 = true }
            return []
        }
        let answer = Answer(await fixture.vault.respond(to: request))
        #expect(answer.status == 401)
        #expect(answer.code == "Unauthorized")
        #expect(answer.message.hasPrefix("AKV10000"))
        #expect(
            answer.headers[.wwwAuthenticate]
                == #"Bearer authorization="https://keys.cloister.example/tenant", resource="https://keys.cloister.example:9443""#
        )
        #expect(answer.refusal == "credential-invalid")
        #expect(!wasRead.withLock { $0 })
        // The first step of every client is not a decision.
        #expect(fixture.auditFile.entries.isEmpty)
    }

    @Test(
        "AC-146 a token that is not known, or not sent as one, is refused",
        arguments: [
            "Bearer \(String(repeating: "x", count: 40))", "Bearer ", "Bearer", "Basic \(Shared.administratorToken)",
            Shared.administratorToken, "Bearer \(Shared.administratorToken.dropLast())",
            "Bearer \(Shared.administratorToken)a",
        ])
    func unknownTokens(_ field: String) async throws {
        let fixture = try Fixture()
        let request = ServerRequest(
            .get, "/keys?api-version=7.4", headers: [.authorization: field], authority: Fixture.authorityOfRequests)
        let answer = Answer(await fixture.vault.respond(to: request))
        #expect(answer.status == 401)
        #expect(answer.refusal == "credential-invalid")
        #expect(answer.headers[.wwwAuthenticate] != nil)
        #expect(fixture.auditFile.entries.last?["code"] == "credential-invalid")
    }

    @Test("AC-161 refusals of unknown callers do not fill the disk")
    func flood() async throws {
        let fixture = try Fixture()
        for _ in 0..<100 {
            let answer = await fixture.send(.get, "/keys", token: String(repeating: "x", count: 40))
            #expect(answer.status == 401)
        }
        #expect(fixture.auditFile.entries.count == 10)
        #expect(await fixture.send(.get, "/keys").status == 200)
        for _ in 0..<20 { #expect(await fixture.send(.get, "/keys/none").status == 404) }
        #expect(fixture.auditFile.entries.count == 31, "callers who are known have a line each")
        try await fixture.vault.strangers.flush()
        let last = fixture.auditFile.entries.last
        #expect(last?["count"] == 90 && last?["code"] == "credential-invalid" && last?["event"] == "key.request")
    }

    @Test("AC-146 the release token releases and does nothing else")
    func releaseCaller() async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        for (method, path) in [
            (HTTPRequest.Method.get, "/keys"), (.get, "/keys/records"), (.get, "/keys/records/versions"),
            (.post, "/keys/other/create"), (.put, "/keys/other"), (.patch, "/keys/records"), (.delete, "/keys/records"),
            (.post, "/keys/records/backup"), (.patch, "/keys/records/\(made.version)"),
        ] {
            let answer = await fixture.send(method, path, [:], token: Shared.releaseToken)
            #expect(answer.status == 403, "\(method) \(path)")
            #expect(answer.refusal == "scope-insufficient")
            #expect(answer.json["error"]?["innererror"]?["code"] == "ForbiddenByRbac")
        }
        #expect(await fixture.release(token: Shared.releaseToken).status == 200)
        #expect(await fixture.release(token: Shared.administratorToken).status == 200)
    }

    @Test("AC-146 AC-147 short and equal tokens keep the service from starting")
    func weakCredentials() {
        let long = String(repeating: "l", count: 40)
        for pair in [("short", long), (long, "short"), (long, long), ("", long), (long + "\u{e9}", long)] {
            let refusal = #expect(throws: Refusal.self) {
                try Credentials(administratorToken: pair.0, releaseToken: pair.1)
            }
            #expect(refusal?.code == .insecureConfiguration)
        }
    }

    // MARK: Requests

    @Test func `a missing or unknown api-version is a bad parameter`() async throws {
        let fixture = try Fixture()
        for version in [nil, "", "8.0", "7.4 "] {
            let answer = await fixture.send(.get, "/keys", version: version)
            #expect(answer.status == 400)
            #expect(answer.code == "BadParameter")
        }
        for version in ["7.0", "7.3-preview", "7.6", "2025-07-01", "2016-10-01"] {
            #expect(await fixture.send(.get, "/keys", version: version).status == 200)
        }
    }

    @Test(
        "AC-072 names and versions that are no names, escapes and dots are refused",
        arguments: [
            "/keys/..", "/keys/../keys", "/keys/a%2fb", "/keys/%72ecords", "/keys/rec_ords", "/keys/rec.ords",
            "/keys/r\u{e9}cords", "/keys/records%00", "/keys/\(String(repeating: "a", count: 128))",
            "/keys/records/../release", "/keys/records/0123456789ABCDEF0123456789ABCDEF", "/keys/records/%2e%2e",
            "/keys/records/0123", "/keys//create",
        ])
    func names(_ path: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        for method in [HTTPRequest.Method.get, .post] {
            let answer = await fixture.send(method, path, [:])
            #expect([400, 404].contains(answer.status), "\(method) \(path)")
            #expect(["name-invalid", "not-found"].contains(answer.refusal), "\(answer.refusal ?? "none")")
        }
    }

    @Test("AC-072 another case of a name is another name")
    func caseOfNames() async throws {
        let fixture = try Fixture()
        try await fixture.importKey("records")
        let answer = await fixture.send(.get, "/keys/Records")
        #expect(answer.status == 404)
        #expect(answer.code == "KeyNotFound")
        #expect(answer.refusal == "not-found")
        #expect(await fixture.send(.get, "/Keys/records").status == 404)
    }

    @Test func `a longest name is accepted`() async throws {
        let fixture = try Fixture()
        let name = String(repeating: "A", count: 126) + "-"
        try await fixture.importKey(name)
        #expect(await fixture.send(.get, "/keys/\(name)").status == 200)
    }

    @Test func `ids echo the host and port that the client used`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        for (host, base) in [
            ("127.0.0.1:1234", "https://127.0.0.1:1234"), ("Keys.example", "https://Keys.example"),
            ("[::1]:9", "https://[::1]:9"),
        ] {
            let answer = await fixture.send(.get, "/keys/records", host: host)
            #expect(answer.kid == "\(base)/keys/records/\(answer.version)")
        }
        for host in [nil, "", "a b", "a@b", "a/b", "a:b", "a\"b"] {
            #expect(await fixture.send(.get, "/keys/records", host: host).status == 400)
        }
    }

    @Test func `empty segments and trailing slashes are tolerated`() async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        for path in [
            "/keys/records", "/keys/records/", "/keys/records/\(made.version)", "/keys/records/\(made.version)/",
        ] {
            #expect(await fixture.send(.get, path).kid == made.kid, "\(path)")
        }
        for path in ["/keys/records/release", "/keys/records//release", "/keys/records/\(made.version)/release"] {
            #expect(await fixture.release(path: path).status == 200, "\(path)")
        }
        #expect(await fixture.send(.get, "/keys/").status == 200)
    }

    @Test(
        "an operation that is not there says so",
        arguments: [
            ("GET", "/secrets/x"), ("PUT", "/certificates/x"), ("GET", "/keys/records//attestation"),
        ])
    func unsupported(_ method: String, _ path: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let answer = await fixture.send(HTTPRequest.Method(method)!, path, [:])
        #expect(answer.status == 501)
        #expect(answer.code == "NotImplemented")
        #expect(answer.refusal == "not-implemented")
        #expect(await fixture.send(.get, "/keys/records").status == 200)
    }

    @Test(
        "AC-158 AC-033 bodies that are no JSON objects, or too large, are refused",
        arguments: [
            "", "[]", "{", #"{"kty":"EC","kty":"RSA"}"#, #"{"kty":5}"#,
            "{\"a\":\"" + String(repeating: "x", count: 300_000) + "\"}",
        ])
    func bodies(_ body: String) async throws {
        let fixture = try Fixture()
        let answer = Answer(
            await fixture.vault.respond(
                to: ServerRequest(
                    .post, "/keys/a/create?api-version=7.4",
                    headers: [.authorization: "Bearer \(Shared.administratorToken)"], body: Array(body.utf8),
                    authority: Fixture.authorityOfRequests)))
        #expect(answer.status == (body.utf8.count > 262_144 ? 413 : 400))
        #expect(answer.code == "BadParameter")
    }

    // MARK: Creating

    @Test(
        "keys of each type are made, with the public part only in the answer",
        arguments: [
            (["kty": "RSA-HSM"], ["n", "e"]),
            (["kty": "RSA-HSM", "key_size": 3_072], ["n", "e"]),
            (["kty": "EC-HSM"], ["crv", "x", "y"]),
            (["kty": "EC-HSM", "crv": "P-384"], ["crv", "x", "y"]),
            (["kty": "EC-HSM", "crv": "P-521"], ["crv", "x", "y"]),
            (["kty": "EC-HSM", "crv": "P-256K"], ["crv", "x", "y"]),
            (["kty": "oct-HSM"], []),
            (["kty": "oct-HSM", "key_size": 128], []),
            (["kty": "oct", "key_size": 512], []),
        ] as [(JSON, [String])])
    func create(_ members: JSON, _ publicMembers: [String]) async throws {
        let fixture = try Fixture()
        let answer = await fixture.send(.post, "/keys/k/create", fixture.exportable(members.object!))
        try #require(answer.status == 200, "\(answer.json)")
        let key = try #require(answer.json["key"]?.object)
        #expect(Set(key.keys) == Set(publicMembers + ["kid", "kty", "key_ops"]))
        #expect(key["kty"]?.string?.hasSuffix("-HSM") == true)
        #expect(answer.kid.hasPrefix("\(Fixture.base)/keys/k/"))
        #expect(answer.version.count == 32)
        if let x = key["x"]?.string, let crv = key["crv"]?.string {
            #expect(Base64.decode(x)?.count == ["P-256": 32, "P-384": 48, "P-521": 66, "P-256K": 32][crv])
        }
        let attributes = try #require(answer.json["attributes"])
        #expect(attributes["exportable"] == true)
        #expect(attributes["enabled"] == true)
        #expect(attributes["created"] == .integer(Shared.now.seconds))
        let policy = try #require(answer.json["release_policy"])
        #expect(policy["contentType"] == "application/json; charset=utf-8")
        #expect(policy["immutable"] == nil)
        let data = try #require(policy["data"]?.string.flatMap { Base64.decode($0) })
        #expect(try JSON.parse(data) == fixture.authority.policy)
        #expect(await fixture.send(.get, "/keys/k/\(answer.version)").json == answer.json)
        #expect(fixture.auditFile.entries.first?["event"] == "key.create")
        #expect(fixture.auditFile.entries.first?["key"]?.string == "k/\(answer.version)")
    }

    @Test(
        "sizes and curves that are not supported are bad parameters",
        arguments: [
            ["kty": "RSA-HSM", "key_size": 1_024] as JSON, ["kty": "RSA-HSM", "key_size": 2_049],
            ["kty": "RSA-HSM", "key_size": 8_192], ["kty": "RSA-HSM", "public_exponent": 3],
            ["kty": "EC-HSM", "crv": "P-224"], ["kty": "oct-HSM", "key_size": 64],
            ["kty": "oct-HSM", "key_size": 520], ["kty": "oct-HSM", "key_size": 129], ["kty": "DSA"], [:],
            ["kty": "EC-HSM", "key_ops": ["fly"]], ["kty": "EC-HSM", "tags": ["a": 1]],
        ])
    func unsupportedKeys(_ members: JSON) async throws {
        let fixture = try Fixture()
        let answer = await fixture.send(.post, "/keys/k/create", fixture.exportable(members.object!))
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(await fixture.send(.get, "/keys/k").status == 404)
    }

    @Test("rules 1001, 1004, 1005 and 1006 of exportable keys")
    func exportableRules() async throws {
        let fixture = try Fixture()
        let good = fixture.exportable(["kty": "EC-HSM"])
        func refused(_ body: JSON, version: String = "7.4", _ number: String, _ code: String) async {
            let answer = await fixture.send(.post, "/keys/k/create", body, version: version)
            #expect(answer.status == 400)
            #expect(answer.code == "BadParameter")
            #expect(answer.message.hasPrefix("AKV.SKR.\(number)"), "\(answer.message)")
            #expect(answer.refusal == code)
        }
        await refused(good, version: "7.2", "1001", "request-malformed")
        await refused(["kty": "EC-HSM", "attributes": ["exportable": true]], "1004", "policy-invalid")
        await refused(
            ["kty": "EC-HSM", "release_policy": good["release_policy"]!], "1005", "not-releasable")
        await refused(fixture.exportable(["kty": "EC"]), "1006", "request-malformed")
        #expect(await fixture.send(.get, "/keys/k").status == 404)
        #expect(await fixture.send(.post, "/keys/k/create", good).status == 200)
    }

    @Test("AC-067 a policy that protects nothing is refused with its fault, and no key is made")
    func badPolicies() async throws {
        let fixture = try Fixture()
        for policy in [["version": "1.0.0", "anyOf": []] as JSON, ["anyOf": []], [:]] {
            let answer = await fixture.send(
                .post, "/keys/k/create", fixture.exportable(["kty": "EC-HSM"], policy: policy))
            #expect(answer.status == 400)
            #expect(answer.code == "BadParameter")
            #expect(answer.refusal == "policy-invalid")
            #expect(answer.message.hasPrefix("Key Release Policy: "))
        }
        for member in [["data": "***"] as JSON, ["data": 5], [:], ["data": "e30", "contentType": "text/plain"]] {
            let answer = await fixture.send(
                .post, "/keys/k/create",
                ["kty": "EC-HSM", "attributes": ["exportable": true], "release_policy": member])
            #expect(answer.status == 400)
        }
        #expect(await fixture.send(.get, "/keys/k").status == 404)
        #expect(fixture.auditFile.entries.allSatisfy { $0["outcome"] == "refused" })
    }

    @Test func `a policy may be sent padded and in the standard alphabet`() async throws {
        let fixture = try Fixture()
        let data = Base64.encodeStandard(fixture.authority.policy.canonical)
        let answer = await fixture.send(
            .post, "/keys/k/create",
            [
                "kty": "EC-HSM", "attributes": ["exportable": true],
                "release_policy": ["contentType": "application/json; charset=utf-8", "data": .string(data)],
            ])
        #expect(answer.status == 200)
    }

    // MARK: Importing

    @Test func `an imported key of each type comes back as its public part`() async throws {
        let fixture = try Fixture()
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let numbers = try RSANumbers(rsa)
        let body = fixture.exportable(["key": numbers.jwk(kty: "RSA-HSM"), "Hsm": true])
        let answer = await fixture.send(.put, "/keys/rsa", body)
        try #require(answer.status == 200, "\(answer.json)")
        #expect(answer.json["key"]?["n"] == numbers.jwk(kty: "RSA")["n"])
        #expect(answer.json["key"]?["d"] == nil)
        let ec = try #require(ECVector.all.first)
        let imported = await fixture.send(.put, "/keys/ec", fixture.exportable(["key": ec.jwk, "hsm": true]))
        try #require(imported.status == 200, "\(imported.json)")
        #expect(imported.json["key"]?["x"] == ec.jwk["x"])
        #expect(imported.json["key"]?["kty"] == "EC-HSM")
        #expect(imported.json["key"]?["d"] == nil)
        let oct = try await fixture.importKey()
        #expect(oct.json["key"]?["k"] == nil)
    }

    @Test(
        "keys that are incomplete, too small, too large or inconsistent are not imported",
        arguments: [
            ["kty": "oct-HSM"] as JSON, ["kty": "oct-HSM", "k": "AAAA"], ["kty": "oct-HSM", "k": "*"],
            ["kty": "oct-HSM", "k": .string(Base64.encodeURL([UInt8](repeating: 1, count: 65)))],
            ["kty": "RSA-HSM", "n": "AQAB", "e": "AQAB"],
            ["kty": "EC-HSM", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"],
            ["kty": "EC-HSM", "crv": "P-256K", "x": "AA", "y": "AA", "d": "AQ"], ["kty": "what"], [:],
        ])
    func badImports(_ key: JSON) async throws {
        let fixture = try Fixture()
        let answer = await fixture.send(.put, "/keys/k", fixture.exportable(["key": key]))
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(answer.refusal == "key-invalid")
        #expect(await fixture.send(.get, "/keys/k").status == 404)
    }

    @Test func `an EC key whose public point is another key's is not imported`() async throws {
        let fixture = try Fixture()
        var jwk = try #require(ECVector.all.first?.jwk.object)
        (jwk["x"], jwk["y"]) = (jwk["y"], jwk["x"])
        let answer = await fixture.send(.put, "/keys/k", fixture.exportable(["key": .object(jwk), "hsm": true]))
        #expect(answer.status == 400)
        #expect(answer.message.contains("x and y"))
    }

    // MARK: Versions and changes

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
