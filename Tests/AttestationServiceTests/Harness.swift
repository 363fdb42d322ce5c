// A key that cannot be made fails the whole run, loudly.
// swift-format-ignore-file: NeverUseForceTry

import AttestationService
import AttestationToken
import Attester
import Audit
import Collateral
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import HTTPTypes
import ServiceKit
import SimulatedTEE
import Storage
import Synchronization
import Telemetry
import TestSupport

/// Collateral that a test hands over.
struct GivenCollateral: CollateralSource {
    var collateral: DCAPCollateral?
    /// For TDX, where it differs.
    var tdx: DCAPCollateral?
    var list: [UInt8]?
    /// For reports that come without certificates.
    var snp: SNPCollateral?

    func dcap(tee: TEE, fmspc: [UInt8], ca: String, at time: Timestamp) async throws(Refusal) -> DCAPCollateral {
        guard let found = tee == .tdx ? tdx ?? collateral : collateral else {
            throw Refusal(.collateralInvalid, "there is none")
        }
        return found
    }

    func snp(
        product: SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion, at time: Timestamp
    ) async throws(Refusal) -> SNPCollateral {
        guard let snp else { throw Refusal(.collateralInvalid, "there is none") }
        return snp
    }

    func snpCRL(product: String, kind: EndorsementKeyKind, at time: Timestamp) async throws(Refusal) -> [UInt8]? {
        list
    }
}

/// A clock that a test sets.
final class SetClock: Sendable {
    private let time: Mutex<Timestamp>
    init(_ time: Timestamp) { self.time = Mutex(time) }
    var wall: WallClock { WallClock { self.time.withLock { $0 } } }
    func set(_ new: Timestamp) { time.withLock { $0 = new } }
}

/// The service without sockets, over a folder of its own.
struct Service {
    static let now = Timestamp(seconds: 1_795_300_000)
    static let url = "https://localhost:8443"

    let issuer: String
    let folder: TemporaryFolder
    let authority: AttestationAuthority
    let policies: InstancePolicies
    let distrust: DistrustBook
    let handler: AttestationHandler
    let keys: SigningKeyStore
    let metrics = Metrics()
    let clock: SetClock
    let strangers: StrangerRecords

    /// Rates are counted on a clock that stands still.
    private static let moment = ContinuousClock.now

    /// - Parameters:
    ///   - simulated: whether the simulator's root is trusted beside the vendors'.
    ///   - root: of another simulator than the tests' own.
    ///   - elapsed: seconds since start on the clock that only runs forward.
    init(
        issuer: String = url, at time: Timestamp = now, simulated: Bool = true,
        collateral: (any CollateralSource)? = nil,
        folder: TemporaryFolder? = nil, origins: [String] = [], isCollateralThere: Bool = true,
        audit: (any AuditFile)? = nil, root: SimulatedRoot? = nil, launches: LaunchAcceptance = .none,
        tokenAlgorithm: String = "RS256", trustModel: TrustModel = .aad, access: AccessControl? = nil,
        attestNeedsToken: Bool = false, requestsPerSecond: Int = 0, recording: Recording? = nil,
        elapsed: @escaping @Sendable () -> Int64 = { 0 }
    ) throws {
        self.issuer = issuer
        self.folder = try folder ?? Self.folderWithKeys(at: time)
        let clock = SetClock(time)
        self.clock = clock
        let path = self.folder.url.path
        keys = try SigningKeyStore(folder: path, issuer: issuer, at: time)
        let factory = try EvidenceFactory.forTests.get()
        var anchors = TrustAnchors.vendors
        if simulated { anchors = anchors.trusting(try root ?? factory.root.simulatedRoot()) }
        let published = try factory.collateral(at: Self.now)
        let log =
            try audit.map { try AuditLog(file: $0, clock: clock.wall) }
            ?? AuditLog(path: path + "/audit.jsonl", clock: clock.wall)
        let serviceClock = try ServiceClock(wall: clock.wall, notBefore: keys.newest, elapsed: elapsed)
        let store = try SQLiteStateStore(path: path + "/attestation.sqlite")
        policies = try InstancePolicies(instance: "test", trustModel: trustModel, store: store, audit: log)
        distrust = DistrustBook(instance: "test", store: store, audit: log)
        strangers = StrangerRecords(log, clock: clock.wall)
        authority = AttestationAuthority(
            issuer: issuer,
            AttestationAuthority.Dependencies(
                anchors: anchors,
                collateral: collateral
                    ?? GivenCollateral(
                        collateral: published.sgx, tdx: published.tdx, list: published.snp.crl, snp: published.snp),
                keys: keys, policies: policies, distrust: distrust, audit: log, strangers: strangers,
                clock: serviceClock, metrics: metrics, launches: launches, tokenAlgorithm: tokenAlgorithm,
                recording: recording))
        handler = AttestationHandler(
            AttestationInstance(
                name: "test", authority: authority, policies: policies, distrust: distrust,
                revocations: RevocationPublisher(
                    issuer: issuer, book: distrust, keys: keys, clock: serviceClock),
                results: ResultTokens(issuer: issuer, keys: keys, clock: serviceClock),
                access: try access
                    ?? AccessControl(contributorToken: Self.contributorToken, readerToken: Self.readerToken),
                strangers: strangers, attestNeedsToken: attestNeedsToken), allowedOrigins: origins,
            requestsPerSecond: requestsPerSecond,
            isCollateralThere: { isCollateralThere }, now: { Self.moment })
    }

