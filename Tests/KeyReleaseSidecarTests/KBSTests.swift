import Attester
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import SimulatedTEE
import Synchronization
import TestSupport
import Testing

@testable import KeyReleaseSidecar

/// The KBS protocol and the guest's routes, over the wire and with a vault of ours behind them.
struct KBSTests {
    struct Guest: Sendable {
        let world: World
        let port: Int
        static let secret = (0..<32).map { UInt8($0 + 100) }

        func send(
            _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil, headers: HTTPFields = [:]
        ) async throws -> Client.Response {
            try await world.client.send(
                method, "http://127.0.0.1:\(port)\(path)", headers: headers, body: body?.canonical)
        }

        /// A nonce, and the cookie of its session.
        func begin() async throws -> (nonce: String, cookie: String) {
            let answer = try await send(.post, "/kbs/v0/auth", ["version": "0.1.1", "tee": "snp", "extra-params": ""])
            #expect(answer.status == 200)
            let cookie = try #require(answer.headers[.setCookie]?.split(separator: ";").first)
            return (try #require(try JSON.parse(answer.body)["nonce"]?.string), String(cookie))
        }

        func attest(
            _ runtime: JSON, cookie: String, source: any EvidenceSource, reportData: [UInt8]? = nil,
            change: (inout [UInt8]) -> Void = { _ in }
        ) async throws -> Client.Response {
            var report = try await source.evidence(
                reportData: reportData ?? GroupEvidence.reportData(runtime)
            ).evidence
            change(&report)
            return try await send(
                .post, "/kbs/v0/attest",
                [
                    "runtime-data": runtime,
                    "tee-evidence": [
                        "primary_evidence": .string(GroupEvidence.json(report).text), "additional_evidence": "",
                    ],
                ], headers: [.cookie: cookie])
        }
    }

    /// Opens a flattened JWE of either algorithm, written after RFC 7516 and apart from the code that made it.
    enum Opener {
        static func rsa(_ json: JSON, _ key: _RSA.Encryption.PrivateKey) throws -> [UInt8] {
            try open(json, SymmetricKey(data: key.decrypt(part(json, "encrypted_key"), padding: .PKCS1_OAEP_SHA256)))
        }

        static func agreed(_ json: JSON, _ key: P256.KeyAgreement.PrivateKey) throws -> [UInt8] {
            let header = try JSON.parse(try part(json, "protected"))
            #expect(header["alg"] == "ECDH-ES+A256KW")
            let point = try part(header["epk"] ?? .null, "x") + part(header["epk"] ?? .null, "y")
            let secret = try key.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: point))
            let shared = secret.withUnsafeBytes { Data($0) }
            let info = Data([0, 0, 0, 14]) + Data("ECDH-ES+A256KW".utf8) + Data([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
            let wrapping = SymmetricKey(data: SHA256.hash(data: Data([0, 0, 0, 1]) + shared + info))
            return try open(json, try AES.KeyWrap.unwrap(try part(json, "encrypted_key"), using: wrapping))
        }

        private static func open(_ json: JSON, _ key: SymmetricKey) throws -> [UInt8] {
            let box = try AES.GCM.SealedBox(
                nonce: .init(data: part(json, "iv")), ciphertext: part(json, "ciphertext"), tag: part(json, "tag"))
            return [UInt8](
                try AES.GCM.open(box, using: key, authenticating: Data((json["protected"]?.string ?? "").utf8)))
        }

        private static func part(_ json: JSON, _ name: String) throws -> [UInt8] {
            try #require(json[name]?.string.flatMap { Base64.decode($0) })
        }
    }

