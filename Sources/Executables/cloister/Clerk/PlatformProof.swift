import AttestationToken
import Channel
import Encoding
import Evidence
import HTTPTypes
import ServiceKit

/// What a clerk's side knows about a platform unit once everything was checked, and the keys to encapsulate to.
struct PlatformProof: Sendable {
    let verdict: Verdict
    let tokens: [AttestationToken]
    let manifest: ReleaseManifest
    let peer: AttestedPeer
    let document: EvidenceDocument

    /// Challenges a unit and checks everything before a byte of a patient could be sent (AC-135).
    ///
    /// The evidence is verified here, over a nonce of our own, and appraised by the hospital's attestation service too;
    /// the hospital's policy then decides by the vendor's signed manifest.
    ///
    /// - Throws: the refusal of the first check that fails.
    static func obtain(
        _ url: String, role: String, trusting trust: ClerkTrust, client: Client, clock: WallClock = .system
    ) async throws(Refusal) -> PlatformProof {
        let nonce = Randomness.system.bytes(32)
        let document = try await challenge(url, nonce: nonce, client: client)
        guard let runtimeBytes = document.runtimeData else {
            throw Refusal(.bindingMismatch, "the evidence comes without its runtime data")
        }
        let runtimeData = try RuntimeData(parsing: runtimeBytes)
        guard runtimeData.nonce == nonce else {
            throw Refusal(.bindingMismatch, "the evidence does not answer this challenge")
        }
        let verdict = EvidenceVerifier(anchors: trust.anchors).verify(
            document.evidence, tee: document.tee, collateral: document.collateral, at: clock.now(),
            reportData: runtimeData.reportData)
        try verdict.requireAccepted()
        guard verdict.hostData == runtimeData.party.bytes else {
            throw Refusal(.configMismatch, "the host data is not the party in the runtime data")
        }
        var tokens: [AttestationToken] = []
        var refused: [Refusal] = []
        for url in trust.attestationURLs {
            do throws(Refusal) { tokens.append(try await appraise(document, at: url, trust, client, clock)) } catch {
                refused.append(error)
            }
        }
        guard tokens.allSatisfy({ $0.runtimeDataBytes == runtimeBytes && $0.grade == verdict.grade }) else {
            throw Refusal(.bindingMismatch, "a token is not about the evidence that was sent")
        }
        let manifest = try Acceptance(policy: trust.policy, manifests: document.manifest.map { [$0] } ?? [])
            .accept(
                tokens, refused: refused, role: role, pinnedParty: trust.platformParty, at: clock.now())
        return PlatformProof(
            verdict: verdict, tokens: tokens, manifest: manifest,
            peer: try AttestedPeer(tokens, shown: tokens.map(\.digest)), document: document)
    }

    private static func challenge(_ url: String, nonce: [UInt8], client: Client) async throws(Refusal)
        -> EvidenceDocument
    {
        let answer = try await client.send(
            .get, "\(url)/evidence?nonce=\(Base64.encodeURL(nonce))", maximumBytes: EvidenceDocument.maximumBytes)
        guard answer.status == 200 else { throw Refusal(answer, "the unit gives no evidence") }
        return try EvidenceDocument(parsing: answer.body)
    }

    private static func appraise(
        _ document: EvidenceDocument, at url: String, _ trust: ClerkTrust, _ client: Client, _ clock: WallClock
    ) async throws(Refusal) -> AttestationToken {
        let request = try AttestRequest(document)
        guard case .object(var body) = request.body else { throw Refusal(.requestMalformed, "no attest request") }
        body["tokenAlgorithm"] = "ES256"
        let answer = try await client.send(
            .post, "\(url)/attest/\(request.path)?api-version=2022-08-01",
            headers: [.contentType: "application/json"], body: JSON.object(body).canonical)
        guard answer.status == 200, let compact = (try? JSON.parse(answer.body))?["token"]?.string else {
            throw Refusal(answer, "the attestation service gives no token for this evidence")
        }
        let keys = try await client.send(
            .get, "\(url)/certs", maximumBytes: IssuerKeySet.maximumBytes)
        guard keys.status == 200 else {
            throw Refusal(.issuerKeysUnavailable, "the attestation service does not list its keys")
        }
        return try AttestationToken.verify(
            compact, issuers: trust.policy.issuers,
            keySets: [url: try IssuerKeySet(json: keys.body)], at: clock.now())
    }
}

extension Refusal {
    /// The refusal that an answer carries in its header or problem document; otherwise one that names the status.
    init(_ answer: Client.Response, _ what: String) {
        let problem = try? JSON.parse(answer.body)
        let prefix = "urn:cloister:refusal:"
        let type = problem?["type"]?.string ?? ""
        let name =
            answer.headers[.cloisterRefusal] ?? (type.hasPrefix(prefix) ? String(type.dropFirst(prefix.count)) : nil)
        self.init(name: name, status: answer.status, problem?["detail"]?.string ?? "\(what) (status \(answer.status))")
    }

    /// From `code` or `code:part`, as other processes send it.
    init(name: String?, status: Int, _ detail: String) {
        let parts = (name ?? "status-\(status)").split(separator: ":", maxSplits: 1).map(String.init)
        self.init(
            RefusalCode(String((parts.first ?? "refused").prefix(64)), status: status),
            part: parts.count > 1 ? String(parts[1].prefix(128)) : nil, String(detail.prefix(500)))
    }
}
