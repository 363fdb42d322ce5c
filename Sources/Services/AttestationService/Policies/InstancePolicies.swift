import Access
package import AppraisalPolicy
package import Audit
package import Encoding
package import Storage
import Synchronization

/// A policy as an attest call applies it.
package struct AppliedPolicy: Sendable {
    package let policy: AppraisalPolicy
    /// The claim `x-ms-policy-signer`; nil for unsigned, default and draft policies.
    package let signer: JSON?
    /// Whether its text is the default of its type.
    package let isDefault: Bool

    package init(_ policy: AppraisalPolicy, signer: JSON? = nil, isDefault: Bool = false) {
        self.policy = policy
        self.signer = signer
        self.isDefault = isDefault
    }
}

/// The policies and policy signers of one instance, and the rules of its trust model for changing them.
///
/// Every change and its audit line are one transaction: where the line cannot be written, nothing changes. Every call
/// reads the store, so a change that another process acknowledged is obeyed by the next call here.
package final class InstancePolicies: Sendable {
    package let instance: String
    package let trustModel: TrustModel
    let store: any StateStore
    let audit: AuditLog
    private let defaults: [AttestationType: AppliedPolicy]
    /// The last parsed policy of each type, by its revision.
    private let parsed = Mutex<[AttestationType: (revision: Int64, policy: AppliedPolicy)]>([:])
    private let reads: [AttestationType: SharedRead<StateRecord?>]

    /// - Parameter instance: the name under which the store keeps what is this instance's.
    /// - Throws: `policy-invalid` when a default policy does not parse.
    package init(
        instance: String, trustModel: TrustModel, store: any StateStore, audit: AuditLog
    ) throws(Refusal) {
        self.instance = instance
        self.trustModel = trustModel
        self.store = store
        self.audit = audit
        var defaults: [AttestationType: AppliedPolicy] = [:]
        var reads: [AttestationType: SharedRead<StateRecord?>] = [:]
        for type in AttestationType.allCases {
            let key = Self.key(type, of: instance)
            reads[type] = SharedRead { try await store.read { try $0.record(key) } }
            guard let text = Self.defaultText(type) else { continue }
            do throws(PolicyError) {
                defaults[type] = AppliedPolicy(try AppraisalPolicy(parsing: text), isDefault: true)
            } catch {
                throw Refusal(.policyInvalid, "the default policy of \(type.rawValue): \(error)")
            }
        }
        self.defaults = defaults
        self.reads = reads
    }

    static func defaultText(_ type: AttestationType) -> String? { type.defaultPolicyText }

    // MARK: Reading

    /// The policy that applies to a type now; nil where none is set and there is no default.
    package func applied(_ type: AttestationType) async throws(APIError) -> AppliedPolicy? {
        guard let (stored, revision) = try await stored(type) else { return defaults[type] }
        if let known = parsed.withLock({ $0[type] }), known.revision == revision { return known.policy }
        let policy: AppraisalPolicy
        do throws(PolicyError) { policy = try AppraisalPolicy(parsing: stored.text) } catch {
            // It parsed when it was set; refusing is the safe side of whatever has happened since.
            throw APIError(Refusal(.notReady, "the stored policy of \(type.rawValue) cannot be read: \(error)"))
        }
        let applied = AppliedPolicy(
            policy, signer: stored.signerClaim, isDefault: stored.text == Self.defaultText(type))
        parsed.withLock { $0[type] = (revision, applied) }
        return applied
    }

    /// The policy token of a type: as it was set, or an unsigned one around the default.
    package func token(_ type: AttestationType) async throws(APIError) -> String {
        if let (stored, _) = try await stored(type) { return stored.token }
        return Self.defaultText(type).map { PolicyToken.unsigned($0) } ?? PolicyToken.empty
    }

    /// Whether every policy can be read.
    package var isReadable: Bool {
        get async {
            for type in AttestationType.allCases {
                do throws(APIError) { _ = try await applied(type) } catch { return false }
            }
            return true
        }
    }

    private func stored(_ type: AttestationType) async throws(APIError) -> (StoredPolicy, revision: Int64)? {
        guard trustModel != .shared else { return nil }
        let record: StateRecord?
        do { record = try await reads[type]?.value() ?? nil } catch { throw Self.apiError(error) }
        guard let record, let value = record.value else { return nil }
        do throws(Refusal) { return (try StoredPolicy(value), record.revision) } catch { throw APIError(error) }
    }

    // MARK: Changing

    /// Makes the policy inside `token` the policy of `type`.
    ///
    /// - Parameter entry: the audit line, complete but for the digests.
    /// - Throws: `Unauthorized` on shared instances, `InvalidOperation` for a signer that may not,
    ///   `PolicyParsingError`; then nothing was changed.
    package func set(
        _ type: AttestationType, token: PolicyToken, allowsPlainText: Bool, entry: AuditEntry
    ) async throws(APIError) {
        try requireChangeable()
        let text = try token.policyText(allowsPlainText: allowsPlainText)
        let policy: AppraisalPolicy
        do throws(PolicyError) { policy = try AppraisalPolicy(parsing: text) } catch {
            throw APIError(status: 400, code: .policyParsing, refusal: Refusal(.policyInvalid, "\(error)"))
        }
        try TCBBaseline.requireKnown(policy)
        let stored = StoredPolicy(token: token.text, text: text, signer: token.signer)
        var entry = entry
        entry.policy = policy.hash
        try await change(type, to: stored.bytes, token, entry)
    }

    /// Returns a type to its default policy.
    ///
    /// - Throws: as `set`.
    package func reset(_ type: AttestationType, token: PolicyToken, entry: AuditEntry) async throws(APIError) {
        try requireChangeable()
        try token.requireEmpty()
        try await change(type, to: nil, token, entry)
    }

    private func change(
        _ type: AttestationType, to value: [UInt8]?, _ token: PolicyToken, _ entry: AuditEntry
    ) async throws(APIError) {
        let key = Self.key(type, of: instance)
        var entry = entry
        entry.token = token.digest
        let signer = token.signer
        let mustBeRegistered = trustModel == .isolated
        let signersKey = signersKey
        let audit = audit
        do {
            try await store.write { [entry] transaction in
                if mustBeRegistered {
                    try RegisteredSigners(transaction.record(signersKey)).require(signer)
                }
                _ = try transaction.put(value, at: key)
                try audit.append(entry)
            }
        } catch { throw Self.apiError(error) }
    }

    private func requireChangeable() throws(APIError) {
        guard trustModel != .shared else {
            throw APIError(
                status: 401, code: .unauthorized,
                refusal: Refusal(.scopeInsufficient, "the policies of a shared instance cannot be changed"))
        }
    }

    private static func key(_ type: AttestationType, of instance: String) -> StateKey {
        StateKey(owner: instance, kind: "policy", name: type.rawValue)
    }

    var signersKey: StateKey { StateKey(owner: instance, kind: "policy-signers", name: "") }

    /// What a transaction threw, in the API's form.
    static func apiError(_ error: any Error) -> APIError {
        switch error {
        case let error as APIError: error
        case let refusal as Refusal: APIError(refusal)
        case let error as StateStoreError: APIError(Refusal(.notReady, error.description))
        default: APIError(Refusal(.notReady, "the state cannot be used: \(type(of: error))"))
        }
    }
}

/// A policy in the store: the token as it was sent, the text inside it, and who signed it.
private struct StoredPolicy {
    let token: String
    let text: String
    let signerClaim: JSON?

    init(token: String, text: String, signer: PolicySigner?) {
        self.token = token
        self.text = text
        signerClaim = signer?.claim
    }

    /// - Throws: `state-rollback` for a value that nobody here wrote.
    init(_ bytes: [UInt8]) throws(Refusal) {
        let json = try JSON.parseCanonical(bytes, "stored policy", refusing: .stateRollback)
        var members = try ObjectReader(json, "stored policy", refusing: .stateRollback)
        token = try members.string("token")
        text = try members.string("text")
        signerClaim = members.optional("signer")
        try members.finish()
    }

    var bytes: [UInt8] {
        var members: [String: JSON] = ["text": .string(text), "token": .string(token)]
        if let signerClaim { members["signer"] = signerClaim }
        return JSON.object(members).canonical
    }
}
