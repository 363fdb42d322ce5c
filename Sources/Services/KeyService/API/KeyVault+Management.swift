import Access
import Audit
import Encoding
import ServiceKit

// Creating, importing, changing and reading keys (key API reference, section 5).
extension KeyVault {
    func create(
        _ name: String, _ call: Call, _ caller: Caller, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (wish, type) = try KeyWish.creating(try call.body(), flavour: settings.flavour)
        // Refused before seconds are spent on a key that would be thrown away; decided again in the transaction.
        let existing = try await store.read { try $0.keyForNewVersion(name) }
        _ = try wish.record(name: name, version: "", existing: existing, api: call.api, flavour: settings.flavour)
        let material = try await generate(type)
        return try await add(name, wish, material, call, caller, &decision)
    }

    func importKey(
        _ name: String, _ call: Call, _ caller: Caller, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (wish, material) = try KeyWish.importing(try call.body(), flavour: settings.flavour)
        return try await add(name, wish, material, call, caller, &decision)
    }

    /// A new version, and the key itself if it is the first: record, material and audit line in one transaction.
    private func add(
        _ name: String, _ wish: KeyWish, _ material: KeyMaterial, _ call: Call, _ caller: Caller,
        _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        let now = clock.now()
        let version = KeyVersion(
            name: name, version: newVersion(), type: material.type, isHardware: wish.isHardware,
            operations: wish.operations ?? material.type.operations, publicMembers: material.publicMembers,
            attributes: KeyAttributes(
                isEnabled: wish.isEnabled, notBefore: wish.notBefore, expires: wish.expires, created: now, updated: now),
            tags: wish.tags)
        decision.key = "\(name)/\(version.version)"
        decision.policy = wish.policy?.digest
        let flavour = settings.flavour
        let mayWrite = await isAllowed(caller, .update(name, version: nil))
        let record = try await change(&decision) { keys in
            let existing = try keys.keyForNewVersion(name)
            // The policy is that of the older versions, too.
            guard mayWrite || existing == nil || wish.policy == nil || wish.policy == existing?.policy else {
                throw Refusal(.scopeInsufficient, "Caller is not authorized to change the key's release policy.")
            }
            let record = try wish.record(
                name: name, version: version.version, existing: existing, api: call.api, flavour: flavour)
            try keys.save(record)
            try keys.add(version, material)
            try keys.save(record)
            return record
        }
        return .json(call.endpoint.bundle(record, version))
    }

    /// Makes a key. The larger ones take seconds: a few at a time, so that others are served meanwhile (AC-163).
    func generate(_ type: KeyType) async throws(APIError) -> KeyMaterial {
        guard let slot = generations.enter() else {
            throw APIError(Refusal(.tooMany, "Too many keys are being made; retry."))
        }
        defer { slot.leave() }
        let randomness = randomness
        return try await blocking { () throws(Refusal) in try KeyMaterial.generate(type, randomness: randomness) }
    }

    func newVersion() -> String { Hex.encode(randomness.bytes(16)) }

    func update(
        _ name: String, version: String?, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let body = try call.body()
        let attributes = try body.object("attributes")
        let (isEnabled, isExportable) = (try attributes?.bool("enabled"), try attributes?.bool("exportable"))
        let (notBefore, expires) = (try attributes?.time("nbf"), try attributes?.time("exp"))
        let (tags, operations) = (try body.tags(), try body.operations())
        let policy = try body.releasePolicy()
        guard policy == nil || version == nil else {
            throw .rule(1_016, "Key Release Policy can only be set on versionless key", .policyInvalid)
        }
        decision.policy = policy?.policy.digest
        let now = clock.now()
        let bundle = try await change(&decision) { keys in
            guard var record = try keys.key(name), var changed = try keys.version(name, version ?? record.latest) else {
                throw APIError.keyNotFound(name)
            }
            if let isExportable, isExportable != record.isExportable {
                throw APIError.rule(
                    1_003, "The exportable attribute of an existing key cannot be changed.", .notReleasable)
            }
            if let policy { try record.replacePolicy(policy.policy, isImmutable: policy.isImmutable) }
            changed.attributes.isEnabled = isEnabled ?? changed.attributes.isEnabled
            changed.attributes.notBefore = notBefore ?? changed.attributes.notBefore
            changed.attributes.expires = expires ?? changed.attributes.expires
            changed.attributes.updated = now
            changed.operations = operations ?? changed.operations
            changed.tags = tags ?? changed.tags
            try keys.update(changed)
            try keys.save(record)
            return call.endpoint.bundle(record, changed)
        }
        return .json(bundle)
    }

    func get(
        _ name: String, version: String?, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let bundle = try await store.read { keys in
            guard let record = try keys.key(name), let found = try keys.version(name, version ?? record.latest) else {
                throw APIError.keyNotFound(name)
            }
            return call.endpoint.bundle(record, found)
        }
        return .json(bundle)
    }
}
