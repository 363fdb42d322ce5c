import Crypto
import CryptoExtras
import Encoding
import Foundation
import HTTPTypes
import SwiftASN1
import TestSupport
import Testing
import X509

@testable import KeyService

@Suite struct SecretSharingTests {
    @Test func `multiplication is that of the field of AES`() {
        // FIPS 197, section 4.2 and 4.2.1.
        #expect(SecretSharing.multiply(0x57, 0x83) == 0xc1)
        #expect(SecretSharing.multiply(0x57, 0x13) == 0xfe)
        for number in 1...255 as ClosedRange<UInt8> {
            #expect(SecretSharing.multiply(number, SecretSharing.inverse(number)) == 1)
        }
        #expect(SecretSharing.inverse(0) == 0)
    }

    @Test func `any three of five shares give the secret, and two give another`() throws {
        let secret = Randomness.system.bytes(32)
        let shares = SecretSharing.split(secret, count: 5, threshold: 3, randomness: .system)
        for first in 0..<5 {
            for second in 0..<5 where second != first {
                #expect(try SecretSharing.combine([shares[first], shares[second]]) != secret)
                for third in 0..<5 where third != first && third != second {
                    #expect(try SecretSharing.combine([shares[first], shares[second], shares[third]]) == secret)
                }
            }
        }
        #expect(throws: Refusal.self) { try SecretSharing.combine([shares[0], shares[0], shares[1]]) }
        #expect(throws: Refusal.self) { try SecretSharing.combine([]) }
    }

    @Test func `one share of two takes every value whatever the secret is`() {
        // With each random byte once, the shares of one index are each byte once: they say nothing.
        for secret in [0, 1, 255] as [UInt8] {
            let seen = (0...255 as ClosedRange<UInt8>).map { random in
                SecretSharing.split([secret], count: 2, threshold: 2, randomness: Randomness { _ in [random] })[0]
                    .bytes[0]
            }
            #expect(Set(seen).count == 256)
        }
    }
}

/// Somebody who keeps a share.
struct Holder {
    let key: _RSA.Encryption.PrivateKey
    /// The private key.
    let pem: String
    let certificate: [UInt8]

    init() throws {
        let signing = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        key = try _RSA.Encryption.PrivateKey(derRepresentation: signing.derRepresentation)
        pem = signing.pemRepresentation
        certificate = try Holder.certificate(.init(signing.publicKey), .init(signing), .sha256WithRSAEncryption)
    }

