// A key that cannot be made fails the whole run, loudly.
// swift-format-ignore-file: NeverUseForceTry

import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import SwiftASN1
import X509

/// A complete small world: an issuer with three signing keys, a unit's keys, a party's policy and a vendor's release.
enum Fixture {
    static let now = Timestamp(seconds: 1_795_300_000)
    static let url = "https://localhost:8443"

    static let issuerKey = P256.Signing.PrivateKey()
    static let es256 = P256.Signing.PrivateKey()
    static let es384 = P384.Signing.PrivateKey()
    static let rs256 = rsa(2_048)
    static let wrapping = rsa(3_072)
    static let hop = P256.Signing.PrivateKey()
    static let policyKey = P256.Signing.PrivateKey()
    static let releaseKey = P256.Signing.PrivateKey()
    static let stranger = P256.Signing.PrivateKey()

    static let party = partyID(of: policyKey.publicKey)
    static let peer = Encoding.Digest(of: "the provider")
    static let pin = Encoding.Digest(of: issuerKey.publicKey.derRepresentation)
    static let issuer = PartyPolicy.Issuer(pins: [pin], simulated: true, url: url)
    static let measurement = String(repeating: "c1", count: 48)

    private static func rsa(_ bits: Int) -> _RSA.Signing.PrivateKey {
        try! _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits))
    }

    // MARK: Certificates

    static let issuerCertificate = certificate(
        .init(issuerKey.publicKey), name: "Test issuer", authority: true, signer: issuerKey)

    static func certificate(
        _ key: X509.Certificate.PublicKey, name: String, authority: Bool, signer: P256.Signing.PrivateKey,
        from: Timestamp = now - 600, to: Timestamp = now + 86_400
    ) -> [UInt8] {
        let subject = try! DistinguishedName { CommonName(name) }
        let certificate = try! X509.Certificate(
            version: .v3, serialNumber: .init(), publicKey: key,
            notValidBefore: Date(timeIntervalSince1970: Double(from.seconds)),
            notValidAfter: Date(timeIntervalSince1970: Double(to.seconds)),
            issuer: try! DistinguishedName { CommonName("Test issuer") }, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try! X509.Certificate.Extensions {
                Critical(
                    authority
                        ? BasicConstraints.isCertificateAuthority(maxPathLength: 0)
                        : BasicConstraints.notCertificateAuthority)
            }, issuerPrivateKey: .init(signer))
        var serializer = DER.Serializer()
        try! serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    static func entry(_ kid: String, _ chain: [[UInt8]]) -> JSON {
        ["kid": .string(kid), "kty": "EC", "x5c": .array(chain.map { .string(Base64.encodeStandard($0)) })]
    }

    static let leafES256 = certificate(.init(es256.publicKey), name: url, authority: false, signer: issuerKey)
    static let keySet: JSON = [
        "keys": [
            entry("es256", [leafES256, issuerCertificate]),
            entry(
                "es384",
                [
                    certificate(.init(es384.publicKey), name: url, authority: false, signer: issuerKey),
                    issuerCertificate,
                ]),
            entry(
                "rs256",
                [
                    certificate(.init(rs256.publicKey), name: url, authority: false, signer: issuerKey),
                    issuerCertificate,
                ]),
        ]
    ]
    static let keySets: [String: IssuerKeySet] = [url: try! IssuerKeySet(json: keySet)]

    // MARK: Runtime data and tokens

    static func runtimeData(role: String = "diagnostics", party: Encoding.Digest = party) -> RuntimeData {
        try! RuntimeData(
            wrappingKey: try! JWK(wrapping.publicKey), hopKey: hop.publicKey, ohttp: [0, 2, 7, 7], role: role,
            party: party)
    }

    /// Claims of a simulated SNP unit.
    static func claims(_ runtime: RuntimeData = runtimeData()) -> [String: JSON] {
        [
            "iss": .string(url), "iat": .integer(now.seconds), "nbf": .integer(now.seconds),
            "exp": .integer(now.seconds + 28_800), "jti": "00", "x-ms-ver": "1.0",
            "x-ms-attestation-type": "sevsnpvm", "x-cloister-grade": "simulated",
            "x-cloister-tcb-status": "UpToDate", "x-cloister-valid-until": .integer(now.seconds + 86_400),
            "x-ms-runtime": try! JSON.parse(runtime.bytes),
            "x-ms-sevsnpvm-reportdata": .string(Hex.encode(runtime.reportData)),
            "x-ms-sevsnpvm-hostdata": .string(runtime.party.hex),
            "x-ms-sevsnpvm-is-debuggable": false,
            "x-ms-sevsnpvm-launchmeasurement": .string(measurement),
        ]
    }

    static func sign(
        _ claims: [String: JSON], key: SigningKey = .es256(es256), kid: String = "es256",
        header: [String: JSON] = [:]
    ) -> String {
        let base: [String: JSON] = ["kid": .string(kid), "typ": "JWT", "jku": .string(url + "/certs")]
        return try! key.sign(
            header: base.merging(header) { $1 }, payload: JSON.object(claims).canonical)
    }

    static func verify(
        _ token: String, issuers: [PartyPolicy.Issuer] = [issuer], keySets: [String: IssuerKeySet] = keySets,
        at time: Timestamp = now
    ) throws(Refusal) -> AttestationToken {
        try AttestationToken.verify(token, issuers: issuers, keySets: keySets, at: time)
    }

    static func token(_ change: (inout [String: JSON]) -> Void = { _ in }) throws(Refusal) -> AttestationToken {
        var claims = claims()
        change(&claims)
        return try verify(sign(claims))
    }

    /// The same text with one part of the compact form replaced.
    static func replacing(part index: Int, of compact: String, with part: String) -> String {
        var parts = compact.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        parts[index] = part
        return parts.joined(separator: ".")
    }

    // MARK: Policy and manifest

    static func policy() -> PartyPolicy {
        PartyPolicy(
            party: party, sequence: 3, notBefore: now - 60, notAfter: now + 30 * 86_400, issuers: [issuer],
            keyServices: [.init(pins: [pin], url: "https://localhost:8444")],
            releaseSigners: [
                .init(key: JWK(releaseKey.publicKey), leastSequence: 10, unit: "diagnostics", withdrawn: [11])
            ],
            peers: [.init(party: peer, role: "diagnostics")], fields: ["pixels"],
            enrolment: [Encoding.Digest(of: "secret")])
    }

    static func manifest(sequence: Int64 = 12) -> ReleaseManifest {
        ReleaseManifest(
            build: "release", commit: "70913dd", createdAt: now,
            file: .init(name: "diagnostics", sha256: [UInt8](repeating: 5, count: 32), size: 7),
            libraries: [.init(name: "libonnxruntime.so", sha256: [UInt8](repeating: 6, count: 32))],
            measurements: [
                .init(
                    claims: ["x-ms-sgx-mrenclave": .string(String(repeating: "5f", count: 32))], grade: .simulated,
                    runtime: "simulated", tee: .sgx),
                .init(
                    claims: ["x-ms-sevsnpvm-launchmeasurement": .string(measurement)], grade: .simulated,
                    runtime: "simulated", tee: .snp),
            ], sequence: sequence, unit: "diagnostics", version: "0.1.0")
    }
}

/// The refusal that `body` throws; nil when it throws none.
func refusal<Value>(_ body: () throws(Refusal) -> Value) -> Refusal? {
    do throws(Refusal) {
        _ = try body()
        return nil
    } catch { return error }
}

func code<Value>(_ body: () throws(Refusal) -> Value) -> RefusalCode? { refusal(body)?.code }
