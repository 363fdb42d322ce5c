import Access
import AttestationService
import AttestationToken
import Audit
import Crypto
import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import Synchronization
import TestSupport
import Testing

private let route = "/policies/SgxEnclave?api-version=2020-10-01"
private let policy = unsignedToken("version= 1.0;authorizationrules{=> permit();};")

/// An issuer of access tokens.
private struct Issuer {
    let key = P256.Signing.PrivateKey()
    static let claims: [String: JSON] = [
        "iss": "https://login.example", "aud": "https://attest.azure.net", "sub": "somebody@example",
        "exp": .integer(Service.now.seconds + 600), "nbf": .integer(Service.now.seconds),
        "roles": ["Other", "Attestation Contributor"],
    ]

    func keySet(_ keyID: String = "k1") -> [UInt8] {
        var jwk = JWK(key.publicKey).json.object ?? [:]
        jwk["kid"] = .string(keyID)
        // Issuers publish keys of other kinds, too.
        let others: [JSON] = [["kty": "OKP", "crv": "Ed25519", "kid": "k0"], "nonsense"]
        return JSON.object(["keys": .array(others + [.object(jwk)])]).canonical
    }

    func token(_ changes: [String: JSON?] = [:], keyID: String = "k1") throws -> String {
        var claims = Self.claims
        for (name, value) in changes { claims[name] = value }
        return try SigningKey.es256(key).sign(
            header: ["kid": .string(keyID)], payload: JSON.object(claims).canonical)
    }
}

struct AccessTests {
    @Test("AC-146 without a bearer token, or with one that is nobody's, nothing is read or changed")
    func strangers() async throws {
        let service = try Service()
        for token in [nil, "", "x", Service.contributorToken + "x"] {
            for (method, target, body) in [
                (HTTPRequest.Method.get, route, ""), (.put, route, policy),
                (.get, "/certificates?api-version=2020-10-01", ""),
            ] {
                let answer = await service.call(method, target, body, token: token)
                #expect(answer.status == 401)
                #expect(answer.errorCode == "Unauthorized")
                #expect(answer.refusal == "credential-invalid")
            }
        }
        let message = await service.call(.get, route, token: nil).body["error"]?["message"]
        #expect(message == "Access to /policies/SgxEnclave requires a valid JWT bearer token")
        #expect(await service.call(.get, route).claims["x-ms-policy"] != .string(policy))
        #expect(try service.audit().allSatisfy { $0["code"] == "credential-invalid" })
    }

    @Test("AC-146 a reader reads and changes nothing")
    func reader() async throws {
        let service = try Service()
        #expect(await service.call(.get, route, token: Service.readerToken).status == 200)
        let answer = await service.call(.put, route, policy, token: Service.readerToken)
        #expect(answer.status == 401)
        #expect(answer.refusal == "scope-insufficient")
        #expect(try service.audit().last?["code"] == "scope-insufficient")
    }

