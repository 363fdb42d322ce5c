import Audit
import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import Synchronization
import Testing

@testable import KeyService

/// Who is heard, and which requests are understood.
@Suite struct KeyRequestTests {
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
            ("GET", "/secrets/x", "no secrets"), ("PUT", "/certificates/x", "no certificates"),
            ("GET", "/keys/records//attestation", "hardware security module"),
        ])
    func unsupported(_ method: String, _ path: String, _ why: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let answer = await fixture.send(HTTPRequest.Method(method)!, path, [:])
        #expect(answer.status == 501)
        #expect(answer.code == "NotImplemented")
        #expect(answer.refusal == "not-implemented")
        #expect(answer.message.contains(why))
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
}