    func serving(_ body: @escaping @Sendable (Guest) async throws -> Void) async throws {
        try await World.run { world in
            let status = try await world.importKey(
                "default--key--one", World.symmetricKey(Guest.secret), policy: world.releasePolicy())
            #expect(status == 200)
            let resources: JSON = [
                "attestation": .string("localhost:\(world.attestation)"), "vault": .string("localhost:\(world.vault)"),
                "access_token": .string(World.releaseToken),
            ]
            let server = try world.process.guestServer(resources: resources, port: 0)
            try await servingPort({ try await server.run(onPort: $0) }) { port in
                try await body(Guest(world: world, port: port))
            }
        }
    }

    @Test("challenge, attestation and resource, and AC-016 AC-045 AC-069 and AC-072 are refused")
    func face() async throws {
        try await serving { guest in
            try await handshake(guest)
            try await refusals(guest)
            try await routes(guest)
        }
    }

    private func handshake(_ guest: Guest) async throws {
        let source = try World.source()
        let rsa = try _RSA.Encryption.PrivateKey(keySize: .bits2048)
        let numbers = try rsa.publicKey.getKeyPrimitives()
        let agreement = P256.KeyAgreement.PrivateKey()
        let point = agreement.publicKey.rawRepresentation
        let keys: [JSON] = [
            [
                "kty": "RSA", "alg": "RSA-OAEP-256", "n": .string(Base64.encodeURL(numbers.modulus)),
                "e": .string(Base64.encodeURL(numbers.publicExponent)),
            ],
            [
                "kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": .string(Base64.encodeURL(point.prefix(32))),
                "y": .string(Base64.encodeURL(point.suffix(32))),
            ],
        ]
        for key in keys {
            let (nonce, cookie) = try await guest.begin()
            let runtime: JSON = ["nonce": .string(nonce), "tee-pubkey": key]
            let early = try await guest.send(.get, "/kbs/v0/resource/default/key/one", headers: [.cookie: cookie])
            #expect(early.status == 401)
            let attested = try await guest.attest(runtime, cookie: cookie, source: source)
            #expect(attested.status == 200, "\(String(decoding: attested.body, as: UTF8.self))")
            let token = try #require(try JSON.parse(attested.body)["token"]?.string)
            for headers: HTTPFields in [[.cookie: cookie], [.authorization: "Bearer \(token)"]] {
                let answer = try await guest.send(.get, "/kbs/v0/resource/default/key/one", headers: headers)
                #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
                let json = try JSON.parse(answer.body)
                let opened =
                    key["kty"] == "RSA" ? try Opener.rsa(json, rsa) : try Opener.agreed(json, agreement)
                #expect(opened == Guest.secret)
            }
            // AC-016
            let again = try await guest.attest(runtime, cookie: cookie, source: source)
            #expect(again.status == 409)
            let changed = token.dropLast(4) + "AAAA"
            let forged = try await guest.send(
                .get, "/kbs/v0/resource/default/key/one", headers: [.authorization: "Bearer \(changed)"])
            #expect(forged.status == 401)
        }
    }

