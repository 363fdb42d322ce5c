import AttestationService
import AttestationToken
import Attester
import Crypto
import Encoding
import Evidence
import Foundation
import HTTPTypes
import KeyRelease
import KeyService
import ServiceKit
import SimulatedTEE
import SwiftASN1
import Telemetry
import TestSupport
import Testing
import X509

@testable import KeyReleaseSidecar

/// An attestation service and a key service of ours over TLS, and a sidecar over HTTP that proves a simulated group.
struct World: Sendable {
    let folder: TemporaryFolder
    let attestation: Int
    let vault: Int
    let sidecar: Int
    let client: Client
    /// The sidecar itself, for its other faces.
    let process: KeyReleaseSidecar

    static let policy = Array("package policy\n".utf8)
    static let measurement = ExecutableMeasurement(of: [4, 5, 6])
    static let administratorToken = String(repeating: "a", count: 40)
    static let releaseToken = String(repeating: "r", count: 40)

    /// The group's own evidence: HOST_DATA is the digest of its execution policy.
    static func source() throws -> SimulatedEvidenceSource {
        SimulatedEvidenceSource(
            tee: .snp, measurement: measurement, party: Encoding.Digest(of: policy),
            factory: try EvidenceFactory.forTests.get(), clock: .system)
    }

    /// Runs all three until `body` returns.
    static func run(_ body: @escaping @Sendable (World) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        try makeCertificate(folder)
        let client = try Client(authorities: folder.url.appending(path: "ca.pem").path)
        let attestation = try freePort()
        let vault = try freePort()
        try await serving(try await attestationServer(folder, port: attestation)) {
            let certificates = try await client.send(.get, "https://localhost:\(attestation)/certs")
            let pin = try issuerPin(certificates.body)
            let keys = try keyService(folder, port: vault, issuer: "https://localhost:\(attestation)", pin: pin)
            try await serving({ try await keys.run(onPort: $0) }) {
                let roots = try ReleaseRoots.pins(file: folder.file("state/keyservice.json").path)
                let sidecar = try sidecar(folder, roots: roots, client: client)
                try await sidecar.attester.prepare()
                let server = sidecar.server(port: 0)
                try await servingPort({ try await server.run(onPort: $0) }) { port in
                    try await body(
                        World(
                            folder: folder, attestation: attestation, vault: vault, sidecar: port, client: client,
                            process: sidecar))
                }
            }
        }
        await client.shutdown()
    }

    /// A sidecar with the world's evidence and certificates.
    static func sidecar(
        _ folder: TemporaryFolder, roots: Set<Encoding.Digest>, client: Client
    ) throws -> KeyReleaseSidecar {
        try KeyReleaseSidecar(
            SidecarConfiguration(),
            .init(
                environment: ["UVM_SECURITY_POLICY": Base64.encodeStandard(policy)],
                files: .rooted(at: folder.url.appending(path: "empty").path), releaseRoots: roots,
                source: try source(), web: MachineWeb(client: client)),
            log: Log(service: "key-release-sidecar") { _ in })
    }

    /// Posts JSON to the sidecar.
    func post(_ path: String, _ body: JSON) async throws -> (status: Int, body: JSON, refusal: String?) {
        let answer = try await client.send(
            .post, "http://127.0.0.1:\(sidecar)\(path)", headers: [.contentType: "application/json"],
            body: body.canonical)
        return (answer.status, try JSON.parse(answer.body), answer.headers[.cloisterRefusal])
    }

    /// The body of a release request with everything right.
    func wish(_ key: String, _ changes: [String: JSON] = [:]) -> JSON {
        let members: [String: JSON] = [
            "maa_endpoint": .string("localhost:\(attestation)"), "akv_endpoint": .string("localhost:\(vault)"),
            "kid": .string(key), "access_token": .string(World.releaseToken),
        ]
        return .object(members.merging(changes) { $1 })
    }

    /// The policy that this group satisfies, with some conditions changed.
    func releasePolicy(_ changes: [String: JSON] = [:], authority: String? = nil) -> JSON {
        var claims: [String: JSON] = [
            "x-ms-sevsnpvm-hostdata": .string(Encoding.Digest(of: World.policy).hex),
            "x-ms-sevsnpvm-launchmeasurement": .string(Hex.encode(World.measurement.launch)),
            "x-ms-sevsnpvm-is-debuggable": "false",
        ]
        claims.merge(changes) { $1 }
        let conditions = claims.sorted { $0.key < $1.key }.map {
            JSON.object(["claim": .string($0.key), "equals": $0.value])
        }
        let entry: JSON = [
            "authority": .string(authority ?? "https://localhost:\(attestation)"), "allOf": .array(conditions),
        ]
        return ["version": "1.0.0", "anyOf": [entry]]
    }

    /// Imports a key that can be released.
    func importKey(_ name: String, _ key: JSON, policy: JSON) async throws -> Int {
        let body: JSON = [
            "key": key, "attributes": ["exportable": true],
            "release_policy": ["data": .string(Base64.encodeURL(policy.canonical))],
        ]
        let answer = try await client.send(
            .put, "https://localhost:\(vault)/keys/\(name)?api-version=7.4",
            headers: [.authorization: "Bearer \(World.administratorToken)", .contentType: "application/json"],
            body: body.canonical)
        return answer.status
    }

