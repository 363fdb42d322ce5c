import AttestationToken
public import Encoding
import Evidence

extension Passport {
    /// Verifies every part, offline, as of the time of its hop.
    ///
    /// - Throws: `passport-invalid` (a hop not signed by its unit), `receipt-invalid:token`, `receipt-invalid:evidence`,
    ///   `receipt-invalid:digest` (evidence of another unit), `receipt-invalid:manifest` (no trusted policy accepts the
    ///   unit's measurement), `receipt-invalid:model` (no answer names its model), `receipt-unverifiable` (collateral
    ///   missing, or nothing trusted beforehand).
    public func verify(trusting trust: PassportTrust) throws(Refusal) -> PassportVerdict {
        let verifier = EvidenceVerifier(anchors: trust.anchors)
        return try verify(trusting: trust) { document, time in
            verifier.verify(
                document.evidence, tee: document.tee, collateral: document.collateral, at: time,
                policy: trust.acceptance)
        }
    }

    /// The same with another judge of evidence, so that every step around it can be tested.
    func verify(
        trusting trust: PassportTrust, judging evidence: @escaping (EvidenceDocument, Timestamp) -> Verdict
    ) throws(Refusal) -> PassportVerdict {
        guard !trust.parties.isEmpty || !trust.issuerPins.isEmpty else {
            throw Refusal(.receiptUnverifiable, "a passport is verified with a party id or an issuer pin that one has")
        }
        return try PassportVerification(passport: self, trust: trust, judge: evidence).run()
    }

    /// Checks a message that somebody discloses together with its salt.
    ///
    /// - Parameters:
    ///   - message: the inner message without padding and without the sender's three fields.
    ///   - hop: digest of the hop that commits to it; requests commit to a request, answers to their response.
    /// - Throws: `disclosure-invalid` when the hop does not commit to it.
    public func requireDisclosure(of message: [UInt8], salt: [UInt8], by hop: Digest) throws(Refusal) {
        guard let statement = hops.first(where: { $0.digest == hop }), salt.count == Commitment.saltLength,
            Commitment.digest(salt: salt, message: message)
                == (statement.content.response ?? statement.content.request)
        else { throw Refusal(.disclosureInvalid, "no hop of the passport commits to this message with this salt") }
    }
}

/// One verification; each method is a step of formats section 5.
struct PassportVerification {
    let passport: Passport
    let trust: PassportTrust
    let judge: (EvidenceDocument, Timestamp) -> Verdict

    /// A hop with what is known of its signer.
    fileprivate struct Attested {
        let hop: HopStatement
        let peer: AttestedPeer
        let verdict: Verdict
        let release: ReleaseManifest
        let policyParty: Digest

        var shown: PassportVerdict.Hop {
            PassportVerdict.Hop(
                kind: hop.content.kind, role: hop.content.role, party: hop.content.party, at: hop.content.issuedAt,
                suite: hop.content.suite, tee: verdict.tee, grade: verdict.grade, version: release.version,
                sequence: release.sequence, model: hop.content.model)
        }
    }

    func run() throws(Refusal) -> PassportVerdict {
        var attested: [Attested] = []
        for hop in passport.hops { attested.append(try attest(hop)) }
        try requireReceivers(attested)
        guard attested.contains(where: { $0.hop.content.model != nil }), let last = attested.last else {
            throw Refusal(.receiptInvalid, part: "model", "no answer names the model that produced it")
        }
        return PassportVerdict(
            validAsOf: last.hop.content.issuedAt,
            grade: attested.contains { $0.verdict.grade == .simulated } ? .simulated : .hardware,
            hops: attested.map(\.shown), policyParties: Set(attested.map(\.policyParty)),
            arePartiesPinned: !trust.parties.isEmpty)
    }

    private func attest(_ hop: HopStatement) throws(Refusal) -> Attested {
        let indices = try hop.content.tokens.map { digest throws(Refusal) in
            guard let index = passport.tokens.firstIndex(where: { Digest(of: $0) == digest }) else {
                throw Refusal(.receiptInvalid, part: "digest", "a token that a hop names is not in the passport")
            }
            return index
        }
        let time = hop.content.issuedAt
        var refusals: [Refusal] = []
        for policy in policies(at: time) {
            do throws(Refusal) {
                let (tokens, verdicts) = try tokens(indices, policy: policy, at: time)
                let peer = try signer(of: hop, tokens: tokens)
                let release = try self.release(of: tokens, verdicts, policy: policy, at: time)
                guard let verdict = verdicts.first else { continue }
                return Attested(
                    hop: hop, peer: peer, verdict: verdict, release: release, policyParty: policy.party)
            } catch { refusals.append(error) }
        }
        // The policy that came furthest says it best: a later step's refusal comes from a policy that knew the issuer.
        throw refusals.first { $0.part != "token" } ?? refusals.first
            ?? Refusal(.receiptInvalid, part: "manifest", "no policy of a trusted party that held at \(time) is there")
    }

    /// The policies that may decide, as of `time`.
    private func policies(at time: Timestamp) -> [PartyPolicy] {
        passport.policies.compactMap { compact in
            guard let policy = try? PartyPolicy(own: compact, at: time) else { return nil }
            return trust.parties.isEmpty || trust.parties.contains(policy.party) ? policy : nil
        }
    }

