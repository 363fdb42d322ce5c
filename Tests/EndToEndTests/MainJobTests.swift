import Channel
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import TestSupport
import Testing

@testable import cloister

@Suite(
    .serialized, .withRunningStack, .enabled(if: ProjectFolders.onnxRuntime != nil, "make test fetches ONNX Runtime"))
struct MainJobTests {
    private var stack: RunningStack { get throws { try #require(RunningStack.current) } }
    private func sample(_ name: String = "brain-head-256.dcm") throws -> [UInt8] {
        [UInt8](try Data(contentsOf: ProjectFolders.samples.appending(path: name)))
    }

    @Test(
        "a slice goes through three attested parties and comes back with the expected labels",
        arguments: ["brain-head-256", "brain-stripped-256", "brain-odd-size"])
    func mainJob(name: String) async throws {
        let clerk = try await stack.signedIn()
        let file = try sample(name + ".dcm")
        let job = try await clerk.complete(try await clerk.upload(file), file)
        let ended = try await clerk.end(of: job)
        #expect(ended["state"] == "done")
        let result = try await clerk.call("GET", "/results/\(try #require(ended["result"]?.string))")
        let labels = try #require(result["labels"]?.string.flatMap { Base64.decode($0) })
        // The .npy file is a header, then one byte a pixel.
        let expected = try sample(name + ".expected-labels.npy").suffix(labels.count)
        let differing = zip(labels, expected).count { $0 != $1 }
        #expect(Double(differing) <= Double(labels.count) * 0.001, "\(differing) labels differ")
        #expect((result["volumes"]?["grey"]?.double ?? 0) > 0)
        let events = try await clerk.call("GET", "/events?after=0")
        #expect(events["events"]?.array?.contains { $0["job"]?.string == job && $0["kind"] == "result" } == true)
    }

    @Test func `the demonstration tells the whole story, and its passport verifies offline`() async throws {
        let state = try stack.state
        let run = try await CommandLineRun.cloister("demo", "--state", state.path, "--json", "--keep")
        let summary = try #require(run.json, "\(run.errors)")
        #expect(run.status == 0)
        #expect(summary["ok"] == true)
        let passport = try #require(summary["passport"]?.string)
        let verified = try await CommandLineRun.cloister(
            "passport", "verify", passport, "--state", state.path, "--json")
        #expect(verified.status == 0, "\(verified.errors)")
        let overlay = try Data(contentsOf: URL(filePath: try #require(summary["overlay"]?.string)))
        #expect(overlay.starts(with: [0x89, 0x50, 0x4e, 0x47]))
        // One character of one hop changed: no longer a passport.
        var damaged = String(decoding: try Data(contentsOf: URL(filePath: passport)), as: UTF8.self)
        let position = try #require(damaged.range(of: "\"hops\":[\"")).upperBound
        damaged.replaceSubrange(position...position, with: damaged[position] == "f" ? "e" : "f")
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "damaged.passport.json")
        try Data(damaged.utf8).write(to: file)
        let refused = try await CommandLineRun.cloister(
            "passport", "verify", file.path, "--state", state.path, "--json")
        #expect(refused.status == 1)
    }

    @Test func `AC-059 AC-061 the canary patient's name is in no log, database, metric or other file`() async throws {
        let family = "Kanarienvogel\(Hex.encode(Randomness.system.bytes(6)))"
        let clerk = try await stack.signedIn()
        let file = try sample()
        let job = try await clerk.complete(try await clerk.upload(file, family: family), file)
        #expect(try await clerk.end(of: job)["state"] == "done")
        let patients = try await clerk.call("GET", "/patients")
        #expect(patients["patients"]?.array?.contains { $0["family"]?.string == family } == true, "the canary lives")
        // A run of the image's pixels must not rest anywhere either.
        let needles = [Array(family.utf8), Array(file[(file.count - 66_000)..<(file.count - 65_900)])]
        var looked = 0
        let enumerator = FileManager.default.enumerator(atPath: try stack.state.path)
        while let path = enumerator?.nextObject() as? String {
            guard let data = try? Data(contentsOf: URL(filePath: try stack.state.path + "/" + path)) else { continue }
            looked += 1
            for needle in needles { #expect(data.range(of: Data(needle)) == nil, "\(path)") }
        }
        #expect(looked > 20)
        for service in ["attestation", "keys", "provider-keys", "platform", "diagnostics"] {
            let metrics = try await stack.client.send(.get, try stack.url(service) + "/metrics")
            #expect(metrics.status == 200)
            #expect(!String(decoding: metrics.body, as: UTF8.self).contains(family))
        }
    }
}

extension MainJobTests {
    @Test func `AC-049 a plain request to an API path is refused`() async throws {
        for path in ["/patients", "/sessions", "/v2/models/brain-delineation/versions/1/infer"] {
            let answer = try await stack.client.send(
                .post, try stack.url("platform") + path, headers: [.contentType: "application/json"],
                body: [0x7b, 0x7d])
            #expect(answer.status == 403)
            #expect(answer.headers[.cloisterRefusal] == "encapsulation-required")
        }
    }

    @Test func `AC-043 AC-047 a replayed request is refused, and so is one to an unknown key`() async throws {
        let trust = try stack.trust()
        let proof = try await PlatformProof.obtain(
            trust.platformURL, role: "medical-platform", trusting: trust, client: stack.client, clock: .system)
        let request = BinaryRequest(
            method: "GET", authority: "medical-platform", path: "/patients",
            fields: [BinaryField("cloister-tenant", trust.party.description)])
        let sealed = try OutgoingRequest.seal(
            request, to: proof.peer, from: nil, allowing: Set(Suite.allCases), at: WallClock.system.now())
        func send(_ path: String) async throws -> Client.Response {
            try await stack.client.send(
                .post, trust.platformURL + path, headers: [.contentType: SealedMessage.requestType], body: sealed.body)
        }
        let first = try sealed.open(try await send(sealed.path).body)
        #expect(first.response.status == 401, "not signed in")
        let second = try sealed.open(try await send(sealed.path).body)
        #expect(second.response.status == 409)
        #expect(try JSON.parse(second.response.content)["type"] == "urn:cloister:refusal:record-replay")
        let unknown = try await send(SealedMessage.path(to: Digest(of: "another key")))
        #expect(unknown.status == 401)
        #expect(try JSON.parse(unknown.body)["type"] == "https://iana.org/assignments/http-problem-types#ohttp-key")
    }

    @Test func `AC-048 the diagnostics unit answers nobody without a token and a hop statement`() async throws {
        let trust = try stack.trust()
        let answer = try await stack.client.send(.get, try stack.url("diagnostics") + "/evidence")
        let document = try EvidenceDocument(parsing: answer.body)
        let runtimeData = try #require(document.runtimeData)
        let ohttp = try #require(try JSON.parse(runtimeData)["ohttp"]?.string.flatMap { Base64.decode($0) })
        let configuration = try #require(try KeyConfiguration.parseList(ohttp).first { $0.suite == .xwing })
        let request = BinaryRequest(
            method: "GET", authority: "diagnostics", path: "/v2/models/brain-delineation/versions/1/ready",
            fields: [BinaryField("cloister-tenant", trust.party.description)])
        let sealed = try SealedRequest.seal(try request.encoded(padded: true), to: configuration)
        let reply = try await stack.client.send(
            .post, try stack.url("diagnostics") + SealedMessage.path(to: configuration.name),
            headers: [.contentType: SealedMessage.requestType], body: sealed.body)
        let response = try BinaryResponse(parsing: try sealed.exchange.open(reply.body))
        #expect(response.status == 403)
        #expect(try JSON.parse(response.content)["type"] == "urn:cloister:refusal:peer-unattested")
    }

    @Test func `AC-128 what is no image is refused clearly, and a right upload goes through afterwards`() async throws {
        let clerk = try await stack.signedIn()
        let good = try sample()
        func refusal(_ file: [UInt8]) async throws -> Refusal? {
            let upload = try await clerk.upload(file)
            do {
                _ = try await clerk.complete(upload, file)
                return nil
            } catch let refusal as Refusal {
                return refusal
            }
        }
        let text = try await refusal(Array("this is a letter, not an image".utf8))
        #expect(text?.code == .imageInvalid)
        #expect(text?.detail.isEmpty == false)
        #expect(try await refusal(Array(good.prefix(good.count - 1_000)))?.code == .imageInvalid, "truncated file")
        #expect(try await refusal(try sample("transfer-syntaxes/rle.dcm"))?.code == .imageInvalid, "compressed")
        // A truncated upload: the parts are not the announced file.
        let upload = try await clerk.upload(Array(good.prefix(1_000)))
        let truncated = await #expect(throws: Refusal.self) { _ = try await clerk.complete(upload, good) }
        #expect(truncated?.code == .imageInvalid)
        // Nothing was lost: the same upload completes with the right part.
        try await clerk.put("/uploads/\(upload)/parts/0", octets: good)
        #expect(try await clerk.end(of: try await clerk.complete(upload, good))["state"] == "done")
    }

    @Test func `AC-062 AC-138 wrong passwords, unknown records and other tenants get nothing`() async throws {
        let clerk = try stack.newClerk()
        try await clerk.attest()
        let wrong = await #expect(throws: Refusal.self) {
            try await clerk.signIn(user: try stack.user, password: "not the password at all")
        }
        #expect(wrong?.code == .loginInvalid)
        let unsigned = await #expect(throws: Refusal.self) { _ = try await clerk.call("GET", "/patients") }
        #expect(unsigned?.code == .loginInvalid)
        let signedIn = try await stack.signedIn()
        let unknown = await #expect(throws: Refusal.self) {
            _ = try await signedIn.call("GET", "/results/\(String(repeating: "0", count: 32))")
        }
        #expect(unknown?.code == .notFound)
    }

    @Test("AC-161 sign-ins that go on failing do not fill the disk")
    func failedSignIns() async throws {
        let clerk = try stack.newClerk()
        try await clerk.attest()
        // The limit of attempts is of a user's; there may be any number of users.
        for number in 0..<25 {
            let wrong = await #expect(throws: Refusal.self) {
                try await clerk.signIn(user: "nobody-\(number)", password: "not the password at all")
            }
            #expect(wrong?.code == .loginInvalid)
        }
        let file = URL(filePath: try stack.state.path + "/platform/state/audit.jsonl")
        let lines = try String(decoding: Data(contentsOf: file), as: UTF8.self).split(separator: "\n")
        var perMinute: [Int64: Int] = [:]
        for line in lines {
            let entry = try JSON.parse(String(line))
            guard entry["event"] == "session-begun", entry["outcome"] == "refused", entry["count"] == nil else {
                continue
            }
            perMinute[(entry["at"]?.integer ?? 0) / 60, default: 0] += 1
        }
        #expect(!perMinute.isEmpty)
        #expect(perMinute.values.allSatisfy { $0 <= 10 })
    }

    @Test(
        "a killed process loses nothing that was acknowledged, and the job ends visibly",
        arguments: [Service.platform, .diagnostics, .keys, .providerKeys, .attestation, .simulatedTEE])
    func killed(service: Service) async throws {
        let clerk = try await stack.signedIn()
        let file = try sample()
        let upload = try await clerk.upload(file, family: "Vor dem Absturz")
        let job = try await clerk.complete(upload, file)
        #expect(kill(try stack.processID(service), SIGKILL) == 0)
        try await stack.restart()
        let again = try await stack.signedIn()
        #expect(try await again.end(of: job)["state"] == "done")
        let patients = try await again.call("GET", "/patients")
        #expect(patients["patients"]?.array?.contains { $0["family"] == "Vor dem Absturz" } == true)
    }

    @Test("a job outlives an outage of the diagnostics unit, which costs it one attempt", .timeLimit(.minutes(5)))
    func outage() async throws {
        let clerk = try await stack.signedIn()
        let file = try sample()
        // The platform knows the unit from here on, so that it finds out about the outage by an attempt.
        let before = try await clerk.complete(try await clerk.upload(file), file)
        #expect(try await clerk.end(of: before)["state"] == "done")
        #expect(kill(try stack.processID(.diagnostics), SIGKILL) == 0)
        let log = try stack.state["platform/log/medical-platform.log"]
        func waits() throws -> Int {
            let lines = String(decoding: try Data(contentsOf: URL(filePath: log)), as: UTF8.self).split(separator: "\n")
            return lines.count { $0.contains("jobs wait") }
        }
        let waited = try waits()
        let job = try await clerk.complete(try await clerk.upload(file), file)
        var state = try await clerk.call("GET", "/jobs/\(job)")
        // The next turn finds that nobody answers, and leaves the job alone.
        while try waits() == waited, state["state"] == "pending" || state["state"] == "running" {
            try await Task.sleep(for: .milliseconds(200))
            state = try await clerk.call("GET", "/jobs/\(job)")
        }
        #expect(state["state"] == "pending")
        #expect(state["attempt"] == 1)
        try await stack.restart()
        #expect(try await clerk.end(of: job)["state"] == "done")
    }

    @Test func `AC-065 a platform changed by one byte gets no key`() async throws {
        let run = try await CommandLineRun.cloister(
            "demo", "--tamper", "--state", try stack.state.path, "--json", "--keep")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.json?["ok"] == true)
        let log = try String(
            decoding: Data(contentsOf: URL(filePath: try stack.state.path + "/hospital/state/key-service/audit.jsonl")),
            as: UTF8.self)
        #expect(log.contains("claim-mismatch"))
    }
}