    static func symmetricKey(_ k: [UInt8]) -> JSON { ["kty": "oct-HSM", "k": .string(Base64.encodeURL(k))] }
}

/// The test's own services, and an identity of this machine at the address where Azure has it.
private struct MachineWeb: WebClient {
    let client: Client

    func send(
        _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields, body: [UInt8]?, maximumBytes: Int,
        timeout: Duration
    ) async throws(Refusal) -> Client.Response {
        guard url.hasPrefix("http://169.254.169.254/metadata/identity/") else {
            return try await client.send(
                method, url, headers: headers, body: body, maximumBytes: maximumBytes, timeout: timeout)
        }
        return FakeWeb.json(["access_token": .string(World.releaseToken)])
    }
}

// MARK: Services

extension World {
    private static func attestationServer(
        _ folder: TemporaryFolder, port: Int
    ) async throws -> @Sendable (@escaping @Sendable (Int) -> Void) async throws -> Void {
        let factory = try EvidenceFactory.forTests.get()
        let collateral = folder.url.appending(path: "collateral").path
        try CollateralPublisher(folder: collateral, factory: factory).publish()
        try Data(factory.root.simulatedRoot().json.canonical).write(to: folder.file("root.json"))
        let server = try await AttestationServer(
            AttestationServiceConfiguration(
                listen: Listen(
                    host: "127.0.0.1", port: port, certificate: folder.file("ca.pem").path,
                    key: folder.file("tls.key").path), issuer: "https://localhost:\(port)",
                state: folder.file("attestation").path, collateral: collateral,
                insecureSimulatedRoot: folder.file("root.json").path),
            log: Log(service: "attestation-service") { _ in })
        return { onPort in try await server.run { _, port in onPort(port) } }
    }

    private static func keyService(
        _ folder: TemporaryFolder, port: Int, issuer: String, pin: Encoding.Digest
    ) throws -> KeyService {
        let policyKey = P256.Signing.PrivateKey()
        let now = WallClock.system.now()
        let policy = PartyPolicy(
            party: partyID(of: policyKey.publicKey), sequence: 1, notBefore: now - 60, notAfter: now + 86_400,
            issuers: [PartyPolicy.Issuer(pins: [pin], simulated: true, url: issuer)])
        try folder.write("policy.jws", try policy.sign(with: policyKey))
        try folder.write("admin.token", administratorToken, mode: 0o600)
        try folder.write("release.token", releaseToken, mode: 0o600)
        try folder.write(
            "key-service.yaml",
            """
            listen: {host: 127.0.0.1, port: \(port), certificate: ca.pem, key: tls.key}
            party: \(partyID(of: policyKey.publicKey))
            policy: policy.jws
            ca: ca.pem
            state: state
            administratorToken: admin.token
            releaseToken: release.token
            host: https://localhost:\(port)
            """)
        var configuration = try Configuration(file: folder.file("key-service.yaml").path, flags: [:])
        return try KeyService(
            try KeyServiceConfiguration(&configuration), log: Log(service: "key-service") { _ in })
    }

    /// SHA-256 of the SPKI of the issuer key above a service's signing keys.
    private static func issuerPin(_ certs: [UInt8]) throws -> Encoding.Digest {
        let chain = try JSON.parse(certs)["keys"]?.array?.first?["x5c"]?.strings ?? []
        let der = try #require(chain.last.flatMap { Base64.decode($0, .lenient) })
        return try Evidence.Certificate(der: der).pin
    }

    /// A certificate for localhost, its own authority: `ca.pem` and `tls.key`.
    private static func makeCertificate(_ folder: TemporaryFolder) throws {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("localhost") }
        let certificate = try X509.Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -600), notValidAfter: Date(timeIntervalSinceNow: 3_600),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try X509.Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.dnsName("localhost")])
            }, issuerPrivateKey: .init(key))
        try folder.write("ca.pem", try certificate.serializeAsPEM().pemString)
        try folder.write("tls.key", key.pemRepresentation, mode: 0o600)
    }
}

/// A port that nobody listens on just now.
private func freePort() throws -> Int {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            bind(socket, generic, length) == 0 && getsockname(socket, generic, &length) == 0
        }
    }
    try #require(status)
    return Int(UInt16(bigEndian: address.sin_port))
}

/// Runs a server until `body` returns.
private func serving(
    _ server: @escaping @Sendable (@escaping @Sendable (Int) -> Void) async throws -> Void,
    _ body: @escaping @Sendable () async throws -> Void
) async throws {
    try await servingPort(server) { _ in try await body() }
}

func servingPort(
    _ server: @escaping @Sendable (@escaping @Sendable (Int) -> Void) async throws -> Void,
    _ body: @escaping @Sendable (Int) async throws -> Void
) async throws {
    let (ports, found) = AsyncStream.makeStream(of: Int.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server { found.yield($0) } }
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

extension TemporaryFolder {
    func file(_ name: String) -> URL { url.appending(path: name) }

    func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
        try Data(text.utf8).write(to: file(name))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file(name).path)
    }
}