    /// The tokens of one hop that this policy's issuers gave, as many as it wants, each with its evidence.
    ///
    /// A hop may name tokens of issuers that only another policy knows: those do not count here.
    private func tokens(
        _ indices: [Int], policy: PartyPolicy, at time: Timestamp
    ) throws(Refusal) -> ([AttestationToken], [Verdict]) {
        var tokens: [AttestationToken] = []
        var refused: [Refusal] = []
        var verdicts: [Verdict] = []
        for index in indices {
            do throws(Refusal) {
                let token = try self.token(passport.tokens[index], policy: policy, at: time)
                let verdict = try self.verdict(passport.evidence[index], of: token)
                tokens.append(token)
                verdicts.append(verdict)
            } catch {
                // Evidence that does not hold makes the passport wrong, whoever else vouches for the unit.
                guard error.part == "token" else { throw error }
                refused.append(error)
            }
        }
        guard tokens.count >= policy.threshold else {
            throw refused.first
                ?? Refusal(
                    .receiptInvalid, part: "token", "\(RefusalCode.quorumNotMet): too few services vouch for a unit")
        }
        return (tokens, verdicts)
    }

    /// The token at the time of its hop, under one of the embedded chains.
    private func token(
        _ compact: String, policy: PartyPolicy, at time: Timestamp
    ) throws(Refusal) -> AttestationToken {
        do throws(Refusal) {
            let keyID = try JWS(compact: compact, maximumBytes: IssuedToken.maximumBytes).keyID ?? ""
            var refusal = Refusal(.issuerKeysUnavailable, "the passport holds no chain of an accepted issuer")
            for (url, chain) in passport.issuers.flatMap({ issuer in issuer.chains.map { (issuer.url, $0) } }) {
                let keys = try IssuerKeySet(json: [
                    "keys": [
                        [
                            "kid": .string(keyID), "x5c": .array(chain.map { .string(Base64.encodeStandard($0)) }),
                        ]
                    ]
                ])
                do throws(Refusal) {
                    let token = try AttestationToken.verify(
                        compact, issuers: policy.issuers, keySets: [url: keys], at: time)
                    guard trust.issuerPins.isEmpty || trust.issuerPins.contains(token.issued.issuerPin) else {
                        throw Refusal(.issuerKeysUntrusted, "the issuer's key is not one that the reader pinned")
                    }
                    return token
                } catch { refusal = error }
            }
            throw refusal
        } catch { throw Refusal(.receiptInvalid, part: "token", "\(error.code): \(error.detail)") }
    }

    /// The evidence once more, independently of the issuer, at the time of its token.
    private func verdict(_ document: EvidenceDocument, of token: AttestationToken) throws(Refusal) -> Verdict {
        guard document.runtimeData == token.runtimeDataBytes else {
            throw Refusal(.receiptInvalid, part: "digest", "the evidence is not over the runtime data of its token")
        }
        guard document.collateral != nil else {
            throw Refusal(.receiptUnverifiable, "the collateral of the evidence is not in the passport")
        }
        let verdict = judge(document, token.issuedAt)
        if let code = verdict.code {
            throw Refusal(.receiptInvalid, part: "evidence", "\(code): \(verdict.detail)")
        }
        guard verdict.reportData == token.runtimeData.reportData else {
            throw Refusal(.receiptInvalid, part: "digest", "the evidence is not over the runtime data of its token")
        }
        guard verdict.tee == token.tee, verdict.grade == token.grade,
            verdict.isDebuggable == token.isDebuggable, verdict.hostData == token.runtimeData.party.bytes
        else { throw Refusal(.receiptInvalid, part: "evidence", "the evidence says other things than its token") }
        return verdict
    }

    /// The hop was signed by the key in the runtime data, which the evidence has just vouched for.
    private func signer(of hop: HopStatement, tokens: [AttestationToken]) throws(Refusal) -> AttestedPeer {
        do throws(Refusal) {
            let peer = try AttestedPeer(tokens, shown: hop.content.tokens)
            try hop.requireSigner(peer)
            return peer
        } catch { throw Refusal(.passportInvalid, "a hop is not its unit's: \(error.detail)") }
    }

    /// The policy accepts the unit, and the evidence itself has the measurement of the release.
    private func release(
        of tokens: [AttestationToken], _ verdicts: [Verdict], policy: PartyPolicy, at time: Timestamp
    ) throws(Refusal) -> ReleaseManifest {
        let release: ReleaseManifest
        do throws(Refusal) {
            release = try Acceptance(policy: policy, manifests: passport.manifests)
                .accept(tokens, role: tokens.first?.runtimeData.role ?? "", at: time)
        } catch { throw Refusal(.receiptInvalid, part: "manifest", "\(error.code): \(error.detail)") }
        let isMeasured = verdicts.allSatisfy { verdict in
            release.measurements.contains { measurement in
                measurement.tee == verdict.tee && measurement.grade == verdict.grade
                    && measurement.claims.allSatisfy { verdict.claims[$0.key] == $0.value }
            }
        }
        guard isMeasured else {
            throw Refusal(.receiptInvalid, part: "evidence", "the evidence has another measurement than its token")
        }
        return release
    }

    /// Whoever answered held the key that the request was sealed to.
    private func requireReceivers(_ attested: [Attested]) throws(Refusal) {
        for answer in attested where answer.hop.content.kind == .response {
            guard answer.peer.has(answer.hop.content.receiver) else {
                throw Refusal(.passportInvalid, "an answer is signed by another unit than its request was sealed to")
            }
        }
    }
}