    @Test("AC-161 refusals of strangers are counted beyond the first of each kind and minute, and the service goes on")
    func flood() async throws {
        let service = try Service()
        for _ in 0..<100 {
            #expect(await service.call(.get, route, token: nil).status == 401)
            #expect(await service.post(["report": "AAAA"]).refusal == "evidence-malformed")
            #expect(await service.post("/attest/SevSnpVm", [:]).refusal == "request-malformed")
        }
        #expect(try service.audit().count == 30)
        #expect(await service.post(try Sample.snp()).status == 200)
        #expect(await service.call(.get, route, token: Service.readerToken).status == 200)
        #expect(try service.audit().count == 31)
        try await service.strangers.flush()
        let counts = try service.audit().dropFirst(31)
        #expect(counts.count == 3)
        #expect(counts.allSatisfy { $0["count"] == 90 && $0["outcome"] == "refused" && $0["key"] == nil })
        #expect(
            Set(counts.compactMap { $0["code"]?.string })
                == ["credential-invalid", "evidence-malformed", "request-malformed"])
    }

    @Test("AC-161 refusals of callers who are known have a line each")
    func knownCallers() async throws {
        let service = try Service(attestNeedsToken: true)
        let target = "/attest/SevSnpVm?api-version=2022-08-01"
        for _ in 0..<15 {
            #expect(await service.call(.post, target, "{}", token: Service.readerToken).status == 400)
            #expect(await service.call(.post, target, "{}", token: nil).status == 401)
        }
        let events = try service.audit()
        #expect(events.count { $0["caller"] == "reader" } == 15)
        #expect(events.count { $0["code"] == "credential-invalid" } == 10)
    }

    @Test("AC-161 whatever a stranger asks for, the audit log can be read again")
    func readableAudit() async throws {
        let service = try Service()
        let marks = [
            String(repeating: "%CC%81", count: 300), String(repeating: "%E1%84%80", count: 5_000), "%00%0A%22%5C",
        ]
        for mark in marks {
            #expect(await service.call(.delete, "/distrust/a" + mark, token: nil).status == 401)
        }
        let log = try AuditLog(
            file: MemoryFile(try AtomicFile.read(service.folder.url.path + "/audit.jsonl", maximumBytes: 65_536)),
            clock: service.clock.wall)
        #expect(log.count == 3)
    }

    @Test func `access tokens of the configured issuer open what their role covers`() async throws {
        let issuer = Issuer()
        let access = try AccessControl(
            issuer: AccessTokenIssuer(
                issuer: "https://login.example", audience: "https://attest.azure.net",
                keys: AccessTokenKeys { issuer.keySet() }))
        let service = try Service(access: access)
        #expect(await service.call(.put, route, policy, token: try issuer.token()).status == 200)
        #expect(
            await service.call(
                .put, route, policy, token: try issuer.token(["aud": ["x", "https://attest.azure.net"]])
            ).status == 200)
        #expect(
            await service.call(.put, route, policy, token: try issuer.token(["roles": "attestation contributor"]))
                .status == 200)
        let reading = try issuer.token(["roles": ["Attestation Reader"]])
        #expect(await service.call(.get, route, token: reading).status == 200)
        #expect(await service.call(.put, route, policy, token: reading).status == 401)
        let caller = try #require(service.audit().first?["caller"]?.string)
        #expect(caller == Digest(of: "https://login.example somebody@example").description)
        let refused: [[String: JSON?]] = [
            ["iss": "https://login.example/"], ["aud": "https://other"], ["aud": nil], ["sub": nil], ["exp": nil],
            ["exp": .integer(Service.now.seconds - 61)], ["nbf": .integer(Service.now.seconds + 61)],
            ["exp": "soon"], ["nbf": "later"], ["roles": nil], ["roles": ["Owner"]], ["roles": 7],
        ]
        for changes in refused {
            let answer = await service.call(.get, route, token: try issuer.token(changes))
            #expect(answer.status == 401, "\(changes)")
        }
        let impostor = Issuer()
        #expect(await service.call(.get, route, token: try impostor.token()).status == 401)
        #expect(await service.call(.get, route, token: try issuer.token(keyID: "k9")).status == 401)
        let unsigned =
            Base64.encodeURL(#"{"alg":"none","kid":"k1"}"#.utf8) + "."
            + Base64.encodeURL(JSON.object(Issuer.claims).canonical) + "."
        #expect(await service.call(.get, route, token: unsigned).status == 401)
    }

    @Test func `an issuer's keys are fetched when they are needed, and not for every stranger`() async throws {
        let issuer = Issuer()
        let fetches = Counter()
        let access = try AccessControl(
            issuer: AccessTokenIssuer(
                issuer: "https://login.example", audience: "https://attest.azure.net",
                keys: AccessTokenKeys {
                    guard fetches.next() != 1 else { throw Refusal(.notFound, "down") }
                    return issuer.keySet()
                }))
        let service = try Service(access: access)
        let down = await service.call(.get, route, token: try issuer.token())
        #expect(down.status == 503)
        #expect(down.refusal == "issuer-keys-unavailable")
        // Within the pause nobody asks again.
        #expect(await service.call(.get, route, token: try issuer.token()).status == 503)
        service.clock.set(Service.now + 31)
        #expect(await service.call(.get, route, token: try issuer.token()).status == 200)
        for _ in 0..<5 { #expect(await service.call(.get, route, token: try issuer.token(keyID: "k2")).status == 401) }
        #expect(fetches.count == 2)
    }

    @Test("AC-147 short tokens, and the same token for both roles, are refused at start")
    func weakTokens() throws {
        let long = String(repeating: "x", count: 32)
        #expect(throws: Refusal.self) { try AccessControl(contributorToken: "short") }
        #expect(throws: Refusal.self) { try AccessControl(contributorToken: long, readerToken: long) }
        _ = try AccessControl(contributorToken: long)
    }

    @Test("AC-148 a token file that others can read is refused")
    func tokenFile() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "token").path
        #expect(throws: Refusal.self) { try TokenFile.read(file) }
        try Data("abc\n".utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        #expect(throws: Refusal.self) { try TokenFile.read(file) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        #expect(try TokenFile.read(file) == "abc")
    }

    @Test func `attest calls need a token where the instance says so`() async throws {
        let service = try Service(attestNeedsToken: true)
        let body = String(decoding: try Sample.snp().canonical, as: UTF8.self)
        let target = "/attest/SevSnpVm?api-version=2022-08-01"
        #expect(await service.call(.post, target, body, token: nil).errorCode == "Unauthorized")
        #expect(await service.call(.post, target, body, token: Service.readerToken).status == 200)
        #expect(await service.call(.get, "/certs", token: nil).status == 200)
    }

    @Test func `a client beyond its rate is told when to come back, others are not`() async throws {
        let service = try Service(requestsPerSecond: 1)
        var answers: [Answer] = []
        for _ in 0..<20 { answers.append(await service.call(.get, "/certs", client: "192.0.2.1")) }
        #expect(answers.prefix(2).allSatisfy { $0.status == 200 })
        let refused = try #require(answers.first { $0.status == 429 })
        #expect(refused.errorCode == "TooManyRequests")
        #expect(refused.headers[.retryAfter] == "1")
        #expect(await service.call(.get, "/certs", client: "192.0.2.2").status == 200)
    }

    @Test("AC-158 the addresses of one IPv6 network are one client")
    func networks() async throws {
        let service = try Service(requestsPerSecond: 1)
        for last in 1...2 {
            #expect(await service.call(.get, "/certs", client: "2001:db8:0:1::\(last)").status == 200)
        }
        #expect(await service.call(.get, "/certs", client: "2001:db8:0:1:ffff::9").status == 429)
        #expect(await service.call(.get, "/certs", client: "2001:db8:0:2::1").status == 200)
    }
}

/// Counts calls.
private final class Counter: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func next() -> Int {
        value.withLock {
            $0 += 1
            return $0
        }
    }
}
