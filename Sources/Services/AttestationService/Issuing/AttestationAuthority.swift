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
        package var strangers: StrangerRecords
        package var clock: ServiceClock
        package var randomness: Randomness
        package var metrics: Metrics
        /// Which launches get the claim `x-ms-compliance-status`.
        package var launches: LaunchAcceptance
        /// What tokens are signed with unless a request asks for another algorithm.
        package var tokenAlgorithm: String
        package var recording: Recording?

        package init(
            anchors: TrustAnchors, collateral: any CollateralSource, keys: SigningKeyStore, policies: InstancePolicies,
            distrust: DistrustBook, audit: AuditLog, strangers: StrangerRecords, clock: ServiceClock,
            randomness: Randomness = .system,
            metrics: Metrics, launches: LaunchAcceptance = .none, tokenAlgorithm: String = "RS256",
            recording: Recording? = nil
        ) {
            self.anchors = anchors
            self.collateral = collateral
            self.keys = keys
            self.policies = policies
            self.distrust = distrust
            self.audit = audit
            self.strangers = strangers
            self.clock = clock
            self.randomness = randomness
            self.metrics = metrics
            self.launches = launches
            self.tokenAlgorithm = tokenAlgorithm
            self.recording = recording
        }
    }

    /// What an accepted request gets.
    package struct Issued: Sendable {
        /// `{"token"}`, or `{"data"}` in the exchange of Tpm.
        package let reply: JSON
        /// The audit event: `attest`, `attest.draft` or `attest.challenge`.
        package let event: String
    }

    package let issuer: String
    private let dependencies: Dependencies
    private let appraiser: EvidenceAppraiser
    private let tokens: TokenIssuer
    private let exchange: TPMExchange

    /// - Parameter issuer: the base URL without a trailing slash.
    package init(issuer: String, _ dependencies: Dependencies) {
        self.issuer = issuer
        self.dependencies = dependencies
        appraiser = EvidenceAppraiser(
            anchors: dependencies.anchors, collateral: dependencies.collateral, launches: dependencies.launches)
        tokens = TokenIssuer(
            issuer: issuer, keys: dependencies.keys, algorithm: dependencies.tokenAlgorithm,
            randomness: dependencies.randomness, recording: dependencies.recording)
        exchange = TPMExchange(key: dependencies.keys.contextKey)
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
    /// - Parameters:
    ///   - id: the request id, which the audit event carries too.
    ///   - caller: who asks, as the audit log names it; nil for a stranger. Strangers' refusals and challenges may be
    ///     counted instead of written (AC-161); whatever is accepted has a line of its own.
    /// - Throws: `APIError`, with `audit-unavailable` when the outcome cannot be written down: then nothing was issued.
    package func attest(
        _ type: AttestationType, body: [UInt8], id: String, caller: String? = nil
    ) async throws(APIError) -> Issued {
        let outcome: Result<Outcome, APIError>
        do throws(APIError) { outcome = .success(try await judge(type, body: body)) } catch {
            outcome = .failure(error)
        }
        var entry = AuditEntry(event: "attest", outcome: .allowed, id: id, caller: caller)
        switch outcome {
        case .success(let success):
            entry.event = success.issued.event
            entry.token = success.token.map { Digest(of: $0) }
            entry.policy = success.policy
            entry.key = success.keyID
        case .failure(let error):
            entry.outcome = .refused
            entry.code = error.refusal.name
        }
        do throws(Refusal) { try await write(type, entry) } catch { throw APIError(error) }
        return try outcome.get().issued
    }

    /// Writes a request that was refused before its evidence was looked at.
    ///
    /// - Throws: `audit-unavailable`.
    package func recordRefusal(
        _ refusal: Refusal, of type: AttestationType, id: String, caller: String? = nil
    ) async throws(Refusal) {
        try await write(
            type, AuditEntry(event: "attest", outcome: .refused, id: id, code: refusal.name, caller: caller))
    }

    private func write(_ type: AttestationType, _ entry: AuditEntry) async throws(Refusal) {
        dependencies.metrics.count(
            "attestation_verdicts_total", "Attest calls by type and verdict",
            [
                "type": .identifier(type.rawValue), "outcome": .identifier(entry.outcome.rawValue),
                "code": .identifier(entry.code ?? "none"),
            ])
        // A token is what evidence was accepted for; all else is a refusal or a challenge.
        if entry.caller == nil, entry.token == nil {
            try await dependencies.strangers.record(entry)
        } else {
            try await dependencies.audit.record(entry)
        }
    }
}

