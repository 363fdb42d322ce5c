// swift-format-ignore-file: NeverUseForceTry, NeverForceUnwrap

import Access
import AttestationToken
import Audit
import Crypto
import CryptoExtras
import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import SwiftASN1
import Synchronization
import TestSupport
import Testing
import X509

@testable import KeyService

/// Keys that are slow to make, made once.
enum Shared {
    // The library does not declare these keys Sendable; they are only read.
    nonisolated(unsafe) static let wrappingKey = try! _RSA.Encryption.PrivateKey(keySize: .bits3072)
    nonisolated(unsafe) static let smallWrappingKey = try! _RSA.Encryption.PrivateKey(keySize: .bits2048)
    static let hopKey = P256.Signing.PrivateKey()
    static let party = Encoding.Digest(of: "the owner's policy key")
    static let unitParty = Encoding.Digest(of: "the platform's policy key")
    static let now = Timestamp(seconds: 1_795_300_000)
    static let host = "keys.cloister.example"
    /// One chain for all tests: its keys take seconds.
    static let chain = try! ReleaseChain(host: host, at: now)
    static let signer = try! ReleaseSigner(chain)

    /// Leaves a chain in a folder as services kept it before it was in the database: a service takes it in as it starts.
    static func put(chain stored: [UInt8] = chain.stored, in folder: String) throws {
        let file = folder + "/release-signing.json"
        try Data(stored).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    }

    static let runtimeData = try! RuntimeData(
        wrappingKey: JWK(wrappingKey.publicKey), hopKey: hopKey.publicKey, ohttp: [0, 1, 9], role: "medical-platform",
        party: unitParty)

    static let administratorToken = String(repeating: "a", count: 40)
    static let releaseToken = String(repeating: "r", count: 40)
}

/// An attestation service that exists only as an issuer certificate and a signing key below it.
struct Authority {
    let url: String
    let issuerKey = P256.Signing.PrivateKey()
    let signingKey = P256.Signing.PrivateKey()
    let issuer: [UInt8]
    let leaf: [UInt8]
    let keyID: String

    init(url: String = "https://attestation.cloister.example:8443", keyID: String = "key-1") {
        self.url = url
        self.keyID = keyID
        issuer = Authority.certificate("issuer", issuerKey.publicKey, signedBy: issuerKey, isAuthority: true)
        leaf = Authority.certificate("leaf", signingKey.publicKey, signedBy: issuerKey, isAuthority: false)
    }

