import AttestationService
import AttestationToken
import Audit
import Crypto
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import Storage
import TestSupport
import Testing

private let route = "/policies/SgxEnclave?api-version=2022-08-01"
private let resetRoute = "/policies/SgxEnclave:reset?api-version=2022-08-01"
private let permitting = "version= 1.0;authorizationrules{=> permit();};issuancerules{};"
private let denying = "version= 1.0;authorizationrules{=> deny();};issuancerules{};"

extension Service {
    /// Calls an administrative route with a bearer token.
    func call(
        _ method: HTTPRequest.Method, _ target: String, _ body: String = "", token: String? = contributorToken,
        client: String? = nil
    ) async -> Answer {
        var headers = HTTPFields()
        if let token { headers[.authorization] = "Bearer \(token)" }
        return Answer(
            await handler.respond(
                to: ServerRequest(method, target, headers: headers, body: Array(body.utf8), client: client)))
    }
}

func unsignedToken(_ policy: String) -> String {
    let body: JSON = ["AttestationPolicy": .string(Base64.encodeURL(policy.utf8))]
    return "eyJhbGciOiJub25lIn0." + Base64.encodeURL(body.canonical) + "."
}

struct PolicyRouteTests {
    @Test func `before any is set, the default policy is what a policy token would say`() async throws {
        let service = try Service()
        let answer = await service.call(.get, route)
        #expect(answer.status == 200)
        let claims = answer.claims
        #expect(claims["iss"] == "https://localhost:8443")
        #expect(claims["iat"] == .integer(Service.now.seconds))
        #expect(claims["nbf"] == claims["iat"])
        #expect(claims["exp"] == .integer(Service.now.seconds + 3_600))
        #expect(claims["jti"] == nil)
        let token = try PolicyToken(try #require(claims["x-ms-policy"]?.string))
        #expect(try token.policyText(allowsPlainText: false) == AppraisalTexts.defaultSGX)
        let header = try #require(answer.jws?.header)
        #expect(Set(header.keys) == ["alg", "jku", "kid", "typ"])
        #expect(header["kid"]?.string == service.keys.keySet["keys"]?.array?.first?["kid"]?.string)
        #expect(answer.headers[HTTPField.Name("x-ms-maa-service-version")!] != nil)
    }

    @Test func `a policy that was set is given back verbatim, and decides`() async throws {
        let service = try Service()
        #expect(await service.post(sgxRoute, try Sample.sgx()).status == 200)
        // Blanks inside, as SDKs write them.
        let body = #"{"AttestationPolicy": "\#(Base64.encodeURL(denying.utf8))"}"#
        let token = "eyJhbGciOiJub25lIn0." + Base64.encodeURL(body.utf8) + "."
        let set = await service.call(.put, route, token)
        #expect(set.status == 200, "\(set.body.text)")
        #expect(set.claims["x-ms-policy-result"] == "Updated")
        #expect(set.claims["x-ms-policy-token-hash"] == .string(Digest(of: token).description))
        #expect(set.claims["x-ms-policy-signer"] == nil)
        #expect(await service.call(.get, route).claims["x-ms-policy"] == .string(token))
        let refused = await service.post(sgxRoute, try Sample.sgx())
        #expect(refused.errorCode == "PolicyEvaluationError")
        // Other types are apart.
        #expect(await service.post(try Sample.snp()).status == 200)
        let reset = await service.call(.post, resetRoute, PolicyToken.empty)
        #expect(reset.claims["x-ms-policy-result"] == "Removed")
        #expect(reset.claims["x-ms-policy-token-hash"] == nil)
        #expect(await service.post(sgxRoute, try Sample.sgx()).status == 200)
        #expect(await service.call(.post, resetRoute, PolicyToken.empty).status == 200)
        let events = try service.audit().compactMap { $0["event"]?.string }
        #expect(events == ["attest", "policy.set", "attest", "attest", "policy.reset", "attest", "policy.reset"])
        #expect(try service.audit()[1]["token"] == .string(Digest(of: token).description))
        #expect(try service.audit()[1]["caller"] == "administrator")
    }

    @Test(arguments: [
        "  TOKEN\r\n", "\"TOKEN\"", "\u{feff}TOKEN", " \"TOKEN\" ",
    ])
    func `a policy token comes raw or as a JSON string, with blanks around it`(form: String) async throws {
        let service = try Service()
        let token = unsignedToken(permitting)
        let answer = await service.call(.put, route, form.replacing("TOKEN", with: token))
        #expect(answer.claims["x-ms-policy-token-hash"] == .string(Digest(of: token).description))
    }

    @Test func `a policy that does not parse is refused with line and column, and nothing changes`() async throws {
        let service = try Service()
        let answer = await service.call(.put, route, unsignedToken("version= 1.0;\nauthorizationrules[];"))
        #expect(answer.status == 400)
        #expect(answer.errorCode == "PolicyParsingError")
        #expect(answer.body["error"]?["message"]?.string?.contains("line 2, column 19") == true)
        #expect(try service.audit().last?["code"] == "policy-invalid")
        let text = try PolicyToken(#require(await service.call(.get, route).claims["x-ms-policy"]?.string))
        #expect(try text.policyText(allowsPlainText: false) == AppraisalTexts.defaultSGX)
    }

    @Test(arguments: [
        "", ".", "a.b", "eyJhbGciOiJub25lIn0..", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJub25lIn0.e30.AAAA",
        "eyJhbGciOiJSUzI1NiJ9.e30.", "bm90IGpzb24.e30.", "eyJhbGciOiJub25lIn0.bm90IGpzb24.", "{}", "\"", "[1]",
    ])
    func `anything but a policy token is InvalidOperation`(text: String) async throws {
        let service = try Service()
        let answer = await service.call(.put, route, text)
        #expect(answer.status == 400)
        #expect(answer.errorCode == "InvalidOperation")
    }

    @Test func `a signed policy names its signer in the result and in attestation tokens`() async throws {
        let service = try Service()
        let signer = try TestSigner("policy signer")
        for form in [TestSigner.Form.header, .jwk] {
            let token = try signer.policy(permitting, form)
            let set = await service.call(.put, route, token)
            #expect(set.status == 200, "\(set.body.text)")
            #expect(
                set.claims["x-ms-policy-signer"]
                    == ["alg": "ES256", "kty": "EC", "use": "sig", "x5c": [.string(signer.x5c)]])
            let attested = await service.post(sgxRoute, try Sample.sgx())
            #expect(attested.claims["x-ms-policy-signer"] == ["kty": "EC", "x5c": [.string(signer.x5c)]])
            #expect(attested.claims["sgx-mrenclave"] == nil)
        }
        let token = try signer.policy(permitting)
        let forged = token.dropLast(4) + (token.hasSuffix("AAAA") ? "BBBB" : "AAAA")
        let answer = await service.call(.put, route, String(forged))
        #expect(answer.errorCode == "InvalidOperation")
        #expect(answer.refusal == "token-signature")
    }

    @Test func `a root that may not issue certificates, and certificates that are no chain, are refused`() async throws
    {
        let service = try Service()
        let bare = try TestSigner("bare", isAuthority: false)
        let answer = await service.call(.put, route, try bare.policy(permitting))
        #expect(answer.errorCode == "InvalidParameter")
        #expect(answer.body["error"]?["message"]?.string?.contains("basic constraints") == true)
        var strange = try TestSigner("one")
        strange.chain.append(try TestSigner("two").x5c)
        #expect(await service.call(.put, route, try strange.policy(permitting)).errorCode == "InvalidParameter")
    }

    @Test func `a baseline that is not there is refused when it is set`() async throws {
        let service = try Service()
        func policy(_ baseline: String) -> String {
            "version= 1.1;configurationrules{=> issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=\"\(baseline)\");};"
                + "authorizationrules{=> permit();};issuancerules{};"
        }
        #expect(await service.call(.put, route, unsignedToken(policy("11"))).errorCode == "InvalidParameter")
        #expect(await service.call(.put, route, unsignedToken(policy("azuredefault"))).status == 200)
        #expect(await service.post(sgxRoute, try Sample.sgx()).status == 200)
        let list = await service.call(.get, "/tcbbaselines/SgxEnclave?api-version=2022-09-01-preview")
        #expect(list.body["tcbBaselines"]?.array?.first?["tcbIdentifier"] == "azuredefault")
    }

    @Test func `nobody changes a shared instance`() async throws {
        let service = try Service(trustModel: .shared)
        let answer = await service.call(.put, route, unsignedToken(denying))
        #expect(answer.status == 401)
        #expect(answer.errorCode == "Unauthorized")
        #expect(await service.call(.post, resetRoute, PolicyToken.empty).status == 401)
        #expect(await service.call(.get, route).status == 200)
        let list = await service.call(.get, "/certificates?api-version=2020-10-01")
        #expect(list.claims["x-ms-policy-certificates"] == ["keys": []])
        #expect(await service.post(sgxRoute, try Sample.sgx()).status == 200)
    }

    @Test func `policies survive a restart, and instances in one database are apart`() async throws {
        let service = try Service()
        #expect(await service.call(.put, route, unsignedToken(denying)).status == 200)
        let store = try SQLiteStateStore(path: service.folder.url.path + "/attestation.sqlite")
        let again = try InstancePolicies(
            instance: "test", trustModel: .aad, store: store, audit: try AuditLog(file: MemoryFile(), clock: .system))
        #expect(try await again.token(.sgxEnclave) == unsignedToken(denying))
        let other = try InstancePolicies(
            instance: "other", trustModel: .aad, store: store, audit: try AuditLog(file: MemoryFile(), clock: .system))
        #expect(try await other.token(.sgxEnclave) == unsignedToken(AppraisalTexts.defaultSGX))
        // What another process changes is obeyed by the next call.
        _ = try await again.set(
            .sgxEnclave, token: try PolicyToken(unsignedToken(permitting)), allowsPlainText: false,
            entry: AuditEntry(event: "policy.set", outcome: .allowed, id: "1"))
        #expect(await service.post(sgxRoute, try Sample.sgx()).status == 200)
    }

    @Test("AC-075 a change that cannot be written down is not made")
    func auditFails() async throws {
        let file = MemoryFile()
        let service = try Service(audit: file)
        #expect(await service.call(.put, route, unsignedToken(permitting)).status == 200)
        file.isFull = true
        let answer = await service.call(.put, route, unsignedToken(denying))
        #expect(answer.status == 503)
        #expect(answer.refusal == "audit-unavailable")
        #expect(await service.call(.post, resetRoute, PolicyToken.empty).status == 503)
        file.isFull = false
        #expect(await service.call(.get, route).claims["x-ms-policy"] == .string(unsignedToken(permitting)))
    }

    @Test func `paths, names and versions are matched as SDKs write them`() async throws {
        let service = try Service()
        for target in [
            "/POLICIES/sgxENCLAVE?API-VERSION=2020-10-01", "/policies/SgxEnclave?api-version=2025-06-01",
            "/certificates?api-version=2022-09-01-preview",
        ] {
            #expect(await service.call(.get, target).status == 200)
        }
        let percent = "/policies/SgxEnclave%3Areset?api-version=2020-10-01"
        #expect(await service.call(.post, percent, PolicyToken.empty).status == 200)
        let upper =
            Base64.encodeURL(#"{"ALG":"none"}"#.utf8) + "."
            + Base64.encodeURL(
                #"{"attestationPOLICY":"\#(Base64.encodeURL(permitting.utf8))"}"#.utf8) + "."
        #expect(await service.call(.put, route, upper).status == 200)
        for target in ["/policies/SgxEnclave", "/policies/SgxEnclave?api-version=2017-01-01"] {
            #expect(await service.call(.get, target).status == 400)
        }
        for (method, target) in [
            (HTTPRequest.Method.delete, route), (.get, resetRoute), (.get, "/policies/Unknown?api-version=2020-10-01"),
            (.put, "/certificates?api-version=2020-10-01"), (.options, route),
        ] {
            #expect(await service.call(method, target).status == 404, "\(method) \(target)")
        }
    }
}
