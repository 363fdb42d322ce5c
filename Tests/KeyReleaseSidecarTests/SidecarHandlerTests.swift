import Attester
import Encoding
import Evidence
import HTTPTypes
import KeyRelease
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import KeyReleaseSidecar

/// The documented requests, on a group whose reports and certificates are given.
struct SidecarHandlerTests {
    func handler(
        _ source: any EvidenceSource, context: SecurityContext = SecurityContext(), web: FakeWeb = FakeWeb(),
        roots: Set<Digest> = []
    ) throws -> SidecarHandler {
        let attester = GroupAttester(
            source: source, context: context,
            store: CertificateStore(
                try context.certificates(), endpoint: .localTHIM("thim.test"),
                fetcher: RetryingFetcher(web: web, pause: NoPause())),
            attestation: AttestationClient(client: web))
        return SidecarHandler(
            attester: attester,
            releaser: KeyReleaser(
                attester: attester, client: KeyReleaseClient(client: web),
                credential: VaultCredential(web: web, environment: [:], clientID: nil, pause: NoPause()), roots: roots,
                log: quiet, clock: .fixed(Timestamp(seconds: 1_795_300_000))))
    }

    func post(_ handler: SidecarHandler, _ path: String, _ body: String) async -> (status: Int, json: JSON) {
        let answer = await handler.respond(to: ServerRequest(.post, path, body: Array(body.utf8)))
        return (answer.status, (try? JSON.parse(answer.body)) ?? .null)
    }

    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `the documented requests get the documented answers`() async throws {
        let group = try RecordedGroup()
        let handler = try handler(group, context: try group.context())
        let status = await handler.respond(to: ServerRequest(.get, "/status"))
        #expect(try JSON.parse(status.body) == ["message": "Status OK"])
        let runtime = Base64.encodeStandard(group.runtimeData)

        let raw = await post(handler, "/attest/raw", #"{"runtime_data":"\#(runtime)"}"#)
        #expect(raw.status == 200)
        let report = try #require(raw.json["report"]?.string)
        #expect(report.utf8.count == 2_368)
        let bytes = try #require(Hex.decode(report))
        #expect(Hex.encode(bytes[0x50..<0x90]) == group.reportData)

        let combined = await post(handler, "/attest/combined", #"{"runtime_data":"\#(runtime)"}"#)
        #expect(combined.status == 200)
        #expect(combined.json["endorsed_tcb"] == "7308000000000003")
        #expect(combined.json["evidence"]?.string == Base64.encodeStandard(bytes))
        #expect(combined.json["uvm_endorsements"]?.string == group.endorsement)
        let pem = try #require(combined.json["endorsements"]?.string.flatMap { Base64.decode($0, .padded) })
        #expect(String(decoding: pem, as: UTF8.self) == group.pem)
        #expect(combined.json.object?.count == 4)
    }

    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `the attestation request is the documented one`() async throws {
        let group = try RecordedGroup()
        let web = FakeWeb { _ in FakeWeb.json(["token": "a.b.c"]) }
        let handler = try handler(group, context: try group.context(), web: web)
        let runtime = Base64.encodeStandard(group.runtimeData)
        let answer = await post(
            handler, "/attest/maa", #"{"maa_endpoint":"maa.test","runtime_data":"\#(runtime)"}"#)
        #expect(answer.json == ["token": "a.b.c"])
        let sent = try #require(web.sent.last)
        #expect(sent.url == "https://maa.test/attest/SevSnpVM?api-version=2020-10-01")
        #expect(sent.headers[.contentType] == "application/json")
        #expect(sent.headers[.userAgent] == "ConfidentialSkrContainer")
        var body = try #require(try JSON.parse(sent.body).object)
        var wanted = try #require(try group.documentedRequest.object)
        #expect(body["nonce"]?.integer != nil)
        body["nonce"] = nil
        wanted["nonce"] = nil
        func opened(_ name: String, _ json: JSON?) -> JSON? {
            json?[name]?.string.flatMap { Base64.decode($0, .lenient) }.flatMap { try? JSON.parse($0) }
        }
        let (report, wantedReport) = (opened("report", .object(body)), opened("report", .object(wanted)))
        for name in ["VcekCertChain", "Endorsements"] {
            #expect(report?[name]?.string?.hasSuffix("=") == wantedReport?[name]?.string?.hasSuffix("="))
        }
        #expect(report?["VcekCertChain"] == wantedReport?["VcekCertChain"])
        #expect(opened("Endorsements", report) == opened("Endorsements", wantedReport))
        // The recorded report binds other data than the documented request.
        #expect(report?["SnpReport"]?.string?.utf8.count == wantedReport?["SnpReport"]?.string?.utf8.count)
        body["report"] = nil
        wanted["report"] = nil
        #expect(body == wanted)
    }

    @Test(
        "AC-158 wrong bodies, methods, paths and sizes get one error object",
        arguments: [
            ("/attest/raw", "", 400), ("/attest/raw", "[]", 400), ("/attest/raw", "{}", 400),
            ("/attest/raw", #"{"runtime_data":""}"#, 400), ("/attest/raw", #"{"runtime_data":"_-_-"}"#, 400),
            ("/attest/raw", #"{"runtime_data":"AA"}"#, 400), ("/attest/raw", #"{"runtime_data":7}"#, 400),
            ("/attest/combined", "{", 400), ("/attest/combined", #"{"runtime_data":"%"}"#, 400),
            ("/attest/maa", #"{"runtime_data":"AAAA"}"#, 400), ("/attest/maa", #"{"maa_endpoint":"m"}"#, 400),
            ("/attest/maa", #"{"maa_endpoint":"","runtime_data":"AAAA"}"#, 400),
            ("/key/release", "malformed", 400), ("/key/release", #"{"maa_endpoint":"m","akv_endpoint":"v"}"#, 400),
            ("/key/release", #"{"akv_endpoint":"v","kid":"k"}"#, 400), ("/key/other", "{}", 404),
        ])
    func wrongRequests(_ path: String, _ body: String, _ status: Int) async throws {
        let answer = await post(try handler(NoDevice()), path, body)
        #expect(answer.status == status)
        #expect(answer.json.object?.count == 1)
        #expect(answer.json["error"]?.string?.isEmpty == false)
    }

    @Test func `the error text has the documented form`() async throws {
        let handler = try handler(NoDevice())
        let malformed = await post(handler, "/attest/maa", "{")
        #expect(
            malformed.json["error"]?.string?.hasPrefix("invalid request format\nERROR: Please refer to the ") == true)
        let data = await post(handler, "/attest/raw", #"{"runtime_data":"%"}"#)
        #expect(
            data.json["error"]?.string?.hasPrefix("decoding base64-encoded runtime data of request failed\n") == true)
        let large = String(repeating: "A", count: SidecarRequest.maximumBytes + 1)
        #expect(await post(handler, "/attest/raw", large).status == 413)
        let method = await handler.respond(to: ServerRequest(.get, "/attest/raw"))
        #expect(method.status == 405)
    }

    @Test("AC-004 without a device nothing is faked")
    func noDevice() async throws {
        let handler = try handler(NoDevice())
        let status = await handler.respond(to: ServerRequest(.get, "/status"))
        #expect(status.status == 200)
        #expect(try JSON.parse(status.body) == ["message": "Status NOT OK"])
        #expect(await post(handler, "/attest/raw", #"{"runtime_data":"AAAA"}"#).status == 500)
        #expect(await post(handler, "/attest/combined", #"{"runtime_data":"AAAA"}"#).status == 500)
        let token = await post(handler, "/attest/maa", #"{"maa_endpoint":"m","runtime_data":"AAAA"}"#)
        #expect(token.status == 403)
        #expect(await handler.readiness().isReady == false)
    }

    @Test func `a policy that is not base64 is refused`() async throws {
        let answer = await post(
            try handler(NoDevice(), context: SecurityContext(policyText: "%")), "/attest/raw",
            #"{"runtime_data":"AAAA"}"#)
        #expect(answer.status == 403)
    }

    @Test func `an attestation service that gives no token is an error`() async throws {
        let source = try World.source()
        for answer in [FakeWeb.json(["token": ""]), FakeWeb.json([:]), FakeWeb.status(400), FakeWeb.status(208)] {
            let handler = try handler(source, web: FakeWeb { _ in answer })
            let refused = await post(handler, "/attest/maa", #"{"maa_endpoint":"m.test","runtime_data":"e30="}"#)
            #expect(refused.status == 403)
        }
    }

    @Test(
        "AC-043 AC-069 a recorded release answer, or one of another vault, gives no key",
        .enabled(if: Vectors.available, "needs the folder of vectors"),
        arguments: [
            ("oct-ckm", "record-authentication"), ("rsa-256", "record-authentication"),
            ("bad-signature", "endorsement-invalid"), ("other-root", "endorsement-invalid"),
        ])
    func replayed(_ name: String, _ code: String) async throws {
        let vector = try JSON.parse(try Vectors.bytes("skr/key-release.json"))
        let entry = try #require(vector["cases"]?.array?.first { $0["name"]?.string == name })
        let body = try #require(entry["http_body"])
        let web = FakeWeb { $0.url.contains("/attest/") ? FakeWeb.json(["token": "a.b.c"]) : FakeWeb.json(body) }
        let handler = try handler(
            try World.source(), web: web, roots: ReleaseRoots.pins(pem: vector["trusted_root_pem"]?.string ?? ""))
        let request: JSON = [
            "maa_endpoint": "maa.test", "akv_endpoint": "vault.cloister.invalid", "kid": "k/0123", "access_token": "t",
        ]
        let answer = await handler.respond(to: ServerRequest(.post, "/key/release", body: request.canonical))
        #expect(answer.status == 403)
        #expect(answer.headers[.cloisterRefusal] == code)
        let sent = try #require(web.sent.last)
        #expect(sent.url == "https://vault.cloister.invalid/keys/k/0123/release?api-version=7.4")
        #expect(sent.headers[.authorization] == "Bearer t")
        #expect(try JSON.parse(sent.body) == ["target": "a.b.c"])
    }

    @Test func `looking at the status does not make reports`() async throws {
        let source = CountingSource()
        let handler = try handler(source)
        for _ in 0..<5 { #expect(await handler.readiness().isReady) }
        #expect(source.count == 1)
    }
}

/// Counts its reports.
private final class CountingSource: EvidenceSource {
    private let made = Mutex(0)
    var count: Int { made.withLock { $0 } }
    var tee: TEE { .snp }

    func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        made.withLock { $0 += 1 }
        return AttesterEvidence(
            tee: .snp, evidence: [], collateral: .snp(SNPCollateral(vek: "", chain: "")))
    }
}
