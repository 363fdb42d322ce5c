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
        _ name: String, version: String?, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let wish = try ReleaseWish(try await call.body())
        decision.token = Digest(of: wish.targets[0])
        guard call.api.hasRelease else {
            throw .badParameter("Key release needs api-version 7.3-preview or later.")
        }
        let (record, found, material) = try await store.read { keys in
            let (record, found) = try keys.find(name, version)
            return (record, found, record.isExportable ? try keys.material(of: found) : nil)
        }
        decision.key = "\(name)/\(found.version)"
        guard let policy = record.policy, let material else {
            throw APIError(Refusal(.notReleasable, "The key is not exportable."))
        }
        decision.policy = policy.digest
        let now = clock.now()
        do throws(Refusal) {
            try found.attributes.requireUsable(for: .release, at: now)
            guard isPolicyCurrent else {
                throw Refusal(.endorsementInvalid, "the party policy that names the authorities is not current")
            }
        } catch {
            throw APIError(error)
        }
        let targets = try await verifier.verify(wish.targets, policy: policy, at: now)
        // They agree about the unit's keys, so that any of them names the one to wrap to.
        let target = targets[0]
        decision.party = target.party
        try KeyVault.require(policy, of: targets)
        let wrapping: WrappingKey
        do throws(Refusal) { wrapping = try WrappingKey(claims: target.claims) } catch { throw .policyRefused(error) }
        try await useNonce(wish.nonce, of: found, in: target, &decision)
        let (signer, randomness) = (signer, randomness)
        let endpoint = call.endpoint
        let value = try await blocking { () throws(Refusal) in
            let ciphertext = try wrapping.wrap(material, wish.algorithm, randomness: randomness)
            return try signer.sign(
                wish.answer(
                    bundle: endpoint.bundle(
                        record, found, released: wish.released(ciphertext, wrappingKeyID: wrapping.keyID)),
                    keyID: endpoint.keyID(name), api: call.api))
        }
        return .json(["value": .string(value)])
    }

    /// The tag, with value `true`, of keys each of whose releases needs a nonce that was never used before.
    static let nonceTag = "cloister-single-use-nonce"

    /// Where the key asks for it, takes the nonce of the request, which the verified token must carry too: so each token
    /// releases once (AC-069 and replays).
    ///
    /// The nonce is used up together with the audit line, before anything is wrapped.
    private func useNonce(
        _ nonce: String?, of version: KeyVersion, in target: ReleaseTarget, _ decision: inout KeyDecision
    ) async throws(APIError) {
        guard version.tags[KeyVault.nonceTag] == "true" else { return }
        let claim = "x-ms-runtime.nonce"
        let seen = ClaimComparison.resolve(claim, in: target.claims)?.string ?? target.claims["nonce"]?.string
        guard let nonce, nonce == seen else {
            throw .policyRefused(
                Refusal(.claimMismatch, part: claim, "the key asks for a nonce, which request and token must share"),
                expected: nonce.map { "equals \($0)" } ?? "a nonce in the request", seen: seen ?? "missing")
        }
        let digest = Digest(of: JSON.array([.string(version.name), .string(nonce)]).canonical)
        let (facts, audit, ends) = (decision, audit, target.token.usableUntil + 300)
        try await store.write { keys in
            guard try keys.useNonce(digest, until: ends) else {
                throw APIError.policyRefused(
                    Refusal(.recordReplay, "the nonce was used before"), expected: "a nonce never used", seen: nonce)
            }
            try audit.append(facts.allowed)
        }
        decision.isRecorded = true
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

/// The body of a release request.
private struct ReleaseWish: Sendable {
    /// The token of the API's `target`, then those of `further_targets`, of other authorities; never empty.
    let targets: [String]
    let nonce: String?
    let algorithm: WrappingAlgorithm

    init(_ body: KeyBody) throws(APIError) {
        guard let target = try body.string("target"), !target.isEmpty else {
            throw .badParameter("Property target is missing.")
        }
        let further = try body.strings("further_targets") ?? []
        guard further.count < AuthoritySet.maximumTokens else {
            throw .badParameter("Property further_targets has too many tokens.")
        }
        targets = [target] + further
        nonce = try body.string("nonce")
        guard nonce?.utf8.count ?? 0 <= 1_024 else { throw .badParameter("Property nonce is too long.") }
        let name = try body.string("enc") ?? WrappingAlgorithm.sha1.rawValue
        guard let algorithm = WrappingAlgorithm(rawValue: name) else {
            throw .badParameter("Property enc is not a known algorithm.")
        }
        self.algorithm = algorithm
    }

    /// The member `key_hsm`.
    func released(_ ciphertext: [UInt8], wrappingKeyID: String) -> String {
        let json: JSON = [
            "ciphertext": .string(Base64.encodeURL(ciphertext)),
            "header": ["alg": "dir", "enc": .string(algorithm.rawValue), "kid": .string(wrappingKeyID)],
            "schema_version": "1.0",
        ]
        return Base64.encodeURL(json.canonical)
    }

    /// The signed payload: what was asked, repeated, and the key.
    func answer(bundle: JSON, keyID: String, api: APIVersion) -> JSON {
        var request: [String: JSON] = [
            "api-version": .string(api.text), "enc": .string(algorithm.rawValue), "kid": .string(keyID),
        ]
        if let nonce { request["nonce"] = .string(nonce) }
        return ["request": .object(request), "response": ["key": bundle]]
    }
}
