// swift-format-ignore-file: NeverUseForceTry, NeverForceUnwrap

import Access
import AttestationToken
import Crypto
import Encoding
import Foundation
import HTTPTypes
import Testing

@testable import KeyService

/// Callers with access tokens, and what their roles allow: key API reference, section 13.
@Suite struct KeyAccessTests {
    static let key = P256.Signing.PrivateKey()
    static let issuer = "https://login.cloister.example/tenant"
    static let audience = "https://keys.cloister.example:9443"

    static func token(_ subject: String, _ change: (inout [String: JSON]) -> Void = { _ in }) -> String {
        var claims: [String: JSON] = [
            "iss": .string(issuer), "aud": .string(audience), "sub": .string(subject),
            "exp": .integer(Shared.now.seconds + 600),
        ]
        change(&claims)
        return try! SigningKey.es256(key).sign(
            header: ["kid": "caller-key"], payload: JSON.object(claims).canonical)
    }

    let fixture: Fixture

    init() throws { try self.init(subjectClaim: "sub") }

    /// - Parameter subjectClaim: which claim names callers.
    init(subjectClaim: String) throws {
        let jwk = JWK(Self.key.publicKey).json
        let set: JSON = ["keys": [.object(jwk.object!.merging(["kid": "caller-key"]) { $1 })]]
        fixture = try Fixture(
            access: AccessTokens(
                issuer: Self.issuer, audiences: [Self.audience], subjectClaim: subjectClaim,
                keys: AccessTokenKeys { set.canonical }))
    }

    static let user = "21dbd100-6940-42c2-9190-5d6cb909625b"
    static let releaser = "21dbd100-6940-42c2-9190-5d6cb909625c"
    static let auditor = "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3"
    static let administrator = "a290e904-7015-4bba-90c8-60543313cdb4"

    /// Assigns a role; `number` makes the assignment's id.
    @discardableResult
    func assign(
        _ role: String, to subject: String, in scope: String = "", number: Int = 1,
        token: String = Shared.administratorToken
    ) async -> Answer {
        await fixture.send(
            .put, "\(scope)/providers/Microsoft.Authorization/roleAssignments/\(id(number))",
            ["properties": ["principalId": .string(subject), "roleDefinitionId": .string("/x/" + role)]], token: token)
    }

    func id(_ number: Int) -> String { "00000000-0000-0000-0000-00000000000\(number)" }

    @Test("AC-146 a caller without a role hears 403, whether the key is there or not")
    func withoutRole() async throws {
        try await fixture.importKey()
        let token = Self.token("nobody")
        for (method, path) in [
            (HTTPRequest.Method.get, "/keys"), (.get, "/keys/records"), (.get, "/keys/none"), (.delete, "/keys/none"),
            (.post, "/keys/none/release"), (.post, "/keys/none//sign"), (.get, "/deletedkeys/none"), (.post, "/rng"),
            (.get, "/providers/Microsoft.Authorization/roleAssignments"),
        ] {
            let answer = await fixture.send(method, path, [:], token: token)
            #expect(answer.status == 403, "\(method) \(path)")
            #expect(answer.json["error"]?["innererror"]?["code"] == "ForbiddenByRbac")
            #expect(answer.refusal == "scope-insufficient")
        }
        let caller = fixture.auditFile.entries.last?["caller"]?.string
        #expect(caller == Digest(of: "\(Self.issuer) nobody").description, "no names in the audit log")
    }

    @Test("AC-146 nobody gets another's roles by a claim that issuers let callers choose")
    func chosenNames() async throws {
        await assign(Self.user, to: "alice")
        #expect(await fixture.send(.get, "/keys", token: Self.token("alice")).status == 200)
        let impostor = Self.token("mallory") { $0["oid"] = "alice" }
        #expect(await fixture.send(.get, "/keys", token: impostor).status == 403)
        let nameless = Self.token("mallory") { claims in
            claims["sub"] = nil
            claims["oid"] = "alice"
        }
        #expect(await fixture.send(.get, "/keys", token: nameless).status == 401)
        // At Entra, where `sub` differs for each application, roles are assigned to the object id.
        let entra = try KeyAccessTests(subjectClaim: "oid")
        await entra.assign(Self.user, to: "alice")
        #expect(await entra.fixture.send(.get, "/keys", token: impostor).status == 200)
        #expect(await entra.fixture.send(.get, "/keys", token: Self.token("alice")).status == 401)
    }

