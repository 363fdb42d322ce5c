import AppraisalPolicy
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
        package var audit: AuditLog
        package var clock: ServiceClock
        package var randomness: Randomness
        package var metrics: Metrics

        package init(
            anchors: TrustAnchors, collateral: any CollateralSource, keys: SigningKeyStore, audit: AuditLog,
            clock: ServiceClock, randomness: Randomness = .system, metrics: Metrics
        ) {
            self.anchors = anchors
            self.collateral = collateral
            self.keys = keys
            self.audit = audit
            self.clock = clock
            self.randomness = randomness
            self.metrics = metrics
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
    private let defaultPolicies: [AttestationType: AppraisalPolicy]

    /// - Parameter issuer: the base URL without a trailing slash.
    /// - Throws: `policy-invalid` when a default policy does not parse.
    package init(issuer: String, _ dependencies: Dependencies) throws(Refusal) {
        self.issuer = issuer
        self.dependencies = dependencies
        verifier = EvidenceVerifier(anchors: dependencies.anchors)
        var acceptance = AcceptancePolicy.default
        acceptance.requireRevocationLists = true
        self.acceptance = acceptance
        var policies: [AttestationType: AppraisalPolicy] = [:]
        for type in AttestationType.allCases {
            do throws(PolicyError) { policies[type] = try AppraisalPolicy(parsing: type.defaultPolicyText) } catch {
                throw Refusal(.policyInvalid, "the default policy of \(type.rawValue): \(error)")
            }
        }
        defaultPolicies = policies
    }

    /// Whether tokens of grade `simulated` can be issued at all.
    package var trustsSimulation: Bool { dependencies.anchors.all.contains { $0.grade == .simulated } }

    /// The published keys.
    package var keySet: JSON { dependencies.keys.keySet }

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

    private func judge(_ type: AttestationType, body: [UInt8]) async throws(APIError) -> Outcome {
        do throws(Refusal) {
            let time = try dependencies.clock.now()
            let request = try AttestRequest(body, evidence: type.evidenceMember)
            let verdict = try await verdict(type, evidence: request.evidence, at: time)
            try verdict.requireAccepted()
            try Self.requireBinding(request, verdict, type: type)
            return try issue(type, request: request, verdict: verdict, at: time)
        } catch let refusal {
            throw refusal.api
        }
    }

    private func verdict(
        _ type: AttestationType, evidence: [UInt8], at time: Timestamp
    ) async throws(Refusal) -> Verdict {
        switch type {
        case .sgxEnclave:
            let identity = try SGXPlatformIdentity(of: try SGXQuote(evidence[...]))
            let collateral = try await dependencies.collateral.sgx(fmspc: identity.fmspc, ca: identity.ca, at: time)
            return verifier.verify(
                evidence, tee: .sgx, collateral: .sgx(collateral), at: time, policy: acceptance)
        case .sevSnpVm:
            let envelope = try SNPEnvelope(evidence)
            let list = try await dependencies.collateral.snpCRL(
                product: envelope.product, kind: envelope.kind, at: time)
            let collateral = SNPCollateral(vek: envelope.endorsementKey, chain: envelope.issuers, crl: list)
            return verifier.verify(
                envelope.report, tee: .snp, collateral: .snp(collateral), at: time, policy: acceptance)
        }
    }
}