    private func refusals(_ guest: Guest) async throws {
        let source = try World.source()
        let weak: JSON = ["kty": "RSA", "n": "AQAB", "e": "AQAB"]
        let key = P256.KeyAgreement.PrivateKey().publicKey.rawRepresentation
        let good: JSON = [
            "kty": "EC", "crv": "P-256", "x": .string(Base64.encodeURL(key.prefix(32))),
            "y": .string(Base64.encodeURL(key.suffix(32))),
        ]
        func attempt(
            _ key: JSON, source: any EvidenceSource, reportData: [UInt8]? = nil, nonce other: String? = nil,
            change: (inout [UInt8]) -> Void = { _ in }
        ) async throws -> String? {
            let (nonce, cookie) = try await guest.begin()
            let runtime: JSON = ["nonce": .string(other ?? nonce), "tee-pubkey": key]
            let answer = try await guest.attest(
                runtime, cookie: cookie, source: source, reportData: reportData, change: change)
            let after = try await guest.send(.get, "/kbs/v0/resource/default/key/one", headers: [.cookie: cookie])
            #expect(after.status == 401, "a refused session gets nothing")
            return answer.headers[.cloisterRefusal]
        }
        let zeros = [UInt8](repeating: 0, count: 64)
        #expect(try await attempt(weak, source: source) == "key-invalid")
        #expect(try await attempt(["kty": "oct"], source: source) == "key-invalid")
        #expect(try await attempt(good, source: source, nonce: "other") == "binding-mismatch")
        #expect(try await attempt(good, source: source, reportData: zeros) == "binding-mismatch")
        #expect(try await attempt(good, source: source) { $0[0x2a0] ^= 1 } == "evidence-signature")
        #expect(try await attempt(good, source: source) { $0[0x90] ^= 1 } == "evidence-signature")
        let foreign = SimulatedEvidenceSource(
            tee: .snp, measurement: ExecutableMeasurement(of: [9]), party: Encoding.Digest(of: World.policy),
            factory: try EvidenceFactory.forTests.get(), clock: .system)
        #expect(try await attempt(good, source: foreign) == "instance-mismatch")
        for body: JSON in [[:], ["version": "9", "tee": "snp"], ["version": "0.1.0", "tee": "sample"]] {
            #expect(try await guest.send(.post, "/kbs/v0/auth", body).status == 400)
        }
        #expect(try await guest.send(.post, "/kbs/v0/attest", [:]).status == 401)
        #expect(try await guest.send(.post, "/kbs/v0/resource/a/b/c", [:]).status == 403)
    }

    private func routes(_ guest: Guest) async throws {
        let resource = try await guest.send(.get, "/cdh/resource/default/key/one")
        #expect(resource.status == 200)
        #expect(resource.body == Guest.secret)
        for path in [
            "default/key/none", "default/key", "default/key/one/two", "default--key/one/x", "../key/one", "a/b/c%2fd",
        ] {
            let answer = try await guest.send(.get, "/cdh/resource/\(path)")
            #expect(answer.status >= 400, "\(path)")
            #expect(answer.headers[.contentType] == "application/problem+json")
        }
        let evidence = try await guest.send(.get, "/aa/evidence?runtime_data=AQID&encoding=base64")
        let shown = try GroupEvidence(try JSON.parse(evidence.body))
        #expect(Array(shown.report.reportData) == [1, 2, 3] + [UInt8](repeating: 0, count: 61))
        let plain = try GroupEvidence(
            try JSON.parse(try await guest.send(.get, "/aa/evidence?runtime_data=abc").body))
        #expect(plain.report.reportData.starts(with: Array("abc".utf8)))
        let token = try JSON.parse(try await guest.send(.get, "/aa/token?token_type=kbs").body)
        #expect(token["token"]?.string?.split(separator: ".").count == 3)
        let pair = try _RSA.Encryption.PrivateKey(pemRepresentation: token["tee_keypair"]?.string ?? "")
        #expect(pair.keySizeInBits == 2_048)
        #expect(try await guest.send(.get, "/aa/additional-evidence").status == 200)
        #expect(try await guest.send(.post, "/aa/aael", [:]).status == 501)
        #expect(try await guest.send(.get, "/info").status == 200)
        #expect(try await guest.send(.get, "/aa/evidence?runtime_data=%25&encoding=base64").status == 400)
    }

    @Test("AC-160 a flood of challenges is bounded, and sessions end")
    func sessions() throws {
        let time = Mutex(Timestamp(seconds: 1_000))
        let book = SessionBook(clock: WallClock { time.withLock { $0 } }, randomness: .system)
        let first = book.begin()
        for _ in 0..<1_024 { _ = book.begin() }
        #expect(throws: Refusal.self) { try book.spend(first.nonce, of: first.name) }
        let last = book.begin()
        time.withLock { $0 = $0 + SessionBook.lifetime }
        let refusal = #expect(throws: Refusal.self) { try book.spend(last.nonce, of: last.name) }
        #expect(refusal?.code == .challengeExpired)
    }
}
