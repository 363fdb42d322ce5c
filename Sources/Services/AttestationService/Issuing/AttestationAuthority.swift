import AppraisalPolicy
import AttestationToken
package import Audit
package import Collateral
package import Encoding
package import Evidence
package import Telemetry

/// Judges evidence and issues tokens about it: the service without its sockets.
package final class AttestationAuthority: Sendable {
    /// Seconds between `iat` and `exp` of a token.
    package static let tokenLifetime: Int64 = 28_800
    /// Longest request body, in bytes.
    package static let maximumBodyBytes = 1_048_576

    /// What the authority works with; all of it passed in, so that every decision can be tested.
    package struct Dependencies: Sendable {
        package var anchors: TrustAnchors
        package var collateral: any CollateralSource
        package var keys: SigningKeyStore
        package var policies: InstancePolicies
        package var distrust: DistrustBook
        package var audit: AuditLog
        package var clock: ServiceClock
        package var randomness: Randomness
        package var metrics: Metrics
        package var recording: Recording?

        package init(
            anchors: TrustAnchors, collateral: any CollateralSource, keys: SigningKeyStore, policies: InstancePolicies,
            distrust: DistrustBook, audit: AuditLog, clock: ServiceClock, randomness: Randomness = .system,
            metrics: Metrics,
            recording: Recording? = nil
        ) {
            self.anchors = anchors
            self.collateral = collateral
            self.keys = keys
            self.policies = policies
            self.distrust = distrust
            self.audit = audit
            self.clock = clock
            self.randomness = randomness
            self.metrics = metrics
            self.recording = recording
        }
    }

    /// What an accepted request gets.
    package struct Issued: Sendable {
        package let token: String
        package let isDraft: Bool
    }

    package let issuer: String
    private let dependencies: Dependencies
    private let verifier: EvidenceVerifier
    private let acceptance: AcceptancePolicy

    /// - Parameter issuer: the base URL without a trailing slash.
    package init(issuer: String, _ dependencies: Dependencies) {
        self.issuer = issuer
        self.dependencies = dependencies
        verifier = EvidenceVerifier(anchors: dependencies.anchors)
        var acceptance = AcceptancePolicy.default
        acceptance.requireRevocationLists = true
        self.acceptance = acceptance
    }

    /// Whether tokens of grade `simulated` can be issued at all.
    package var trustsSimulation: Bool { dependencies.anchors.all.contains { $0.grade == .simulated } }

    /// The published keys.
    package var keySet: JSON { dependencies.keys.keySet }

    /// The published keys with those that another node has just made; where the shared state does not answer, the keys
    /// that are known.
    var currentKeySet: JSON {
        get async {
            try? await dependencies.keys.refresh()
            return keySet
        }
    }

    /// Nil when the time can be trusted.
    package var clockProblem: Refusal? {
        do throws(Refusal) {
            _ = try dependencies.clock.now()
            return nil
        } catch { return error }
    }

    /// Answers one attest call; its outcome is in the audit log before this returns.
    ///
    /// - Parameter id: the request id, which the audit event carries too.
    /// - Throws: `APIError`, with `audit-unavailable` when the outcome cannot be written down: then nothing was issued.
    package func attest(_ type: AttestationType, body: [UInt8], id: String) async throws(APIError) -> Issued {
        let outcome: Result<Outcome, APIError>
        do throws(APIError) { outcome = .success(try await judge(type, body: body)) } catch {
            outcome = .failure(error)
        }
        var entry = AuditEntry(event: "attest", outcome: .allowed, id: id)
        switch outcome {
        case .success(let success):
            entry.event = success.issued.isDraft ? "attest.draft" : "attest"
            entry.token = Digest(of: success.issued.token)
            entry.policy = success.policy
            entry.key = success.keyID
        case .failure(let error):
            entry.outcome = .refused
            entry.code = error.refusal.name
        }
        count(type, entry)
        do throws(Refusal) { try await dependencies.audit.record(entry) } catch { throw APIError(error) }
        return try outcome.get().issued
    }

    /// Writes a request that was refused before its evidence was looked at.
    ///
    /// - Throws: `audit-unavailable`.
    package func recordRefusal(_ refusal: Refusal, of type: AttestationType, id: String) async throws(Refusal) {
        let entry = AuditEntry(event: "attest", outcome: .refused, id: id, code: refusal.name)
        count(type, entry)
        try await dependencies.audit.record(entry)
    }

    private func count(_ type: AttestationType, _ entry: AuditEntry) {
        dependencies.metrics.count(
            "attestation_verdicts_total", "Attest calls by type and verdict",
            [
                "type": .identifier(type.rawValue), "outcome": .identifier(entry.outcome.rawValue),
                "code": .identifier(entry.code ?? "none"),
            ])
    }
}

