import AttestationToken
import Crypto
import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import SwiftASN1
import Telemetry
import TestSupport
import Testing
import X509

@testable import KeyService

/// The service as a process has it: state folder, configuration file, TLS.
@Suite struct KeyServiceTests {
    let folder: TemporaryFolder
    let policyKey = P256.Signing.PrivateKey()

    init() throws {
        folder = try TemporaryFolder()
        let now = WallClock.system.now()
        let party = partyID(of: policyKey.publicKey)
        let policy = PartyPolicy(
            party: party, sequence: 3, notBefore: now - 60, notAfter: now + 86_400,
            issuers: [Authority().policyEntry()])
        try write("policy.jws", try policy.sign(with: policyKey))
        try write("admin.token", Shared.administratorToken + "\n", mode: 0o600)
        try write("release.token", Shared.releaseToken + "\n", mode: 0o600)
        let key = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -3_600), notValidAfter: Date(timeIntervalSinceNow: 86_400),
            issuer: try DistinguishedName { CommonName("test") }, subject: try DistinguishedName { CommonName("test") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.dnsName("localhost")])
            }, issuerPrivateKey: .init(key))
        try write("ca.pem", try certificate.serializeAsPEM().pemString)
        try write("tls.key", key.pemRepresentation, mode: 0o600)
        try write(
            "key-service.yaml",
            """
            listen: {host: 127.0.0.1, port: 0, certificate: ca.pem, key: tls.key}
            ready: ready
            party: \(party)
            policy: policy.jws
            ca: ca.pem
            state: state
            administratorToken: admin.token
            releaseToken: release.token
            host: https://localhost:9443
            """)
    }

    func path(_ name: String) -> String { folder.url.appending(path: name).path }

    func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    }

    func configuration(_ flags: [String: String] = [:]) throws -> KeyServiceConfiguration {
        var configuration = try Configuration(file: path("key-service.yaml"), flags: flags)
        let read = try KeyServiceConfiguration(&configuration)
        try configuration.finish()
        return read
    }

    @Test func `flavour, retention, protected keys, further authorities and an issuer are configured`() throws {
        let standard = try configuration()
        #expect(standard.settings == VaultSettings(flavour: .premium, retentionDays: 90, purgeProtection: .all))
        #expect(standard.furtherAuthorities.isEmpty && standard.access == nil)
        let text = try String(contentsOfFile: path("key-service.yaml"), encoding: .utf8)
        try write(
            "key-service.yaml",
            text + """

                flavour: managed-hsm
                retentionDays: 7
                purgeProtection: [records]
                authorities: [{url: "https://own.example/", ca: own.pem, simulated: "true"}]
                access: {issuer: "https://login.example", keys: keys.json, audience: "https://keys.example"}
                """)
        let read = try configuration()
        #expect(
            read.settings
                == VaultSettings(flavour: .managedHSM, retentionDays: 7, purgeProtection: .only(["records"])))
        #expect(
            read.furtherAuthorities == [
                TrustedAuthority(url: "https://own.example", authorities: path("own.pem"), isSimulated: true)
            ])
        #expect(read.access?.audiences == ["https://keys.example", "https://keys.example/"])
        #expect(read.access?.keys == path("keys.json"))
        try write("key-service.yaml", text + "\nauthorities: [{url: \"http://own.example\", ca: own.pem}]\n")
        #expect(throws: ConfigurationError.self) { try configuration() }
        try write("key-service.yaml", text + "\npurgeProtection: []\n")
        #expect(try configuration().settings.purgeProtection == .only([]))
    }

    func start(_ flags: [String: String] = [:]) throws -> KeyService {
        try? FileManager.default.createDirectory(atPath: path("state"), withIntermediateDirectories: true)
        // Making a chain takes seconds; all tests share one.
        if !FileManager.default.fileExists(atPath: path("state/keys.sqlite")) { try Shared.put(in: path("state")) }
        return try KeyService(try configuration(flags), log: Log(service: "key-service") { _ in })
    }

    /// Runs the service until `body` returns.
    func serving(_ service: KeyService, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run { continuation.yield($0) } }
            group.addTask {
                for await port in ports {
                    try await body(port)
                    return
                }
            }
            try await group.next()
            group.cancelAll()
            try? await group.waitForAll()
        }
    }

    @Test func `it serves over TLS, describes itself, and keeps keys over a restart`() async throws {
        let client = try Client(authorities: path("ca.pem"))
        let admin: HTTPFields = [.authorization: "Bearer \(Shared.administratorToken)"]
        try await serving(try start()) { port in
            let base = "https://localhost:\(port)"
            #expect(try String(contentsOfFile: path("ready"), encoding: .utf8) == "\(port)\n")
            #expect(try await client.send(.get, base + "/health/ready").status == 200)
            let challenged = try await client.send(.post, base + "/keys/k/create?api-version=7.4")
            #expect(challenged.status == 401)
            #expect(challenged.headers[.wwwAuthenticate]?.contains("authorization=\"https://localhost:9443/") == true)
            let made = try await client.send(
                .post, base + "/keys/k/create?api-version=7.4", headers: admin, body: Array(#"{"kty":"EC"}"#.utf8))
            #expect(made.status == 200)
            let kid = try JSON.parse(made.body)["key"]?["kid"]?.string
            #expect(kid?.hasPrefix("\(base)/keys/k/") == true)
            let metrics = try await client.send(.get, base + "/metrics")
            #expect(String(decoding: metrics.body, as: UTF8.self).contains("key_service_decisions_total"))
        }
        let description = try JSON.parse([UInt8](try Data(contentsOf: URL(filePath: path("state/keyservice.json")))))
        #expect(description == ["pins": [.string(Shared.signer.pin.description)], "url": "https://localhost:9443"])
        #expect(!FileManager.default.fileExists(atPath: path("state/release-signing.json")))
        for secret in ["state/master.key", "state/audit.jsonl"] {
            #expect(
                try FileManager.default.attributesOfItem(atPath: path(secret))[.posixPermissions] as? Int == 0o600)
        }
        try await serving(try start()) { port in
            let read = try await client.send(
                .get, "https://localhost:\(port)/keys/k?api-version=7.4", headers: admin)
            #expect(read.status == 200)
        }
        #expect(try Data(contentsOf: URL(filePath: path("state/keyservice.json"))) == Data(description.canonical))
        await client.shutdown()
    }

    /// The code with which the service does not start.
    func refusal(_ flags: [String: String] = [:]) throws -> RefusalCode? {
        do {
            _ = try start(flags)
            return nil
        } catch let refusal as Refusal {
            return refusal.code
        }
    }

    @Test("AC-147 AC-148 AC-151 it does not start with what is missing, weak, foreign or readable by others")
    func refusedStarts() throws {
        #expect(try refusal(["party": Encoding.Digest(of: "other").description]) == .endorsementInvalid)
        #expect(try refusal(["policy": "none.jws"]) == .insecureConfiguration)
        #expect(try refusal(["administratorToken": "none"]) == .insecureConfiguration)
        #expect(try refusal(["administratorToken": "release.token"]) == .insecureConfiguration)
        try write("weak.token", "admin", mode: 0o600)
        #expect(try refusal(["administratorToken": "weak.token"]) == .insecureConfiguration)
        try write("open.token", Shared.administratorToken, mode: 0o644)
        #expect(try refusal(["administratorToken": "open.token"]) == .insecureConfiguration)
        #expect(try refusal() == nil)
    }

    @Test("AC-035 an authority that the policy pins cannot be loosened by the configuration")
    func pinnedAuthority() throws {
        let text = try String(contentsOfFile: path("key-service.yaml"), encoding: .utf8)
        for (url, code) in [
            (Authority().url, RefusalCode.insecureConfiguration),
            ("https://ATTESTATION.cloister.example:8443/", .insecureConfiguration), ("https://own.example", nil),
        ] {
            try write("key-service.yaml", text + "\nauthorities: [{url: \"\(url)\", ca: ca.pem}]\n")
            #expect(try refusal() == code, "\(url)")
        }
    }

    @Test("AC-077 it does not start without its master key, with an older policy, or with a broken audit log")
    func rollback() throws {
        #expect(try refusal() == nil)
        try FileManager.default.moveItem(atPath: path("state/master.key"), toPath: path("kept"))
        #expect(try refusal() == .stateRollback)
        try FileManager.default.moveItem(atPath: path("kept"), toPath: path("state/master.key"))
        #expect(try refusal() == nil)
        let audit = try String(contentsOfFile: path("state/audit.jsonl"), encoding: .utf8)
        #expect(audit.split(separator: "\n").count >= 2)
        try write(
            "state/audit.jsonl", audit.split(separator: "\n").dropFirst().joined(separator: "\n") + "\n", mode: 0o600)
        #expect(try refusal() == .stateRollback)
        try write("state/audit.jsonl", audit, mode: 0o600)
        let now = WallClock.system.now()
        let older = PartyPolicy(
            party: partyID(of: policyKey.publicKey), sequence: 2, notBefore: now - 60, notAfter: now + 86_400,
            issuers: [Authority().policyEntry()])
        try write("policy.jws", try older.sign(with: policyKey))
        #expect(try refusal() == .endorsementInvalid)
    }

    @Test(
        "wrong configuration is named",
        arguments: [
            ("party", "x"), ("host", "http://localhost"), ("host", "https://localhost/"),
            ("host", "https://localhost/x"),
            ("challenge.resource", "https://a=b"), ("challenge.authorization", "x"), ("listen.port", "many"),
            ("flavour", "gold"),
            ("retentionDays", "6"),
            ("unknown", "1"),
        ])
    func wrongConfiguration(_ name: String, _ value: String) throws {
        #expect(throws: ConfigurationError.self) { try configuration([name: value]) }
    }
}