    static func certificate(
        _ name: String, _ key: P256.Signing.PublicKey, signedBy issuerKey: P256.Signing.PrivateKey, isAuthority: Bool
    ) -> [UInt8] {
        let certificate = try! Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key),
            notValidBefore: Date(timeIntervalSince1970: Double(Shared.now.seconds - 86_400)),
            notValidAfter: Date(timeIntervalSince1970: Double(Shared.now.seconds + 86_400 * 400)),
            issuer: try! DistinguishedName { CommonName("issuer") },
            subject: try! DistinguishedName { CommonName(name) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try! Certificate.Extensions {
                Critical(
                    isAuthority ? BasicConstraints.isCertificateAuthority(maxPathLength: 0) : .notCertificateAuthority)
            },
            issuerPrivateKey: .init(issuerKey))
        return try! certificate.serializeAsPEM().derBytes
    }

    var pin: Encoding.Digest { Encoding.Digest(of: issuerKey.publicKey.derRepresentation) }

    func policyEntry(simulated: Bool = true) -> PartyPolicy.Issuer {
        PartyPolicy.Issuer(pins: [pin], simulated: simulated, url: url)
    }

    var keySet: JSON {
        [
            "keys": [
                [
                    "kid": .string(keyID), "kty": "EC", "use": "sig",
                    "x5c": [.string(Base64.encodeStandard(leaf)), .string(Base64.encodeStandard(issuer))],
                ]
            ]
        ]
    }

    /// The claims of a token for the platform unit, all of them right.
    var claims: [String: JSON] {
        [
            "iss": .string(url), "iat": .integer(Shared.now.seconds - 60), "nbf": .integer(Shared.now.seconds - 60),
            "exp": .integer(Shared.now.seconds + 3_600), "x-ms-attestation-type": "sgx",
            "x-ms-sgx-is-debuggable": false, "x-ms-sgx-mrenclave": .string(String(repeating: "5f", count: 32)),
            "x-ms-sgx-svn": 3, "x-ms-sgx-config-id": .string(Shared.unitParty.hex + String(repeating: "0", count: 64)),
            "x-ms-sgx-report-data": .string(Hex.encode(Shared.runtimeData.reportData)),
            "x-ms-runtime": try! JSON.parse(Shared.runtimeData.bytes), "x-cloister-grade": "simulated",
        ]
    }

    func token(
        header: [String: JSON] = [:], signedBy key: P256.Signing.PrivateKey? = nil,
        _ change: (inout [String: JSON]) -> Void = { _ in }
    ) -> String {
        var claims = claims
        change(&claims)
        let header = ["kid": .string(keyID), "typ": "JWT"].merging(header) { $1 }
        return try! SigningKey.es256(key ?? signingKey).sign(header: header, payload: JSON.object(claims).canonical)
    }

    /// The policy that these claims satisfy.
    var policy: JSON {
        [
            "version": "1.0.0",
            "anyOf": [
                [
                    "authority": .string(url),
                    "allOf": [
                        ["claim": "x-ms-sgx-mrenclave", "equals": .string(String(repeating: "5f", count: 32))],
                        [
                            "claim": "x-ms-sgx-config-id",
                            "equals": .string(Shared.unitParty.hex + String(repeating: "0", count: 64)),
                        ],
                        ["claim": "x-ms-sgx-is-debuggable", "equals": "false"],
                        ["claim": "x-ms-runtime.role", "equals": "medical-platform"],
                        ["claim": "x-cloister-grade", "equals": "simulated"],
                    ],
                ]
            ],
        ]
    }
}

/// Key sets by issuer, and how often they were asked for.
final class FakeAuthorityKeys: AuthorityKeys {
    struct State {
        var sets: [String: JSON]
        /// What a fresh fetch brings, where that differs.
        var fresh: [String: JSON] = [:]
        var asked: [(url: String, isFresh: Bool)] = []
        var failure: Refusal?
        var lists: [String: RevocationList] = [:]
        /// Happens once while an authority is asked.
        var meanwhile: (@Sendable () async -> Void)?
    }

    let state: Mutex<State>

    init(_ authorities: [Authority]) {
        state = Mutex(State(sets: Dictionary(uniqueKeysWithValues: authorities.map { ($0.url, $0.keySet) })))
    }

    var asked: [(url: String, isFresh: Bool)] { state.withLock { $0.asked } }

    func keySet(of issuer: PartyPolicy.Issuer, fresh isFresh: Bool) async throws(Refusal) -> IssuerKeySet {
        let (set, failure) = state.withLock { state in
            state.asked.append((issuer.url, isFresh))
            return ((isFresh ? state.fresh[issuer.url] : nil) ?? state.sets[issuer.url], state.failure)
        }
        let meanwhile = state.withLock { state in
            defer { state.meanwhile = nil }
            return state.meanwhile
        }
        await meanwhile?()
        if let failure { throw failure }
        guard let set else { throw Refusal(.issuerKeysUnavailable, "nobody answers") }
        return try IssuerKeySet(json: set)
    }

    func revocations(
        of issuer: PartyPolicy.Issuer, keySet: IssuerKeySet, at time: Timestamp
    ) async throws(Refusal) -> RevocationList {
        guard let list = state.withLock({ $0.lists[issuer.url] }) else {
            throw Refusal(.revocationsUnavailable, "nobody answers")
        }
        return list
    }
}

/// An audit file in memory that can be told to fail.
final class MemoryAuditFile: AuditFile {
    struct State {
        var bytes: [UInt8] = []
        var isBroken = false
        /// How many more writes and synchronisations succeed until one fails; nil for all.
        var remaining: Int?

        /// Whether this call fails.
        mutating func fails() -> Bool {
            guard let left = remaining else { return isBroken }
            remaining = left > 0 ? left - 1 : nil
            return left == 0 || isBroken
        }
    }

