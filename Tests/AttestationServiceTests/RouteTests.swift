import AttestationService
import AttestationToken
import Collateral
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import Testing

struct RouteTests {
    @Test func `discovery names issuer and key list`() async throws {
        let service = try Service()
        for path in ["/.well-known/openid-configuration", "/.WELL-KNOWN/OpenID-Configuration?api-version=x"] {
            let answer = await service.get(path)
            #expect(answer.status == 200)
            #expect(answer.body["issuer"] == "https://localhost:8443")
            #expect(answer.body["jwks_uri"] == "https://localhost:8443/certs")
            #expect(answer.body["id_token_signing_alg_values_supported"]?.strings?.first == "RS256")
            #expect(answer.body["claims_supported"]?.strings?.contains("x-cloister-grade") == true)
        }
    }

    @Test func `every published key has its seven members and a chain up to the pinned issuer`() async throws {
        let service = try Service()
        let answer = await service.get("/certs")
        let keys = try #require(answer.body["keys"]?.array)
        #expect(keys.map { $0["alg"]?.string } == ["RS256", "ES256", "ES384"])
        #expect(Set(keys[0].object?.keys ?? [:].keys) == ["alg", "e", "kid", "kty", "n", "use", "x5c"])
        let set = try IssuerKeySet(json: answer.body)
        for key in keys {
            let chain = try #require(key["x5c"]?.strings).map {
                try Certificate(der: #require(Base64.decode($0, .lenient)))
            }
            #expect(chain.count == 2)
            #expect(chain[0].subjectCommonName == "https://localhost:8443")
            #expect(chain[1].pin == service.keys.pin)
            #expect(!chain[0].isCertificateAuthority)
            let kid = try #require(key["kid"]?.string)
            #expect(kid == chain[0].publicKey.attestationKeyID)
            _ = try set.key(kid: kid, pins: [service.keys.pin], at: Service.now)
        }
    }

    @Test func `api-version is asked for on attest, in any of the known values`() async throws {
        let service = try Service()
        for version in ["", "?api-version=", "?api-version=2019-01-01", "?version=2022-08-01"] {
            let answer = await service.post("/attest/SevSnpVm" + version, try Sample.snp())
            #expect(answer.status == 400)
            #expect(answer.refusal == "request-malformed")
        }
        for version in ["2020-10-01", "2022-08-01", "2023-04-01-PREVIEW", "2025-06-01"] {
            #expect(await service.post("/attest/SevSnpVm?api-version=" + version, try Sample.snp()).status == 200)
        }
        #expect(await service.get("/certs?api-version=1999-01-01").status == 200)
    }

    @Test(arguments: ["/", "/attest", "/attest/Unknown", "/attest/SevSnpVm/x", "/certs/x", "/attest//SevSnpVm", "/%zz"])
    func `another path is not found, in the API's form`(path: String) async throws {
        let service = try Service()
        let answer = await service.post(path, [:])
        #expect(answer.status == 404)
        #expect(answer.errorCode == "NotFound")
        #expect(answer.refusal == "not-found")
    }

    @Test func `only the configured origins may read answers, and only on the routes for browsers`() async throws {
        let service = try Service(origins: ["https://portal.example"])
        func call(_ method: HTTPRequest.Method, _ target: String, origin: String) async -> Answer {
            Answer(
                await service.handler.respond(
                    to: ServerRequest(method, target, headers: [.origin: origin])))
        }
        for target in ["/certs", "/.well-known/openid-configuration", "/attest/SevSnpVm?api-version=2022-08-01"] {
            let allowed = await call(.options, target, origin: "https://portal.example")
            #expect(allowed.status == 204)
            #expect(allowed.headers[.accessControlAllowOrigin] == "https://portal.example")
            #expect(allowed.headers[.accessControlAllowMethods] == "GET, POST")
            for origin in ["https://portal.example.evil", "null", "https://PORTAL.example"] {
                let refused = await call(.options, target, origin: origin)
                #expect(refused.headers[.accessControlAllowOrigin] == nil)
                #expect(refused.headers[.accessControlAllowMethods] == nil)
            }
        }
        let refusal = await call(.post, "/attest/SevSnpVm", origin: "https://portal.example")
        #expect(refusal.headers[.accessControlAllowOrigin] == "https://portal.example")
        #expect(refusal.headers[.accessControlExposeHeaders]?.contains("Cloister-Refusal") == true)
        #expect(refusal.headers[.vary] == "Origin")
        let other = await call(.get, "/policies/SevSnpVm", origin: "https://portal.example")
        #expect(other.headers[.accessControlAllowOrigin] == nil)
    }

    @Test("AC-004 readiness says that a simulated root is trusted, and needs collateral")
    func readiness() async throws {
        // Each service goes on to the end: its folder goes with it.
        let services = [
            try Service(), try Service(simulated: false), try Service(isCollateralThere: false),
        ]
        let answers = [
            await services[0].handler.readiness(), await services[1].handler.readiness(),
            await services[2].handler.readiness(),
        ]
        withExtendedLifetime(services) {}
        #expect(answers.map(\.isReady) == [true, true, false])
        #expect(answers[0].facts["simulated"] == true)
        #expect(answers[1].facts["simulated"] == false)
        #expect(answers[0].facts["trustModel"] == "AAD")
    }

    @Test func `calls beyond the limit are told to come back`() async throws {
        let gate = Gate()
        let service = try Service(collateral: gate)
        let body = try Sample.snp()
        let statuses = await withTaskGroup(of: Answer.self) { group in
            for _ in 0..<AttestationHandler.maximumCalls { group.addTask { await service.post(body) } }
            await gate.arrivals(AttestationHandler.maximumCalls)
            let refused = await service.post(body)
            #expect(refused.status == 429)
            #expect(refused.refusal == "too-many")
            #expect(refused.headers[.retryAfter] == "1")
            await gate.open()
            return await group.reduce(into: Set<Int>()) { $0.insert($1.status) }
        }
        // Without a list they are refused, but they were let in; and then there is room again.
        #expect(statuses == [400])
        #expect(await service.post(body).status == 400)
    }
}

/// Collateral that lets nobody pass until it is opened.
actor Gate: CollateralSource {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var watcher: (count: Int, continuation: CheckedContinuation<Void, Never>)?

    func dcap(tee: TEE, fmspc: [UInt8], ca: String, at time: Timestamp) async throws(Refusal) -> DCAPCollateral {
        throw Refusal(.collateralInvalid, "there is none")
    }

    func snp(
        product: SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion, at time: Timestamp
    ) async throws(Refusal) -> SNPCollateral {
        throw Refusal(.collateralInvalid, "there is none")
    }

    func snpCRL(product: String, kind: EndorsementKeyKind, at time: Timestamp) async throws(Refusal) -> [UInt8]? {
        guard !isOpen else { return nil }
        await withCheckedContinuation { continuation in
            waiting.append(continuation)
            if let watcher, waiting.count >= watcher.count {
                watcher.continuation.resume()
                self.watcher = nil
            }
        }
        return nil
    }

    /// Returns when `count` calls wait.
    func arrivals(_ count: Int) async {
        guard waiting.count < count else { return }
        await withCheckedContinuation { watcher = (count, $0) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