    static func certificate(
        _ key: Certificate.PublicKey, _ signing: Certificate.PrivateKey, _ algorithm: Certificate.SignatureAlgorithm
    ) throws -> [UInt8] {
        let name = try DistinguishedName { CommonName("holder") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key,
            notValidBefore: Date(timeIntervalSince1970: 1_700_000_000),
            notValidAfter: Date(timeIntervalSince1970: 1_900_000_000), issuer: name, subject: name,
            signatureAlgorithm: algorithm, extensions: Certificate.Extensions {},
            issuerPrivateKey: signing)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    /// As any JOSE library does it.
    func open(_ compact: String) throws -> JSON {
        let parts = compact.split(separator: ".").map(String.init)
        try #require(parts.count == 5)
        let bytes = try parts.map { try #require(Base64.decode($0)) }
        let header = try JSON.parse(bytes[0])
        #expect(header["alg"] == "RSA-OAEP-256")
        #expect(header["enc"] == "A256GCM")
        let content = try key.decrypt(bytes[1], padding: .PKCS1_OAEP_SHA256)
        let box = try AES.GCM.SealedBox(nonce: .init(data: bytes[2]), ciphertext: bytes[3], tag: bytes[4])
        return try JSON.parse(
            Array(AES.GCM.open(box, using: SymmetricKey(data: content), authenticating: Array(parts[0].utf8))))
    }
}

@Suite struct SecurityDomainTests {
    private func settings(_ holders: [Holder]) throws -> VaultSettings {
        VaultSettings(domainHolders: Set(try holders.map { try DomainShare.holder($0.certificate).pin }))
    }

    private func split(_ fixture: Fixture, _ holders: [Holder], required: Int) async -> Answer {
        await split(fixture, holders.map(\.certificate), required: required)
    }

    private func split(_ fixture: Fixture, _ certificates: [[UInt8]], required: Int) async -> Answer {
        await fixture.send(
            .post, "/securitydomain/download",
            [
                "certificates": .array(certificates.map { .string(Base64.encodeStandard($0)) }),
                "required": .integer(Int64(required)),
            ])
    }

    @Test func `two of three holders recover the domain in a new service, which then opens the backups`() async throws {
        let holders = try (0..<3).map { _ in try Holder() }
        let first = try Fixture(settings: settings(holders))
        try await first.importKey()
        let backup = await first.send(.post, "/keys/records/backup").json
        let answer = await split(first, holders, required: 2)
        #expect(answer.status == 200)
        let sealed = try #require(answer.json["shares"]?.strings)
        let shares = try zip(holders, sealed).map { try $0.open($1) }
        #expect(throws: (any Error).self) { try holders[0].open(sealed[1]) }
        // As `cloister security-domain open` does it.
        #expect(try DomainShare(opening: sealed[1], privateKey: holders[1].pem).json == shares[1])
        for (share, key, code) in [
            (sealed[1], holders[0].pem, RefusalCode.keyInvalid), (sealed[1], "no key", .keyInvalid),
            (String(sealed[1].dropLast(6)) + "AAAAAA", holders[1].pem, .keyInvalid),
            ("e30.e30.e30.e30.e30", holders[1].pem, .requestMalformed), ("", holders[1].pem, .requestMalformed),
        ] {
            let refusal = #expect(throws: Refusal.self) { try DomainShare(opening: share, privateKey: key) }
            #expect(refusal?.code == code)
        }

        let second = try Fixture(authority: first.authority)
        #expect(await second.send(.post, "/keys/restore", backup).status == 400)
        #expect(await second.send(.post, "/securitydomain/upload", ["shares": [shares[2]]]).status == 400)
        #expect(await second.send(.post, "/securitydomain/upload", ["shares": [shares[2], shares[2]]]).status == 400)
        let upload = await second.send(.post, "/securitydomain/upload", ["shares": [shares[2], shares[0]]])
        #expect(upload.status == 200)
        #expect(upload.json["domain"] == answer.json["domain"])
        #expect(await second.send(.post, "/keys/restore", backup).status == 200)
        #expect(try await second.release().material() == Fixture.k)
        // It has keys now, and backups of its own.
        let again = await second.send(.post, "/securitydomain/upload", ["shares": [shares[1], shares[0]]])
        #expect(again.status == 409)
        #expect(second.events.contains("security-domain.upload"))
    }

    @Test func `shares of two domains, and changed ones, recover nothing`() async throws {
        let holders = try (0..<2).map { _ in try Holder() }
        var shares: [[JSON]] = []
        for _ in 0..<2 {
            let answer = await split(try Fixture(settings: settings(holders)), holders, required: 2)
            shares.append(try zip(holders, try #require(answer.json["shares"]?.strings)).map { try $0.open($1) })
        }
        var changed = try #require(shares[0][1].object)
        changed["share"] = .string(Base64.encodeURL([UInt8](repeating: 1, count: 32)))
        let service = try Fixture()
        for wrong in [[shares[0][0], shares[1][1]], [shares[0][0], .object(changed)]] {
            let answer = await service.send(.post, "/securitydomain/upload", ["shares": .array(wrong)])
            #expect(answer.status == 400)
            #expect(answer.refusal == "request-malformed")
        }
        #expect(await service.send(.post, "/securitydomain/upload", ["shares": .array(shares[0])]).status == 200)
    }

    @Test func `weak holders and impossible numbers are refused, and only administrators may`() async throws {
        let holders = try [Holder(), Holder()]
        let fixture = try Fixture(settings: settings(holders))
        // One administrator alone must not become all the holders (AC-076).
        let own = await split(fixture, [try Holder(), try Holder()], required: 2)
        #expect(own.status == 403)
        #expect(await split(try Fixture(), holders, required: 2).status == 403)
        #expect(await split(fixture, holders, required: 3).status == 400)
        #expect(await split(fixture, holders, required: 1).status == 400)
        #expect(await split(fixture, [holders[0], holders[0]], required: 2).status == 400)
        // What is sealed to a key of another kind would be sealed to nobody.
        let key = P256.Signing.PrivateKey()
        let elliptic = try Holder.certificate(.init(key.publicKey), .init(key), .ecdsaWithSHA256)
        for other in [elliptic, [1, 2, 3], []] {
            #expect(await split(fixture, [holders[0].certificate, other], required: 2).status == 400)
        }
        let route = "/securitydomain/download"
        #expect(await fixture.send(.post, route, [:], token: Shared.releaseToken).status == 403)
    }
}