    @Test("AC-139 a role holds in its scope, at once, and until it is taken away")
    func scopes() async throws {
        try await fixture.importKey("records")
        try await fixture.importKey("other")
        let token = Self.token("alice")
        #expect(await assign(Self.user, to: "alice", in: "/keys/records").status == 201)
        #expect(await fixture.send(.get, "/keys/records", token: token).status == 200)
        #expect(await fixture.send(.get, "/keys/other", token: token).status == 403)
        #expect(await fixture.send(.get, "/keys", token: token).status == 403)
        #expect(await fixture.release("records", token: token).status == 200)
        #expect(await fixture.release("other", token: token).status == 403)
        #expect(await fixture.send(.delete, "/keys/records", token: token).status == 200)
        #expect(await fixture.send(.get, "/deletedkeys/records", token: token).status == 403)
        #expect(await assign(Self.user, to: "alice", in: "//keys", number: 2).status == 201)
        #expect(await fixture.send(.get, "/keys/other", token: token).status == 200)
        let path = "/keys/providers/Microsoft.Authorization/roleAssignments/\(id(2))"
        #expect(await fixture.send(.delete, path).status == 200)
        #expect(await fixture.send(.get, "/keys/other", token: token).status == 403)
        #expect(await fixture.send(.delete, path).status == 404)
    }