    static let contributorToken = "contributor-token-of-the-tests-0123456789"
    static let readerToken = "reader-token-of-the-tests-0123456789"

    /// Making RSA keys takes seconds in a debug build, so tests of the same day start from one key file.
    private static let keyFile = Result {
        let folder = try TemporaryFolder()
        _ = try SigningKeyStore(folder: folder.url.path, issuer: url, at: now)
        return try Data(contentsOf: folder.url.appending(path: "signing-keys.json"))
    }

    private static func folderWithKeys(at time: Timestamp) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        guard time >= now else { return folder }
        let file = folder.url.appending(path: "signing-keys.json")
        try keyFile.get().write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        return folder
    }

    /// Posts to SevSnpVm.
    func post(_ body: JSON) async -> Answer {
        await post("/attest/SevSnpVm?api-version=2022-08-01", body)
    }

    func post(_ target: String, _ body: JSON) async -> Answer {
        Answer(await handler.respond(to: ServerRequest(.post, target, body: body.canonical)))
    }

    func get(_ target: String) async -> Answer { Answer(await handler.respond(to: ServerRequest(.get, target))) }

    /// Events of the audit log, in order.
    func audit() throws -> [JSON] {
        let text = try String(contentsOf: folder.url.appending(path: "audit.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSON.parse(String($0)) }
    }

    /// What a relying party would make of a token.
    func verify(_ token: String) throws -> AttestationToken {
        let issuer = PartyPolicy.Issuer(pins: [keys.pin], simulated: true, url: Self.url)
        return try AttestationToken.verify(
            token, issuers: [issuer], keySets: [Self.url: try IssuerKeySet(json: authority.keySet)],
            at: clock.wall.now())
    }
}

struct Answer {
    let status: Int
    let headers: HTTPFields
    let body: JSON

    init(_ response: ServerResponse) {
        status = response.status
        headers = response.headers
        body = (try? JSON.parse(response.body)) ?? .null
    }

    var token: String? { body["token"]?.string }
    var refusal: String? { headers[.cloisterRefusal] }
    var errorCode: String? { body["error"]?["code"]?.string }

    var jws: JWS? { token.flatMap { try? JWS(compact: $0, maximumBytes: 1_000_000) } }
    var claims: JSON { (try? JSON.parse(jws?.payload ?? [])) ?? .null }
}

/// An audit file on a disk that is full.
struct BrokenAuditFile: AuditFile {
    func read(at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8] { [] }
    func write(_ bytes: [UInt8], at offset: Int64) throws(AuditFileError) { throw AuditFileError(errorNumber: 28) }
    func synchronize() throws(AuditFileError) {}
    func truncate(to length: Int64) throws(AuditFileError) {}
}

/// Evidence of the simulator and the requests that carry it.
enum Sample {
    static let party = Encoding.Digest(of: "party")
    static let measurement = ExecutableMeasurement(of: [1, 2, 3])
    static let wrapping = try! JWK(_RSA.Encryption.PrivateKey(keySize: .init(bitCount: 3_072)).publicKey)
    static let runtimeData = try! RuntimeData(
        wrappingKey: wrapping, hopKey: P256.Signing.PrivateKey().publicKey, ohttp: [0, 1, 7],
        role: "diagnostics", party: party)

    static func evidence(
        _ tee: TEE, reportData: [UInt8] = runtimeData.reportData, party: Encoding.Digest = party
    ) throws -> AttesterEvidence {
        try EvidenceFactory.forTests.get().evidence(
            tee, measurement: measurement, party: party, reportData: reportData, at: Service.now)
    }

    static let runtime: JSON = ["data": .string(Base64.encodeURL(runtimeData.bytes)), "dataType": "JSON"]

    static func snpReport(_ evidence: AttesterEvidence, change: (inout [UInt8]) -> Void = { _ in }) -> JSON {
        guard case .snp(let collateral) = evidence.collateral else { return .null }
        var report = evidence.evidence
        change(&report)
        let envelope: JSON = [
            "SnpReport": .string(Base64.encodeURL(report)),
            "VcekCertChain": .string(Base64.encodeURL(Array((collateral.vek + collateral.chain).utf8))),
        ]
        return .string(Base64.encodeURL(envelope.canonical))
    }

    static func snp(_ members: [String: JSON] = [:]) throws -> JSON {
        let base: [String: JSON] = ["report": snpReport(try evidence(.snp)), "runtimeData": runtime]
        return .object(base.merging(members) { $1 })
    }

    static func sgx(_ members: [String: JSON] = [:]) throws -> JSON {
        let base: [String: JSON] = [
            "quote": .string(Base64.encodeURL(try evidence(.sgx).evidence)), "runtimeData": runtime,
        ]
        return .object(base.merging(members) { $1 })
    }
}

let sgxRoute = "/attest/SgxEnclave?api-version=2022-08-01"