    let state: Mutex<State>

    init(_ bytes: [UInt8] = []) { state = Mutex(State(bytes: bytes)) }

    var bytes: [UInt8] { state.withLock { $0.bytes } }

    func read(at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8] {
        state.withLock { Array($0.bytes.dropFirst(Int(offset)).prefix(count)) }
    }
    func write(_ bytes: [UInt8], at offset: Int64) throws(AuditFileError) {
        let isBroken = state.withLock { state in
            let fails = state.fails()
            // Of a write that fails, a part may have arrived.
            state.bytes.replaceSubrange(Int(offset)..., with: fails ? bytes.prefix(bytes.count / 2) : bytes[...])
            return fails
        }
        if isBroken { throw AuditFileError(errorNumber: ENOSPC) }
    }
    func truncate(to length: Int64) throws(AuditFileError) {
        state.withLock { $0.bytes = Array($0.bytes.prefix(Int(length))) }
    }
    func synchronize() throws(AuditFileError) {
        if state.withLock({ $0.fails() }) { throw AuditFileError(errorNumber: EIO) }
    }

    var entries: [JSON] {
        state.withLock { String(decoding: $0.bytes, as: UTF8.self) }.split(separator: "\n").map {
            try! JSON.parse(String($0))
        }
    }
    func breakDown() { state.withLock { $0.isBroken = true } }
    /// The call after so many more fails, and no other.
    func fail(after calls: Int) { state.withLock { $0.remaining = calls } }
}

/// A clock that tests move.
final class TestClock: Sendable {
    private let time: Mutex<Timestamp>
    init(_ time: Timestamp = Shared.now) { self.time = Mutex(time) }
    var clock: WallClock { WallClock { self.time.withLock { $0 } } }
    func advance(_ seconds: Int64) { time.withLock { $0 = $0 + seconds } }
}

/// A key service without a socket.
struct Fixture {
    let folder: TemporaryFolder
    let authority: Authority
    let keys: FakeAuthorityKeys
    let auditFile: MemoryAuditFile
    let clock = TestClock()
    let vault: KeyVault

    init(
        authority: Authority = Authority(), others: [Authority] = [], threshold: Int64 = 1, simulated: Bool = true,
        folder: TemporaryFolder? = nil, settings: VaultSettings = VaultSettings(), access: AccessTokens? = nil,
        further: [PartyPolicy.Issuer] = [], domain: UInt8? = nil, masterKey: MasterKey? = nil,
        auditFile: MemoryAuditFile? = nil
    ) throws {
        self.auditFile = auditFile ?? MemoryAuditFile()
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        self.authority = authority
        keys = FakeAuthorityKeys([authority] + others)
        let policy = PartyPolicy(
            party: Shared.party, sequence: 1, notBefore: Shared.now - 86_400, notAfter: Shared.now + 60 * 86_400,
            issuers: ([authority] + others).map { $0.policyEntry(simulated: simulated) }, threshold: threshold)
        let store = try KeyStore(
            path: folder.url.appending(path: "keys.sqlite").path, masterKey: try masterKey ?? .ofBytes(7),
            randomness: domain.map { byte in Randomness { [UInt8](repeating: byte, count: $0) } } ?? .system)
        vault = KeyVault(
            store: store,
            audit: try AuditLog(
                file: self.auditFile, after: auditFile == nil ? nil : store.audited(), clock: clock.clock),
            signer: Shared.signer, policy: policy, keys: keys,
            furtherAuthorities: further,
            credentials: try Credentials(
                administratorToken: Shared.administratorToken, releaseToken: Shared.releaseToken, issuer: access),
            challenge: try Challenge(
                authorization: "https://\(Shared.host)/tenant", resource: "https://\(Shared.host):9443"),
            settings: settings, clock: clock.clock)
    }

    /// What the audit log says happened.
    var events: [String] { auditFile.entries.compactMap { $0["event"]?.string } }