    @Test func `who may make keys but not change them does not replace a release policy`() async throws {
        try await fixture.importKey()
        let role = "/providers/Microsoft.Authorization/roleDefinitions/\(id(9))"
        let actions: JSON = [
            "Microsoft.KeyVault/managedHsm/keys/create", "Microsoft.KeyVault/managedHsm/keys/read/action",
        ]
        #expect(
            await fixture.send(
                .put, role, ["properties": ["roleName": "maker", "permissions": [["dataActions": actions]]]]
            ).status < 300)
        await assign(id(9), to: "maker")
        let token = Self.token("maker")
        let other: JSON = [
            "version": "1.0.0",
            "anyOf": [["authority": .string(fixture.authority.url), "allOf": [["claim": "iss", "exists": true]]]],
        ]
        let body = fixture.exportable(["kty": "oct-HSM", "key_size": 256], policy: other)
        #expect(await fixture.send(.post, "/keys/records/create", body, token: token).refusal == "scope-insufficient")
        #expect(await fixture.send(.post, "/keys/another/create", body, token: token).status == 200)
        let same = fixture.exportable(["kty": "oct-HSM", "key_size": 256])
        #expect(await fixture.send(.post, "/keys/records/create", same, token: token).status == 200)
    }

    @Test func `a role that may release may nothing else, and an auditor reads and changes nothing`() async throws {
        try await fixture.importKey()
        await assign(Self.releaser, to: "unit")
        await assign(Self.auditor, to: "auditor", number: 2)
        #expect(await fixture.release(token: Self.token("unit")).status == 200)
        #expect(await fixture.send(.get, "/keys/records", token: Self.token("unit")).status == 403)
        let auditor = Self.token("auditor")
        #expect(await fixture.send(.get, "/keys", token: auditor).status == 200)
        #expect(await fixture.send(.get, "/deletedkeys", token: auditor).status == 200)
        #expect(await fixture.release(token: auditor).status == 403)
        #expect(await fixture.send(.patch, "/keys/records", ["tags": [:]], token: auditor).status == 403)
        #expect(await assign(Self.user, to: "auditor", number: 3, token: auditor).status == 403)
    }

    @Test("AC-076 the administrator of roles reads no key and has none released")
    func administrator() async throws {
        try await fixture.importKey()
        await assign(Self.administrator, to: "root")
        let token = Self.token("root")
        for (method, path) in [
            (HTTPRequest.Method.get, "/keys/records"), (.post, "/keys/records/backup"), (.post, "/keys/records//sign"),
        ] {
            #expect(await fixture.send(method, path, [:], token: token).status == 403)
        }
        #expect(await fixture.release(token: token).status == 403)
        #expect(await assign(Self.auditor, to: "other", number: 2, token: token).status == 201)
    }

    @Test func `roles and assignments read back as resources`() async throws {
        let base = "/providers/Microsoft.Authorization"
        let roles = await fixture.send(.get, "\(base)/roleDefinitions")
        #expect(roles.json["value"]?.array?.count == 9)
        let user = await fixture.send(.get, "///\(base.dropFirst())/roleDefinitions/\(Self.user)")
        #expect(user.json["properties"]?["roleName"] == "Managed HSM Crypto User")
        let made = await assign(Self.auditor, to: "bob", in: "/keys/k")
        #expect(made.json["properties"]?["principalId"] == "bob")
        #expect(made.json["properties"]?["scope"] == "/keys/k")
        #expect(made.json["name"]?.string == id(1))
        #expect(await fixture.send(.get, "\(base)/roleAssignments").json["value"] == [made.json])
        #expect(await fixture.send(.get, "/keys/k\(base)/roleAssignments/\(id(1))").json == made.json)
        #expect(await fixture.send(.get, "/keys/j\(base)/roleAssignments/\(id(1))").status == 404)
        #expect(await assign(Self.auditor, to: "bob", in: "/keys/k", number: 2).status == 409)
        #expect(await assign(Self.auditor, to: "eve", in: "/keys/k").status == 409)
        #expect(await assign(id(9), to: "bob", number: 3).status == 404)
        #expect(await fixture.send(.put, "\(base)/roleAssignments/x", [:]).status == 400)
    }

    @Test func `a role of one's own allows what it says, changes for those who have it, and cannot be lost by them`()
        async throws
    {
        let path = "/providers/Microsoft.Authorization/roleDefinitions/\(id(7))"
        func role(_ actions: [JSON], not: [JSON] = []) -> JSON {
            [
                "properties": [
                    "roleName": "Signer", "description": "Signs.",
                    "permissions": [["dataActions": .array(actions), "notDataActions": .array(not)]],
                ]
            ]
        }
        try await fixture.create(["kty": "EC"])
        let made = await fixture.send(
            .put, path, role(["Microsoft.KeyVault/managedHsm/keys/*"], not: ["keys/release/action", "keys/delete"]))
        #expect(made.status == 201, "\(made.json)")
        #expect(made.json["properties"]?["type"] == "CustomRole")
        #expect(await fixture.send(.get, path).json == made.json)
        await assign(id(7), to: "carol")
        let token = Self.token("carol")
        #expect(await fixture.send(.get, "/keys/k", token: token).status == 200)
        #expect(await fixture.send(.delete, "/keys/k", token: token).status == 403)
        #expect(await fixture.release("k", token: token).json["error"]?["innererror"]?["code"] == "ForbiddenByRbac")
        #expect(await fixture.send(.put, path, role(["*"]), token: token).status == 403)
        #expect(await fixture.send(.put, path, role(["keys/sign/action"])).status == 201)
        #expect(await fixture.send(.get, "/keys/k", token: token).status == 403)
        #expect(await fixture.send(.delete, path).status == 409, "somebody has it")
        let assignments = "/providers/Microsoft.Authorization/roleAssignments"
        #expect(await fixture.send(.delete, "\(assignments)/\(id(1))").status == 200)
        #expect(await fixture.send(.delete, path).status == 200)
        #expect(await fixture.send(.get, path).status == 404)
        for (path, body) in [
            (path, role(["keys/fly"])), (path, [:] as JSON), ("/keys\(path)", role(["*"])),
            ("/providers/Microsoft.Authorization/roleDefinitions/\(Self.user)", role(["*"])),
        ] {
            #expect(await fixture.send(.put, path, body).status == 400, "\(path)")
        }
    }

    @Test("AC-146 tokens of others, for others, out of date or changed are refused with the challenge")
    func badTokens() async throws {
        await assign(Self.user, to: "alice")
        #expect(await fixture.send(.get, "/keys", token: Self.token("alice")).status == 200)
        let bad = [
            Self.token("alice") { $0["iss"] = "https://other.example" }, Self.token("alice") { $0["aud"] = "other" },
            Self.token("alice") { $0["exp"] = .integer(Shared.now.seconds - 61) },
            Self.token("alice") { $0["sub"] = nil }, Self.token("alice") + "A", "a.b.c",
        ]
        for token in bad {
            let answer = await fixture.send(.get, "/keys", token: token)
            #expect(answer.status == 401 && answer.refusal == "credential-invalid")
            #expect(answer.headers[.wwwAuthenticate]?.contains("authorization=") == true)
        }
    }
}
