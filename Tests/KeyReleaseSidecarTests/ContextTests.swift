import Attester
import Encoding
import Evidence
import Foundation
import HTTPTypes
import KeyRelease
import ServiceKit
import TestSupport
import Testing

@testable import KeyReleaseSidecar

/// What the sidecar is told by its surroundings.
struct ContextTests {
    func context(
        _ folder: TemporaryFolder, environment: [String: String] = [:], entries: [String] = []
    ) -> SecurityContext {
        SecurityContext(environment: environment, rootEntries: entries, files: .rooted(at: folder.url.path))
    }

    func fill(_ folder: TemporaryFolder, _ path: String) throws {
        let target = folder.url.appending(path: path)
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for name in ["security-policy-base64", "host-amd-cert-base64", "reference-info-base64"] {
            try Data(try Vectors.bytes("skr/security-context/\(name)")).write(to: target.appending(path: name))
        }
    }

    @Test(
        .enabled(if: Vectors.available, "needs the folder of vectors"),
        arguments: [
            ("named", ["UVM_SECURITY_CONTEXT_DIR": "/named"], []),
            ("security-context-1", [:], ["bin", "security-context-1"]),
            ("opt/confidential-containers/share/kata-containers", [:], ["bin"]),
        ] as [(String, [String: String], [String])])
    func `a recorded security context is found and read`(
        _ path: String, _ environment: [String: String], _ entries: [String]
    ) throws {
        let folder = try TemporaryFolder()
        try fill(folder, path)
        let context = context(folder, environment: environment, entries: entries)
        #expect(try context.certificates()?.pem.hasPrefix("-----BEGIN CERTIFICATE-----") == true)
        #expect(try context.endorsement()?.first == 0xd2)
        let policy = try #require(Base64.decode(context.policyText, .lenient))
        #expect(String(decoding: policy, as: UTF8.self).hasPrefix("package policy"))
    }

    @Test func `variables stand in where the folder has no endorsement`() throws {
        let folder = try TemporaryFolder()
        let context = context(
            folder,
            environment: [
                "UVM_SECURITY_POLICY": "cGs=", "UVM_HOST_AMD_CERTIFICATE": "e30=", "UVM_REFERENCE_INFO": "AQ==",
            ])
        #expect(try context.policyDigest() == Digest(of: "pk"))
        #expect(try context.endorsement() == [1])
        #expect(throws: Refusal.self) { try context.certificates() }
        #expect(throws: Refusal.self) { try SecurityContext(endorsementText: "%").endorsement() }
    }

    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `the recorded policy is the recorded report's host data`() throws {
        let group = try RecordedGroup()
        #expect(try Array(SNPReport(group.report[...]).hostData) == group.context().policyDigest().bytes)
    }

