import Audit
import Encoding
import ServiceKit

// New versions of a key, by hand and by its rotation policy (key API reference, section 10).
extension KeyVault {
    func rotate(_ name: String, _ call: Call, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (record, version) = try await addRotated(name, &decision)
        return .json(call.endpoint.bundle(record, version))
    }

    /// A version like the latest, with material of its own; the key's policies stay.
    private func addRotated(
        _ name: String, _ decision: inout KeyDecision
    ) async throws(APIError) -> (KeyRecord, KeyVersion) {
        let (type, id, now) = (
            try await store.read { try $0.find(name, nil).version.type }, newVersion(), clock.now()
        )
        let material = try await generate(type)
        decision.key = "\(name)/\(id)"
        return try await change(&decision) { keys in
            var (record, version) = try keys.find(name, nil)
            guard version.type == type else {
                throw Refusal(.conflict, "The key was changed while it was rotated; retry.")
            }
            version.version = id
            version.publicMembers = material.publicMembers
            version.releases = ReleaseCount()
            version.attributes = KeyAttributes(
                expires: record.rotation?.expiryTime.map { now + $0.seconds }, created: now, updated: now)
            record.latest = id
            try keys.add(version, material)
            try keys.save(record)
            return (record, version)
        }
    }

    func rotationPolicy(
        _ name: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (record, latest) = try await store.read { try $0.find(name, nil) }
        let policy = record.rotation ?? .standard(at: latest.attributes.created)
        return .json(call.endpoint.rotationPolicy(name, policy))
    }

    func setRotationPolicy(
        _ name: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (body, now) = (try call.body(), clock.now())
        let wanted: RotationPolicy
        do throws(Refusal) { wanted = try RotationPolicy(json: body.json, created: now, updated: now) } catch {
            throw APIError(error)
        }
        guard wanted.notify == nil || settings.flavour != .managedHSM else {
            throw .badParameter("Key Rotation Policy: a managed HSM has the action Rotate only.")
        }
        let stored = try await change(&decision) { keys in
            var record = try keys.find(name, nil).record
            var policy = wanted
            policy.created = record.rotation?.created ?? policy.created
            record.rotation = policy
            try keys.save(record)
            return policy
        }
        return .json(call.endpoint.rotationPolicy(name, stored))
    }

    // MARK: What time brings

    /// Rotates keys whose time has come, and purges deleted ones whose retention has ended; a bounded number.
    ///
    /// What fails is tried again with the next call: `due` stays.
    package func keepUp() async {
        let now = clock.now()
        guard let due = try? await store.read({ try $0.due(at: now, limit: 100) }) else { return }
        for record in due {
            var decision = KeyDecision(id: Hex.encode(randomness.bytes(16)))
            decision.key = record.name
            decision.caller = "schedule"
            if record.deletion == nil {
                decision.event = "key.rotate"
                _ = try? await addRotated(record.name, &decision)
            } else {
                decision.event = "key.purge"
                let name = record.name
                try? await change(&decision) { keys in
                    // Somebody may have recovered it in the meantime.
                    guard let deletion = try keys.record(name)?.deletion, deletion.purge <= now else {
                        throw APIError.deletedKeyNotFound(name)
                    }
                    try keys.erase(name)
                }
            }
        }
        try? await store.write { try $0.forgetNonces(endedBefore: now) }
        await reseal()
    }
}
