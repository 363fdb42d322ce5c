// A key or a certificate that cannot be made fails the whole run, loudly.
// swift-format-ignore-file: NeverUseForceTry

import AttestationToken
import Attester
import Crypto
import Encoding
import Evidence
import Foundation
import HTTPTypes
import KeyRelease
import ServiceKit
import SwiftASN1
import Synchronization
import X509

/// An attestation service that vouches for whatever runtime data it is shown.
struct TestService: Sendable {
    static let now = Timestamp(seconds: 1_795_300_000)
    static let party = Encoding.Digest(of: "the policy key of the party that runs the unit")

    let url: String
    let key = P256.Signing.PrivateKey()
    var isDown = false
    /// Whose host data its tokens state.
    var party = TestService.party
    /// Seconds from now until its tokens end.
    var lifetime: Int64 = 3_600

    init(_ url: String) { self.url = url }

    var issuer: PartyPolicy.Issuer {
        PartyPolicy.Issuer(
            pins: [Encoding.Digest(of: key.publicKey.derRepresentation)], simulated: true, url: url)
    }

    /// One certificate, self-signed, whose key is the pinned one.
    var keySet: JSON {
        let name = try! DistinguishedName { CommonName("service") }
        let certificate = try! Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: Double(TestService.now.seconds - 86_400)),
            notValidAfter: Date(timeIntervalSince1970: Double(TestService.now.seconds + 86_400)), issuer: name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try! Certificate.Extensions { Critical(BasicConstraints.notCertificateAuthority) },
            issuerPrivateKey: .init(key))
        let der = try! certificate.serializeAsPEM().derBytes
        return ["keys": [["kid": "key", "kty": "EC", "x5c": [.string(Base64.encodeStandard(der))]]]]
    }

    /// A token over the runtime data of an attest body.
    func token(_ body: [UInt8]) -> JSON {
        let data = Base64.decode(try! JSON.parse(body)["runtimeData"]?["data"]?.string ?? "") ?? []
        let time = JSON.integer(TestService.now.seconds)
        let zeros = String(repeating: "0", count: 64)
        let claims: JSON = [
            "iss": .string(url), "iat": time, "nbf": time, "exp": .integer(TestService.now.seconds + lifetime),
            "x-ms-attestation-type": "sgx", "x-ms-sgx-is-debuggable": false,
            "x-ms-sgx-mrenclave": .string(String(repeating: "5f", count: 32)),
            "x-ms-sgx-config-id": .string(party.hex + zeros),
            "x-ms-sgx-report-data": .string(Encoding.Digest(of: data).hex + zeros),
            "x-ms-runtime": try! JSON.parse(data), "x-cloister-grade": "simulated",
        ]
        let compact = try! SigningKey.es256(key).sign(
            header: ["kid": "key", "typ": "JWT"], payload: claims.canonical)
        return ["token": .string(compact)]
    }
}

/// The web in which these services are, and what was asked of them.
final class TestWeb: WebClient {
    private let services: [TestService]
    private let requests = Mutex<[String]>([])

    init(_ services: [TestService]) { self.services = services }

    /// The URLs to which evidence was sent.
    var attested: [String] { requests.withLock { $0.filter { $0.contains("/attest/") } } }

    func send(
        _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields, body: [UInt8]?, maximumBytes: Int,
        timeout: Duration
    ) async throws(Refusal) -> Client.Response {
        requests.withLock { $0.append(url) }
        guard let service = services.first(where: { url.hasPrefix($0.url + "/") }), !service.isDown else {
            throw Refusal(.unavailable, "nobody answers")
        }
        let answer = url.hasSuffix("/certs") ? service.keySet : service.token(body ?? [])
        return Client.Response(status: 200, headers: [:], body: answer.canonical)
    }
}

/// Evidence that only these services understand.
struct TestSource: EvidenceSource {
    let tee = TEE.sgx

    func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        AttesterEvidence(tee: tee, evidence: reportData)
    }
}