    @Test func `the documented configuration is read`() throws {
        let json = """
            {"certcache":{"endpoint_type":"AzCache","endpoint":"cache.test","tee_type":"T","api_version":"v=1"},
             "identity":{"client_id":"me"},"maaconfig":{"user_agent":"agent"}}
            """
        let configuration = try SidecarConfiguration(base64: Base64.encodeStandard(json.utf8))
        #expect(configuration.identity == "me")
        #expect(configuration.userAgent == "agent")
        #expect(
            configuration.certificates
                == .azureCache(host: "cache.test", type: "T", apiVersion: "v=1", clientID: "clientId=ConfidentialACI"))
        #expect(try SidecarConfiguration(base64: "").identity == nil)
        for text in ["%", "e", Base64.encodeStandard("{\"x\":1}".utf8), Base64.encodeStandard("[]".utf8)] {
            #expect(throws: Refusal.self) { try SidecarConfiguration(base64: text) }
        }
    }

    @Test(
        "AC-147 roots of release answers have to be named",
        .enabled(if: Vectors.available, "needs the folder of vectors"))
    func roots() throws {
        let folder = try TemporaryFolder()
        let vector = try JSON.parse(try Vectors.bytes("skr/key-release.json"))
        let pem = vector["trusted_root_pem"]?.string ?? ""
        try folder.write("roots.pem", pem)
        let pin = try #require(ReleaseRoots.pins(pem: pem).first)
        #expect(try ReleaseRoots.pins(file: folder.file("roots.pem").path) == [pin])
        try folder.write("keyservice.json", #"{"pins":["\#(pin)"],"url":"https://keys.test"}"#)
        #expect(try ReleaseRoots.pins(file: folder.file("keyservice.json").path) == [pin])
        for text in ["", "{}", #"{"pins":[]}"#, #"{"pins":["x"]}"#] {
            try folder.write("wrong", text)
            #expect(throws: Refusal.self) { try ReleaseRoots.pins(file: folder.file("wrong").path) }
        }
        #expect(throws: Refusal.self) { try ReleaseRoots.pins(file: folder.file("none").path) }
    }

    @Test("AC-072 endpoints and key names lead nowhere else")
    func names() throws {
        for (text, url) in [
            ("vault.test", "https://vault.test"), ("https://Vault.test/", "https://vault.test"),
            ("localhost:8443", "https://localhost:8443"), ("127.0.0.1:1", "https://127.0.0.1:1"),
        ] {
            #expect(try ServiceEndpoint(text).url == url)
        }
        for text in [
            "", "http://a.test", "a.test/x", "a@b", "a.test:0", "a.test:", "a.test:65536", "a..b", "-a", "a b", "a?b",
            "a#b", "a\\b", "[::1]", "é.test", "a.test:1:2", "https://", String(repeating: "a", count: 300),
        ] {
            #expect(throws: Refusal.self, "\(text)") { try ServiceEndpoint(text) }
        }
        for name in ["k", "my-Key9", "k/0123abcd"] { #expect(ServiceEndpoint.isKeyName(name)) }
        for name in ["", "/", "k/", "/k", "k/v/w", "..", "k%2f", "k?x", "k#", "kö", String(repeating: "k", count: 128)]
        {
            #expect(!ServiceEndpoint.isKeyName(name), "\(name)")
        }
    }
}

/// Tokens for the vault where the caller brings none.
struct VaultCredentialTests {
    func credential(
        _ web: FakeWeb, environment: [String: String] = [:], clientID: String? = nil,
        files: AttestationFiles = .system, pause: any Pause = NoPause()
    ) -> VaultCredential {
        VaultCredential(web: web, environment: environment, clientID: clientID, files: files, pause: pause)
    }

    @Test func `the managed identity is asked as documented`() async throws {
        let web = FakeWeb { _ in FakeWeb.json(["access_token": "t"]) }
        #expect(try await credential(web).token(for: "v.vault.azure.net") == "t")
        #expect(try await credential(web, clientID: "a/b").token(for: "h.managedhsm.azure.net") == "t")
        let base = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
        #expect(
            web.sent.map(\.url) == [
                base + "https%3A%2F%2Fvault.azure.net", base + "https%3A%2F%2Fmanagedhsm.azure.net&client_id=a%2Fb",
            ])
        #expect(web.sent.allSatisfy { $0.headers[.metadata] == "true" })
    }

    @Test func `a managed identity that does not answer is asked three times`() async throws {
        let web = FakeWeb { _ in FakeWeb.status(500) }
        let pause = NotedPause()
        await #expect(throws: Refusal.self) { try await credential(web, pause: pause).token(for: "v.test") }
        #expect(web.sent.count == 3)
        #expect(pause.waits == [.seconds(1), .seconds(4)])
    }

    @Test func `a workload identity shows its federated token`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "assertion\n")
        let web = FakeWeb { _ in FakeWeb.json(["access_token": "t"]) }
        let environment = [
            "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t", "AZURE_FEDERATED_TOKEN_FILE": folder.file("token").path,
        ]
        #expect(try await credential(web, environment: environment).token(for: "v.test") == "t")
        let sent = try #require(web.sent.first)
        #expect(sent.method == .post)
        #expect(sent.url == "https://login.microsoftonline.com/t/oauth2/v2.0/token")
        let form = String(decoding: sent.body, as: UTF8.self)
        #expect(form.contains("client_id=c&scope=https%3A%2F%2Fvault.azure.net%2F.default&"))
        #expect(form.hasSuffix("client_assertion=assertion"))
    }

    @Test func `the owner of a token is said in the user agent`() {
        func token(_ claims: JSON) -> String { "e30.\(Base64.encodeURL(claims.canonical)).x" }
        #expect(
            VaultCredential.owner(of: token(["xms_az_rid": "/subscriptions/s-1/resourcegroups/g"]))
                == "subscription_id=s-1")
        #expect(VaultCredential.owner(of: token(["appid": "app"])) == "client_id=app")
        #expect(VaultCredential.owner(of: token([:])) == nil)
        #expect(VaultCredential.owner(of: "opaque") == nil)
    }
}
