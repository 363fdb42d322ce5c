import AttestationToken
import Audit
import Encoding
import ServiceKit

// Secure key release (key API reference, section 8).
extension KeyVault {
    /// Wraps a key to the attested environment whose token satisfies the key's policy.
    ///
    /// - Parameter version: nil for the latest.
    func release(
        _ name: String, version: String?, _ call: Call, _ caller: Caller, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let wish = try ReleaseWish(try call.body())
        decision.token = Digest(of: wish.targets[0])
        guard call.api.hasRelease else {
            throw .badParameter("Key release needs api-version 7.3-preview or later.")
        }
        let (asked, _) = try await releasable(name, version: version, &decision) { _, _ in }
        let targets = try await verifier.verify(wish.targets, policy: asked.policy, at: clock.now())
        // They agree about the unit's keys, so that any of them names the one to wrap to.
        let target = targets[0]
        decision.party = target.party
        // Hearing from the authorities takes time, in which key and caller's rights may have changed: what holds now
        // decides.
        try await authorise(caller, for: .use(.release, name, version: version))
        let (key, material) = try await releasable(name, version: asked.version.version, &decision) {
            try $0.storedMaterial(of: $1)
        }
        try KeyVault.require(key.policy, of: targets)
        let wrapping: WrappingKey
        do throws(Refusal) { wrapping = try WrappingKey(claims: target.claims) } catch { throw .policyRefused(error) }
        try await count(key.version, try nonce(wish.nonce, of: key.version, in: targets), &decision)
        do throws(Refusal) {
            let ciphertext = try wrapping.wrap(material, wish.algorithm, randomness: randomness)
            let bundle = call.endpoint.bundle(
                key.record, key.version, released: wish.released(ciphertext, wrappingKeyID: wrapping.keyID))
            let answer = wish.answer(bundle: bundle, keyID: call.endpoint.keyID(name), api: call.api)
            return .json(["value": .string(try signer.sign(answer))])
        } catch {
            throw APIError(error)
        }
    }

    /// A version of an exportable key that may be released at this moment.
    private struct Releasable: Sendable {
        var record: KeyRecord
        var version: KeyVersion
        var policy: KeyReleasePolicy
    }

    /// The key as it is now, and what `more` reads of its version in the same transaction.
    private func releasable<More: Sendable>(
        _ name: String, version: String?, _ decision: inout KeyDecision,
        _ more: @escaping @Sendable (KeyTransaction, KeyVersion) throws -> More
    ) async throws(APIError) -> (Releasable, More) {
        let (record, found, more) = try await store.read { keys in
            let (record, found) = try keys.find(name, version)
            return (record, found, record.isExportable ? try more(keys, found) : nil)
        }
        decision.key = "\(name)/\(found.version)"
        guard let policy = record.policy, let more else {
            throw APIError(Refusal(.notReleasable, "The key is not exportable."))
        }
        decision.policy = policy.digest
        do throws(Refusal) {
            try found.attributes.requireUsable(for: .release, at: clock.now())
            guard isPolicyCurrent else {
                throw Refusal(.endorsementInvalid, "the party policy that names the authorities is not current")
            }
        } catch {
            throw APIError(error)
        }
        return (Releasable(record: record, version: found, policy: policy), more)
    }

    /// The tag, with value `true`, of keys each of whose releases needs a nonce that was never used before.
    static let nonceTag = "cloister-single-use-nonce"

    /// A nonce that this release uses up.
    private struct SingleNonce: Sendable {
        var text: String
        var digest: Digest
        /// When no token can carry it any more.
        var ends: Timestamp
    }

    /// Where the key asks for it, the nonce of the request, which the verified token must carry too: so each token
    /// releases once (AC-069 and replays).
    private func nonce(
        _ nonce: String?, of version: KeyVersion, in targets: [ReleaseTarget]
    ) throws(APIError) -> SingleNonce? {
        guard version.tags[KeyVault.nonceTag] == "true" else { return nil }
        let claim = "x-ms-runtime.nonce"
        let all = targets.map { target in
            ClaimComparison.resolve(claim, in: target.claims)?.string ?? target.claims["nonce"]?.string
        }
        guard let nonce, all.allSatisfy({ $0 == nonce }) else {
            let seen = all.first { $0 != nonce } ?? nil
            throw .policyRefused(
                Refusal(.claimMismatch, part: claim, "the key asks for a nonce, which request and token must share"),
                expected: nonce.map { "equals \($0)" } ?? "a nonce in the request", seen: seen ?? "missing")
        }
        let digest = Digest(of: JSON.array([.string(version.name), .string(nonce)]).canonical)
        let ends = (targets.map(\.token.usableUntil).max() ?? clock.now()) + 300
        return SingleNonce(text: nonce, digest: digest, ends: ends)
    }

    /// Uses up the nonce, and a release of the key's quota (AC-073), together with the audit line and before anything is
    /// wrapped: who breaks off gets no more.
    private func count(
        _ version: KeyVersion, _ nonce: SingleNonce?, _ decision: inout KeyDecision
    ) async throws(APIError) {
        let isLimited: Bool
        do throws(Refusal) { isLimited = try ReleaseQuota(tags: version.tags).isLimited } catch {
            throw APIError(error)
        }
        guard nonce != nil || isLimited else { return }
        let now = clock.now()
        try await change(&decision) { keys in
            if let nonce, try !keys.useNonce(nonce.digest, until: nonce.ends) {
                throw APIError.policyRefused(
                    Refusal(.recordReplay, "the nonce was used before"), expected: "a nonce never used",
                    seen: nonce.text)
            }
            guard isLimited else { return }
            // As it is in this transaction: others are released at the same time.
            var current = try keys.find(version.name, version.version).version
            try current.releases.add(under: ReleaseQuota(tags: current.tags), at: now)
            try keys.update(current)
        }
    }

    private static func require(_ policy: KeyReleasePolicy, of targets: [ReleaseTarget]) throws(APIError) {
        do throws(KeyReleasePolicy.Failure) {
            try policy.evaluate(targets.map { (issuer: $0.issuer, claims: $0.claims) })
        } catch {
            switch error {
            case .authorityNotAllowed:
                throw APIError.policyRefused(
                    Refusal(.authorityNotAllowed, "the token's issuer is no authority of the key's policy"))
            case .claimMismatch(let claim, let expected, let seen):
                throw APIError.policyRefused(
                    Refusal(.claimMismatch, part: claim, "the claim does not satisfy the key's policy"),
                    expected: expected, seen: seen ?? "missing")
            }
        }
    }
}