// MARK: Steps (attestation API reference, section 15)

extension AttestationAuthority {
    private struct Outcome {
        let issued: Issued
        let policy: Digest
        let keyID: String
    }

    /// A request whose evidence is genuine, accepted and bound.
    private struct Appraised {
        let request: AttestRequest
        let verdict: Verdict
        let time: Timestamp
    }

    private func judge(_ type: AttestationType, body: [UInt8]) async throws(APIError) -> Outcome {
        let appraised: Appraised
        do throws(Refusal) { appraised = try await appraise(type, body: body) } catch { throw APIError(error) }
        let request = appraised.request
        dependencies.metrics.count(
            "attestation_tcb_total", "Accepted evidence by type and TCB status",
            [
                "type": .identifier(type.rawValue), "tcb": .identifier(appraised.verdict.tcbStatus ?? "none"),
            ])
        let applied = try await policy(type, draft: request.draftPolicy)
        let policy = applied.policy
        var claims = TokenClaims(appraised.verdict, type: type, request: request, policyHash: policy.hash)
        claims.name(signer: applied.signer)
        let incoming = claims.incoming
        let decision = try Self.decide(policy, incoming)
        if request.draftPolicy == nil {
            dependencies.recording?.append(
                AppraisalRecord(
                    time: appraised.time, type: type.rawValue, claims: incoming, permitted: decision.permitted))
        }
        claims.add(try Self.issued(decision), isDefaultPolicy: applied.isDefault)
        claims.date(
            issuer: issuer, at: appraised.time, lifetime: Self.tokenLifetime, randomness: dependencies.randomness)
        do throws(Refusal) {
            let outcome = try sign(claims, request: request, policy: policy)
            if !outcome.issued.isDraft { try await putOnRecord(claims, appraised) }
            return outcome
        } catch { throw APIError(error) }
    }

    /// No token leaves before it can be revoked.
    private func putOnRecord(_ claims: TokenClaims, _ appraised: Appraised) async throws(Refusal) {
        try await dependencies.distrust.record(
            token: claims.id, issuedAt: appraised.time, expires: appraised.time + Self.tokenLifetime,
            marks: appraised.verdict.marks)
    }

    private func appraise(_ type: AttestationType, body: [UInt8]) async throws(Refusal) -> Appraised {
        let time = try dependencies.clock.now()
        let request = try AttestRequest(body, evidence: type.evidenceMember)
        var acceptance = acceptance
        acceptance.distrusted = Set(try await dependencies.distrust.entries().map(\.mark))
        let verdict = try await verdict(type, evidence: request.evidence, at: time, policy: acceptance)
        try verdict.requireAccepted()
        try Self.requireBinding(request, verdict)
        return Appraised(request: request, verdict: verdict, time: time)
    }

    private func verdict(
        _ type: AttestationType, evidence: [UInt8], at time: Timestamp, policy acceptance: AcceptancePolicy
    ) async throws(Refusal) -> Verdict {
        switch type {
        case .sgxEnclave:
            let identity = try DCAPPlatformIdentity(of: try SGXQuote(evidence[...]).envelope)
            let collateral = try await dependencies.collateral.dcap(
                tee: .sgx, fmspc: identity.fmspc, ca: identity.ca, at: time)
            return verifier.verify(
                evidence, tee: .sgx, collateral: .dcap(collateral), at: time, policy: acceptance)
        case .sevSnpVm:
            let envelope = try SNPEnvelope(evidence)
            let list = try await dependencies.collateral.snpCRL(
                product: envelope.product, kind: envelope.kind, at: time)
            let collateral = SNPCollateral(vek: envelope.endorsementKey, chain: envelope.issuers, crl: list)
            return verifier.verify(
                envelope.report, tee: .snp, collateral: .snp(collateral), at: time, policy: acceptance)
        }
    }

