import Audit
import Dispatch
import Encoding
import HTTPTypes
import ServiceKit

// Creating, importing, changing and reading keys (key API reference, section 5).
extension KeyVault {
    func create(_ name: String, _ call: Call, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (wish, type) = try KeyWish.creating(try await call.body())
        // Refused before seconds are spent on a key that would be thrown away; decided again in the transaction.
        let existing = try await store.read { try $0.key(name) }
        _ = try wish.record(name: name, version: "", existing: existing, api: call.api)
        let randomness = randomness
        let material = try await blocking { () throws(Refusal) in
            try KeyMaterial.generate(type, randomness: randomness)
        }
        return try await add(name, wish, material, call, &decision)
    }

    func importKey(
        _ name: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (wish, material) = try KeyWish.importing(try await call.body())
        return try await add(name, wish, material, call, &decision)
    }

    /// A new version, and the key itself if it is the first: record, material and audit line in one transaction.
    ///
    /// The line comes last before the commit: should that fail, there is a line too many, never one too few.
    private func add(
        _ name: String, _ wish: KeyWish, _ material: KeyMaterial, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        let now = clock.now()
        let version = KeyVersion(
            name: name, version: Hex.encode(randomness.bytes(16)), type: material.type, isHardware: wish.isHardware,
            operations: wish.operations ?? material.type.operations, publicMembers: material.publicMembers,
            attributes: KeyAttributes(
                isEnabled: wish.isEnabled, notBefore: wish.notBefore, expires: wish.expires, created: now, updated: now),
            tags: wish.tags)
        decision.key = "\(name)/\(version.version)"
        decision.policy = wish.policy?.digest
        let facts = decision
        let audit = audit
        let record = try await store.write { keys in
            let record = try wish.record(
                name: name, version: version.version, existing: try keys.key(name), api: call.api)
            try keys.save(record)
            try keys.add(version, material)
            try audit.append(facts.allowed)
            return record
        }
        decision.isRecorded = true
        return .json(call.endpoint.bundle(record, version))
    }

    func update(
        _ name: String, version: String?, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let body = try await call.body()
        let attributes = try body.object("attributes")
        let (isEnabled, isExportable) = (try attributes?.bool("enabled"), try attributes?.bool("exportable"))
        let (notBefore, expires) = (try attributes?.time("nbf"), try attributes?.time("exp"))
        let (tags, operations) = (try body.tags(), try body.operations())
        let policy = try body.releasePolicy()
        guard policy == nil || version == nil else {
            throw .rule(1_016, "Key Release Policy can only be set on versionless key", .policyInvalid)
        }
        decision.policy = policy?.policy.digest
        let facts = decision
        let audit = audit
        let now = clock.now()
        let bundle = try await store.write { keys in
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
            try keys.save(record)
            try keys.update(changed)
            try audit.append(facts.allowed)
            return call.endpoint.bundle(record, changed)
        }
        decision.isRecorded = true
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

    // MARK: Lists

    func list(_ call: Call) async throws(APIError) -> ServerResponse {
        let page = try Page(call)
        let (items, next) = try await store.read { keys in
            let records = try keys.keys(after: page.after, limit: page.size + 1)
            let items = try records.prefix(page.size).map { record in
                guard let version = try keys.version(record.name, record.latest) else {
                    throw Refusal(.blockAuthentication, "a stored key has no latest version")
                }
                return call.endpoint.item(record, version, withVersion: false)
            }
            return (items, records.count > page.size ? records[page.size - 1].name : nil)
        }
        return .json(page.answer(items, next: next, path: "/keys", call))
    }

    func versions(
        _ name: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let page = try Page(call)
        guard let after = page.after.isEmpty ? 0 : Int64(page.after) else {
            throw .badParameter("The $skiptoken is not one of this list.")
        }
        let (items, next) = try await store.read { keys in
            guard let record = try keys.key(name) else { throw APIError.keyNotFound(name) }
            let versions = try keys.versions(name, after: after, limit: page.size + 1)
            let items = versions.prefix(page.size).map {
                call.endpoint.item(record, $0.version, withVersion: true)
            }
            return (items, versions.count > page.size ? String(versions[page.size - 1].ordinal) : nil)
        }
        return .json(page.answer(items, next: next, path: "/keys/\(name)/versions", call))
    }

    /// Work that takes long or waits, on a thread that may.
    func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(Refusal) -> Value
    ) async throws(APIError) -> Value {
        let result: Result<Value, Refusal> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                do throws(Refusal) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        do throws(Refusal) { return try result.get() } catch { throw APIError(error) }
    }
}

/// One page of a list.
private struct Page: Sendable {
    /// 1 to 25.
    let size: Int
    /// What the last page ended with; empty for the first.
    let after: String

    init(_ call: Call) throws(APIError) {
        let asked = call.request.queryValue("maxresults")
        guard let size = asked.map({ Int($0) }) ?? 25, (1...25).contains(size) else {
            throw .badParameter("maxresults is not a number from 1 to 25.")
        }
        self.size = size
        guard let token = call.request.queryValue("$skiptoken") else {
            after = ""
            return
        }
        guard token.utf8.count <= 256, let bytes = Base64.decode(token),
            let after = String(validating: bytes, as: UTF8.self)
        else { throw .badParameter("The $skiptoken is not one of this list.") }
        self.after = after
    }

    func answer(_ items: [JSON], next: String?, path: String, _ call: Call) -> JSON {
        let link = next.map {
            "\(call.endpoint.base)\(path)?api-version=\(call.api.text)&$skiptoken=\(Base64.encodeURL($0.utf8))&maxresults=\(size)"
        }
        return ["nextLink": link.map { .string($0) } ?? .null, "value": .array(items)]
    }
}
