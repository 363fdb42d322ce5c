import AttestationService
import Collateral
import Crypto
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import SimulatedTEE
import SwiftASN1
import Synchronization
import Telemetry
import TestSupport
import Testing
import X509

struct ServerTests {
    /// A certificate for localhost in `folder`: `server.pem` and `server-key.pem`.
    func makeCertificate(_ folder: TemporaryFolder) throws {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("localhost") }
        let certificate = try X509.Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -600),
            notValidAfter: Date(timeIntervalSinceNow: 3_600), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try X509.Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.dnsName("localhost")])
            }, issuerPrivateKey: .init(key))
        let pem = try certificate.serializeAsPEM().pemString
        try Data(pem.utf8).write(to: folder.url.appending(path: "server.pem"))
        try Data(key.pemRepresentation.utf8).write(to: folder.url.appending(path: "server-key.pem"))
    }

    func configuration(_ folder: TemporaryFolder, simulated: Bool) throws -> AttestationServiceConfiguration {
        let path = folder.url.path
        let factory = try EvidenceFactory.forTests.get()
        try Data(factory.root.simulatedRoot().json.canonical).write(to: folder.url.appending(path: "root.json"))
        return AttestationServiceConfiguration(
            listen: Listen(
                host: "127.0.0.1", port: 0, certificate: path + "/server.pem", key: path + "/server-key.pem"),
            issuer: Service.url, state: path + "/state", collateral: path,
            insecureSimulatedRoot: simulated ? path + "/root.json" : nil)
    }

    @Test func `the service answers over TLS and says aloud that it trusts a simulated root`() async throws {
        let folder = try TemporaryFolder()
        try makeCertificate(folder)
        let box = LineBox()
        let server = try await AttestationServer(
            configuration(folder, simulated: true), log: Log(service: "attestation-service") { box.append($0) })
        #expect(box.lines.contains { $0.contains("INSECURE") })
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run { _, port in found.yield(port) } }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let client = try Client(authorities: folder.url.appending(path: "server.pem").path)
            let certs = try await client.send(.get, "https://localhost:\(port)/certs")
            #expect(certs.status == 200)
            #expect(try JSON.parse(certs.body)["keys"]?.array?.count == 3)
            let ready = try await client.send(.get, "https://localhost:\(port)/health/ready")
            // No collateral has been published in this folder.
            #expect(ready.status == 503)
            #expect(try JSON.parse(ready.body)["simulated"] == true)
            await client.shutdown()
            group.cancelAll()
        }
    }

    @Test("AC-004 a simulated root is refused without the explicit flag")
    func insecureFlag() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "attestation-service.yaml")
        try Data(
            """
            listen: {certificate: server.pem, key: server-key.pem}
            issuer: https://localhost:8443
            state: state
            collateral: collateral
            insecureSimulatedRoot: root.json
            allowedOrigins: [https://localhost:8450]
            """.utf8
        ).write(to: file)
        func read(insecure: Bool, flags: [String: String] = [:]) throws -> AttestationServiceConfiguration {
            var configuration = try Configuration(file: file.path, flags: flags)
            return try AttestationServiceConfiguration(&configuration, isInsecureAllowed: insecure)
        }
        #expect(throws: ConfigurationError.self) { try read(insecure: false) }
        let allowed = try read(insecure: true)
        #expect(allowed.insecureSimulatedRoot == folder.url.path + "/root.json")
        #expect(allowed.allowedOrigins == ["https://localhost:8450"])
        for issuer in ["http://localhost:8443", "https://localhost:8443/", "https://", "https://a b"] {
            #expect(throws: ConfigurationError.self) { try read(insecure: true, flags: ["issuer": issuer]) }
        }
        #expect(throws: ConfigurationError.self) { try read(insecure: true, flags: ["unknown": "x"]) }

        #expect(allowed.collateralServices == nil)
        let vendors = try read(insecure: true, flags: ["collateralServices": "vendors"])
        #expect(vendors.collateralServices == .vendors)
        #expect(try read(insecure: true, flags: ["collateralServices": "azure"]).collateralServices == .azure)
        let pccs = try read(insecure: true, flags: ["collateralServices": "https://pccs:8081"]).collateralServices
        #expect(pccs?.intel == "https://pccs:8081" && pccs?.intelRootList == nil && pccs?.amd != nil)
        for url in ["http://pccs:8081", "https://pccs:8081/", "https://", "intel", ""] {
            #expect(throws: ConfigurationError.self) { try read(insecure: true, flags: ["collateralServices": url]) }
        }
    }
}

/// Lines that a service logged.
final class LineBox: Sendable {
    private let stored = Mutex<[String]>([])
    func append(_ line: String) { stored.withLock { $0.append(line) } }
    var lines: [String] { stored.withLock { $0 } }
}
