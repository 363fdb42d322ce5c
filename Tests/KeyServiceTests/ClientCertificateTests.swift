import AsyncHTTPClient
import Crypto
import Encoding
import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL
import ServiceKit
import SwiftASN1
import TestSupport
import Testing
import X509

@testable import KeyService

/// Callers that show a certificate instead of a token.
@Suite struct ClientCertificateTests {
    /// An authority of clients' certificates.
    private struct Authority {
        let key = P256.Signing.PrivateKey()
        let name = try? DistinguishedName { CommonName("clients") }

        /// Its own certificate, or one for a client with `key`.
        func certificate(_ client: P256.Signing.PrivateKey? = nil, until end: TimeInterval = 3_600) throws -> String {
            let issuer = try #require(name)
            return try Certificate(
                version: .v3, serialNumber: .init(), publicKey: .init((client ?? key).publicKey),
                notValidBefore: Date(timeIntervalSinceNow: -7_200), notValidAfter: Date(timeIntervalSinceNow: end),
                issuer: issuer, subject: client == nil ? issuer : DistinguishedName { CommonName("client") },
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(
                        client == nil
                            ? BasicConstraints.isCertificateAuthority(maxPathLength: 0) : .notCertificateAuthority)
                }, issuerPrivateKey: .init(key)
            ).serializeAsPEM().pemString
        }
    }

    /// Sends one request over a connection with this certificate; nil for none.
    private func status(
        _ url: String, _ setup: KeyServiceTests, certificate: String?, key: P256.Signing.PrivateKey
    ) async throws -> UInt {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(setup.path("ca.pem"))
        if let certificate {
            tls.certificateChain = [.certificate(try NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem))]
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        }
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: HTTPClient.Configuration(tlsConfiguration: tls))
        do {
            let answer = try await client.execute(
                HTTPClientRequest(url: url + "?api-version=7.4"), timeout: .seconds(20))
            try await client.shutdown()
            return answer.status.code
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private static let user = "21dbd100-6940-42c2-9190-5d6cb909625b"

    private func assignment(_ key: P256.Signing.PrivateKey) -> JSON {
        let digest = Encoding.Digest(of: key.publicKey.derRepresentation)
        return [
            "properties": [
                "principalId": .string("certificate:\(digest)"), "roleDefinitionId": .string("/x/" + Self.user),
            ]
        ]
    }

    private static let path = "/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-000000000001"

    @Test("AC-146 over TLS: a certificate of the authority has its roles; foreign or expired ones get no connection")
    func overTLS() async throws {
        let setup = try KeyServiceTests()
        let (authority, foreign) = (Authority(), Authority())
        try setup.write("clients.pem", try authority.certificate())
        let text = try String(contentsOfFile: setup.path("key-service.yaml"), encoding: .utf8)
        try setup.write("key-service.yaml", text + "\naccess: {clientCA: clients.pem}\n")
        let client = try Client(authorities: setup.path("ca.pem"))
        let admin: HTTPFields = [.authorization: "Bearer \(Shared.administratorToken)"]
        let assignment = assignment
        try await setup.serving(try setup.start()) { port in
            let base = "https://localhost:\(port)"
            let (key, other) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
            let made = try await client.send(
                .post, base + "/keys/k/create?api-version=7.4", headers: admin, body: Array(#"{"kty":"EC"}"#.utf8))
            #expect(made.status == 200)
            let right = try authority.certificate(key)
            #expect(try await status(base + "/keys/k", setup, certificate: right, key: key) == 403, "no role yet")
            let assigned = try await client.send(
                .put, base + Self.path + "?api-version=7.4", headers: admin, body: assignment(key).canonical)
            #expect(assigned.status == 201)
            #expect(try await status(base + "/keys/k", setup, certificate: right, key: key) == 200)
            // The key is who it is, not the certificate.
            let renewed = try authority.certificate(key, until: 7_200)
            #expect(try await status(base + "/keys/k", setup, certificate: renewed, key: key) == 200)
            let others = try authority.certificate(other)
            #expect(try await status(base + "/keys/k", setup, certificate: others, key: other) == 403)
            #expect(try await status(base + "/keys/k", setup, certificate: nil, key: key) == 401)
            for wrong in [try foreign.certificate(key), try authority.certificate(key, until: -60)] {
                await #expect(throws: (any Error).self) {
                    try await status(base + "/keys/k", setup, certificate: wrong, key: key)
                }
            }
            #expect(try await status(base + "/keys/k", setup, certificate: right, key: key) == 200)
        }
        await client.shutdown()
    }

    @Test func `without an authority of clients, certificates are not asked for and name nobody`() async throws {
        let setup = try KeyServiceTests()
        let (authority, key) = (Authority(), P256.Signing.PrivateKey())
        let certificate = try authority.certificate(key)
        try await setup.serving(try setup.start()) { port in
            let status = try await status(
                "https://localhost:\(port)/keys/k", setup, certificate: certificate, key: key)
            #expect(status == 401)
        }
    }

    @Test func `a token decides where there is one, and the audit log names the certificate`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let key = P256.Signing.PrivateKey()
        let digest = Encoding.Digest(of: key.publicKey.derRepresentation)
        #expect(await fixture.send(.put, Self.path, assignment(key)).status == 201)
        #expect(await fixture.send(.get, "/keys/records", token: nil, clientKey: digest).status == 200)
        #expect(fixture.auditFile.entries.last?["caller"]?.string == "certificate:\(digest)")
        #expect(await fixture.send(.get, "/keys/records", token: Shared.releaseToken, clientKey: digest).status == 403)
        #expect(await fixture.send(.get, "/keys/records", token: "unknown", clientKey: digest).status == 401)
    }

    @Test("AC-146 an issuer cannot name a certificate as its subject")
    func foreignNames() async throws {
        let access = try KeyAccessTests()
        let name = "certificate:\(Encoding.Digest(of: "key"))"
        await access.assign(KeyAccessTests.user, to: name)
        #expect(await access.fixture.send(.get, "/keys", token: KeyAccessTests.token(name)).status == 401)
        let entra = try KeyAccessTests(subjectClaim: "oid")
        await entra.assign(KeyAccessTests.user, to: name)
        let token = KeyAccessTests.token("alice") { $0["oid"] = .string(name) }
        #expect(await entra.fixture.send(.get, "/keys", token: token).status == 401)
    }
}