    static let authorityOfRequests = "keys.cloister.example:9443"
    static let base = "https://keys.cloister.example:9443"

    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil, token: String? = Shared.administratorToken,
        version: String? = "7.4", host: String? = Fixture.authorityOfRequests, clientKey: Encoding.Digest? = nil
    ) async -> Answer {
        var headers: HTTPFields = [:]
        if let token { headers[.authorization] = "Bearer \(token)" }
        var target = path
        if let version { target += (path.contains("?") ? "&" : "?") + "api-version=" + version }
        return Answer(
            await vault.respond(
                to: ServerRequest(
                    method, target, headers: headers, body: body?.canonical ?? [], authority: host, clientKey: clientKey
                )))
    }

    /// The members of a body that makes an exportable key.
    func exportable(_ members: [String: JSON], policy: JSON? = nil) -> JSON {
        var members = members
        members["attributes"] = ["exportable": true]
        members["release_policy"] = ["data": .string(Base64.encodeURL((policy ?? authority.policy).canonical))]
        return .object(members)
    }

    /// Imports a 256-bit key that can be released.
    @discardableResult
    func importKey(_ name: String = "records", policy: JSON? = nil, k: [UInt8] = Fixture.k) async throws -> Answer {
        let answer = await send(
            .put, "/keys/\(name)",
            exportable(["key": ["kty": "oct-HSM", "k": .string(Base64.encodeURL(k))]], policy: policy))
        try #require(answer.status == 200, "\(answer.json)")
        return answer
    }

    /// Makes a key that stays in the service.
    @discardableResult
    func create(_ name: String, _ members: JSON) async throws -> Answer {
        let answer = await send(.post, "/keys/\(name)/create", members)
        try #require(answer.status == 200, "\(answer.json)")
        return answer
    }

    @discardableResult
    func create(_ members: JSON) async throws -> Answer { try await create("k", members) }

    static let k = (0..<32).map { UInt8($0) }

    func release(
        _ name: String = "records", target: String? = nil, enc: String? = "RSA_AES_KEY_WRAP_256",
        nonce: String? = "fresh", path: String? = nil, token: String? = Shared.releaseToken, further: [String] = []
    ) async -> Answer {
        var body: [String: JSON] = ["target": .string(target ?? authority.token())]
        if !further.isEmpty { body["further_targets"] = .array(further.map(JSON.string)) }
        if let enc { body["enc"] = .string(enc) }
        if let nonce { body["nonce"] = .string(nonce) }
        return await send(.post, path ?? "/keys/\(name)/release", .object(body), token: token)
    }
}

struct Answer {
    let status: Int
    let json: JSON
    let refusal: String?
    let headers: HTTPFields

    init(_ response: ServerResponse) {
        status = response.status
        json = (try? JSON.parse(response.body)) ?? .null
        refusal = response.headers[.cloisterRefusal]
        headers = response.headers
    }

    var code: String? { json["error"]?["code"]?.string }
    var message: String { json["error"]?["message"]?.string ?? "" }
    var kid: String { json["key"]?["kid"]?.string ?? "" }
    var version: String { kid.split(separator: "/").last.map(String.init) ?? "" }

    /// Header and payload of the signed release answer.
    func released() throws -> (jws: JWS, payload: JSON) {
        let jws = try JWS(compact: try #require(json["value"]?.string), maximumBytes: 1 << 20)
        return (jws, try JSON.parse(jws.payload))
    }

    /// What the released key opens to.
    func material(
        with key: _RSA.Encryption.PrivateKey = Shared.wrappingKey, padding: _RSA.Encryption.Padding = .PKCS1_OAEP_SHA256
    ) throws -> [UInt8] {
        let ciphertext = try ciphertext()
        let modulus = key.keySizeInBits / 8
        let transport = try key.decrypt(ciphertext[..<modulus], padding: padding)
        return try AESKeyWrapPadding.unwrap(Array(ciphertext[modulus...]), with: SymmetricKey(data: transport))
    }

    func keyHSM() throws -> JSON {
        let text = try #require(try released().payload["response"]?["key"]?["key"]?["key_hsm"]?.string)
        return try JSON.parse(try #require(Base64.decode(text)))
    }

    func ciphertext() throws -> [UInt8] {
        try #require(try keyHSM()["ciphertext"]?.string.flatMap { Base64.decode($0) })
    }
}