// MARK: Steps (attestation API reference, section 15)

extension AttestationAuthority {
    private struct Outcome {
        let issued: Issued
        /// The token before it is sealed or wrapped; nil for a challenge.
        var token: String?
        var policy: Digest?
        var keyID: String?

        /// The answer to a challenge call.
        init(challenge: JSON) { issued = Issued(reply: challenge, event: "attest.challenge") }

        init(_ token: TokenIssuer.Token, _ reply: JSON) {
            issued = Issued(reply: reply, event: token.isDraft ? "attest.draft" : "attest")
            self.token = token.text
            policy = token.policy
            keyID = token.keyID
        }
    }

    private func judge(_ type: AttestationType, body: [UInt8]) async throws(APIError) -> Outcome {
        let time: Timestamp
        let request: AttestRequest
        var appraiser = appraiser
        do throws(Refusal) {
            time = try dependencies.clock.now()
            request = try AttestRequest(body, evidence: type.evidenceMember)
            appraiser.acceptance.distrusted = try await dependencies.distrust.marks()
        } catch { throw APIError(error) }
        guard type != .tpm else { return try await exchange(request, appraiser, at: time) }
        let evidence: AppraisedEvidence
        do throws(Refusal) { evidence = try await appraiser.appraise(type, request, at: time) } catch {
            throw APIError(error)
        }
        let token = try await issue(type, request, evidence, at: time)
        guard let recipient = evidence.recipient else { return Outcome(token, ["token": .string(token.text)]) }
        do throws(Refusal) {
            let sealed = try SealedToken.seal(token.text, for: recipient, randomness: dependencies.randomness)
            return Outcome(token, ["token": .string(sealed)])
        } catch { throw APIError(error) }
    }

    /// One step of the exchange of Tpm: a challenge, or a token about what answers it.
    private func exchange(
        _ request: AttestRequest, _ appraiser: EvidenceAppraiser, at time: Timestamp
    ) async throws(APIError) -> Outcome {
        // Azure refuses even the first message where no policy is set.
        _ = try await policy(.tpm, draft: request.draftPolicy)
        let message: TPMExchange.Message
        do throws(Refusal) { message = try TPMExchange.Message(request.evidence) } catch { throw APIError(error) }
        guard case .request(let answer) = message else {
            let challenge = exchange.challenge(at: time, randomness: dependencies.randomness)
            return Outcome(challenge: Self.wrapped(challenge))
        }
        let evidence: AppraisedEvidence
        do throws(Refusal) { evidence = try exchange.appraise(answer, appraiser, at: time) } catch {
            throw APIError(error)
        }
        let token = try await issue(.tpm, request, evidence, at: time)
        return Outcome(token, Self.wrapped(["report": .string(token.text)]))
    }

    private static func wrapped(_ answer: JSON) -> JSON { ["data": .string(Base64.encodeURL(answer.canonical))] }

    private func issue(
        _ type: AttestationType, _ request: AttestRequest, _ evidence: AppraisedEvidence, at time: Timestamp
    ) async throws(APIError) -> TokenIssuer.Token {
        dependencies.metrics.count(
            "attestation_tcb_total", "Accepted evidence by type and TCB status",
            ["type": .identifier(type.rawValue), "tcb": .identifier(evidence.tcbStatus ?? "none")])
        let applied = try await policy(type, draft: request.draftPolicy)
        do throws(Refusal) { try await dependencies.keys.requireCurrent(at: time) } catch { throw APIError(error) }
        let token = try tokens.issue(type, request, evidence, under: applied, at: time)
        guard !token.isDraft else { return token }
        // No token leaves before it can be revoked.
        do throws(Refusal) {
            try await dependencies.distrust.record(
                token: token.id, issuedAt: time, expires: token.expires, marks: evidence.marks)
        } catch { throw APIError(error) }
        return token
    }

    private func policy(_ type: AttestationType, draft: String?) async throws(APIError) -> AppliedPolicy {
        guard let draft else {
            if let applied = try await dependencies.policies.applied(type) { return applied }
            // Azure's word for it, which names what Tpm once was for.
            let name = type == .tpm ? "VBS attestation" : type.rawValue
            throw APIError(
                Refusal(.policyInvalid, "A \(name) policy has not been set on the attestation provider."))
        }
        do throws(PolicyError) { return AppliedPolicy(try AppraisalPolicy(parsing: draft)) } catch {
            throw APIError(status: 400, code: .policyParsing, refusal: Refusal(.policyInvalid, "\(error)"))
        }
    }
}