    /// Runtime data is bound by the report data's first half, init-time data by what whoever started the TEE chose.
    private static func requireBinding(_ request: AttestRequest, _ verdict: Verdict) throws(Refusal) {
        if let runtime = request.runtimeData {
            guard verdict.reportData.prefix(32).elementsEqual(Digest(of: runtime.bytes).bytes) else {
                throw Refusal(.bindingMismatch, "the report data is not the digest of runtimeData")
            }
        }
        if let initTime = request.initTimeData {
            // Empty host data is SGX without key separation, which has nothing to bind with.
            guard verdict.hostData.prefix(32).elementsEqual(Digest(of: initTime.bytes).bytes) else {
                throw Refusal(.configMismatch, "the host data or configuration id is not the digest of initTimeData")
            }
        }
    }

    private func policy(_ type: AttestationType, draft: String?) async throws(APIError) -> AppliedPolicy {
        guard let draft else {
            if let applied = try await dependencies.policies.applied(type) { return applied }
            throw APIError(
                Refusal(.policyInvalid, "A \(type.rawValue) policy has not been set on the attestation provider."))
        }
        do throws(PolicyError) { return AppliedPolicy(try AppraisalPolicy(parsing: draft)) } catch {
            throw APIError(status: 400, code: .policyParsing, refusal: Refusal(.policyInvalid, "\(error)"))
        }
    }

    private static func decide(
        _ policy: AppraisalPolicy, _ claims: [AppraisalClaim]
    ) throws(APIError) -> AppraisalPolicy.Decision {
        do throws(PolicyError) { return try policy.evaluate(claims: claims) } catch {
            throw APIError(status: 400, code: .policyEvaluation, refusal: Refusal(.policyInvalid, "\(error)"))
        }
    }

    /// The claims that a permitting decision adds.
    private static func issued(_ decision: AppraisalPolicy.Decision) throws(APIError) -> [AppraisalClaim] {
        guard decision.permitted else {
            throw APIError(
                status: 400, code: .policyEvaluation,
                refusal: Refusal(
                    .appraisalInsufficient,
                    "The policy denies this evidence. Policy Engine Exception: A Deny claim was issued, "
                        + "authorization failed."))
        }
        // A property that is not honoured must not look as if it were.
        for property in decision.properties
        where property.type != TCBBaseline.property || !TCBBaseline.isHonoured(property) {
            throw APIError(
                status: 400, code: .policyEvaluation,
                refusal: Refusal(.policyInvalid, "property \(property.type.prefix(80)) is not supported"))
        }
        return decision.issued
    }

    private func sign(
        _ claims: TokenClaims, request: AttestRequest, policy: AppraisalPolicy
    ) throws(Refusal) -> Outcome {
        let signer = try dependencies.keys.signer(request.tokenAlgorithm)
        let header: [String: JSON] = [
            "jku": .string(issuer + "/certs"), "kid": .string(signer.keyID), "typ": "JWT",
        ]
        let payload = JSON.object(claims.members).canonical
        let isDraft = request.draftPolicy != nil
        let token =
            isDraft
            ? Self.unsigned(header: header, payload: payload) : try signer.key.sign(header: header, payload: payload)
        return Outcome(
            issued: Issued(token: token, isDraft: isDraft), policy: policy.hash, keyID: signer.keyID)
    }

    /// A draft: `alg` `none` and an empty third part, which no relying party accepts.
    private static func unsigned(header: [String: JSON], payload: [UInt8]) -> String {
        var header = header
        header["alg"] = "none"
        return Base64.encodeURL(JSON.object(header).canonical) + "." + Base64.encodeURL(payload) + "."
    }
}
