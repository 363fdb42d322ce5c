package import Audit
package import Encoding
import Storage

/// The policy signers of an isolated instance, as its state holds them.
struct RegisteredSigners {
    /// Most certificates of one instance.
    static let maximumCount = 64

    struct Entry {
        /// SHA-256 of the leaf.
        let identity: Digest
        /// SHA-256 of the leaf's key.
        let pin: Digest
        let jwk: JSON

        init(_ signer: PolicySigner) {
            identity = signer.identity
            pin = signer.pin
            jwk = signer.jwk
        }

        init(_ json: JSON) throws(Refusal) {
            var members = try ObjectReader(json, "stored signer", refusing: .stateRollback)
            identity = try members.digest("identity")
            pin = try members.digest("pin")
            jwk = try members.value("jwk")
            try members.finish()
        }

        var json: JSON {
            ["identity": .string(identity.description), "jwk": jwk, "pin": .string(pin.description)]
        }
    }

    var entries: [Entry]

    /// - Throws: `state-rollback` for a value that nobody here wrote.
    init(_ record: StateRecord?) throws(Refusal) {
        entries = []
        guard let value = record?.value else { return }
        let json = try JSON.parseCanonical(value, "stored signers", refusing: .stateRollback)
        for entry in json.array ?? [] { entries.append(try Entry(entry)) }
    }

    var bytes: [UInt8] { JSON.array(entries.map(\.json)).canonical }

    /// - Throws: `InvalidOperation` unless the key of a registered certificate signed.
    func require(_ signer: PolicySigner?) throws(APIError) {
        guard let signer else {
            throw PolicyToken.invalidOperation(
                Refusal(.endorsementInvalid, "an isolated instance takes signed tokens only"))
        }
        guard entries.contains(where: { $0.pin == signer.pin }) else {
            throw PolicyToken.invalidOperation(
                Refusal(.endorsementInvalid, "the signer's certificate is not registered with this instance"))
        }
    }
}

extension InstancePolicies {
    /// What becomes of a certificate.
    package enum CertificateChange: Sendable {
        case add
        case remove
    }

    /// The JWKs of the registered policy signers; none but on isolated instances.
    package func signers() async throws(APIError) -> [JSON] {
        guard trustModel == .isolated else { return [] }
        let key = signersKey
        do { return try await store.read { try RegisteredSigners($0.record(key)).entries.map(\.jwk) } } catch {
            throw Self.apiError(error)
        }
    }

    /// Adds or removes the certificate inside `token`. One that is there already, or is not there, is left so.
    ///
    /// - Parameter entry: the audit line, complete but for the digest.
    /// - Throws: `InvalidOperation` on instances that are not isolated, for a signer that is not registered, and for the
    ///   last certificate; then nothing was changed.
    package func change(
        _ change: CertificateChange, certificate: PolicySigner, token: PolicyToken, entry: AuditEntry
    ) async throws(APIError) {
        guard trustModel == .isolated else {
            throw PolicyToken.invalidOperation(
                Refusal(.policyInvalid, "only an isolated instance has policy signers"))
        }
        var entry = entry
        entry.token = token.digest
        let key = signersKey
        let signer = token.signer
        let audit = audit
        do {
            try await store.write { [entry] transaction in
                var signers = try RegisteredSigners(transaction.record(key))
                try signers.require(signer)
                if try signers.apply(change, certificate) { try transaction.put(signers.bytes, at: key) }
                try audit.append(entry)
            }
        } catch { throw Self.apiError(error) }
    }

    /// Registers the first signers of an isolated instance; once there are any, the configuration has no say.
    ///
    /// - Throws: `insecure-configuration` for an isolated instance that would have none.
    package func registerFirst(_ signers: [PolicySigner]) async throws(Refusal) {
        guard trustModel == .isolated else { return }
        let key = signersKey
        let audit = audit
        let entry = AuditEntry(
            event: "policy.certificate.first", outcome: .allowed, id: Hex.encode(Randomness.system.bytes(16)),
            key: "\(instance)/certificates")
        do {
            try await store.write { transaction in
                guard try RegisteredSigners(transaction.record(key)).entries.isEmpty else { return }
                guard !signers.isEmpty else {
                    throw Refusal(.insecureConfiguration, "an isolated instance needs a policy signer's certificate")
                }
                var first = try RegisteredSigners(nil)
                for signer in signers { _ = try first.apply(.add, signer) }
                try transaction.put(first.bytes, at: key)
                try audit.append(entry)
            }
        } catch { throw Self.apiError(error).refusal }
    }
}

extension RegisteredSigners {
    /// - Returns: whether anything changed.
    mutating func apply(
        _ change: InstancePolicies.CertificateChange, _ certificate: PolicySigner
    ) throws(APIError) -> Bool {
        let identity = certificate.identity
        let index = entries.firstIndex { $0.identity == identity }
        switch (change, index) {
        case (.add, .some), (.remove, nil): return false
        case (.add, nil):
            guard entries.count < Self.maximumCount else {
                throw PolicyToken.invalidOperation(
                    Refusal(.policyInvalid, "an instance has at most \(Self.maximumCount) policy signers"))
            }
            entries.append(Entry(certificate))
        case (.remove, .some(let index)):
            guard entries.count > 1 else {
                throw PolicyToken.invalidOperation(
                    Refusal(.policyInvalid, "the last policy signer cannot be removed"))
            }
            entries.remove(at: index)
        }
        return true
    }
}
