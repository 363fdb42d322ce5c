package import Encoding

/// What belongs to a key as a whole, whichever version.
package struct KeyRecord: Hashable, Sendable {
    package var name: String
    /// Fixed when the first version is made.
    package var isExportable: Bool
    /// Present exactly when the key is exportable.
    package var policy: KeyReleasePolicy?
    /// One-way.
    package var isPolicyImmutable: Bool
    /// The newest version, 32 lower-case hex digits.
    package var latest: String
    /// Set while the key is deleted but can be recovered.
    package var deletion: KeyDeletion?
    package var rotation: RotationPolicy?
}

/// When a key was deleted, and when it will be gone for good (key API reference, section 9).
package struct KeyDeletion: Hashable, Sendable {
    package var deleted: Timestamp
    package var purge: Timestamp
}

/// One version of a key, without its private part.
package struct KeyVersion: Hashable, Sendable {
    package var name: String
    package var version: String
    package var type: KeyType
    /// Whether `kty` is said with `-HSM`.
    package var isHardware: Bool
    package var operations: [String]
    package var publicMembers: [String: JSON]
    package var attributes: KeyAttributes
    package var tags: [String: String]
    /// Counted only where the key has a quota.
    var releases = ReleaseCount()

    package var kty: String { isHardware ? type.name + "-HSM" : type.name }
}

/// What may change about a version, and when it was made.
package struct KeyAttributes: Hashable, Sendable {
    package var isEnabled = true
    package var notBefore: Timestamp?
    package var expires: Timestamp?
    package var created: Timestamp
    package var updated: Timestamp

    /// Whether the version may be used so at `time`.
    ///
    /// - Throws: `key-state` when it is disabled or outside its window.
    package func requireUsable(for operation: KeyOperation, at time: Timestamp) throws(Refusal) {
        guard isEnabled else {
            throw Refusal(.keyState, "Operation \(operation.rawValue) is not permitted on a disabled key.")
        }
        guard !operation.isAllowedOutsideWindow else { return }
        if let notBefore, time < notBefore {
            throw Refusal(.keyState, "Operation \(operation.rawValue) is not permitted on a key before its nbf.")
        }
        if let expires, time >= expires {
            throw Refusal(.keyState, "Operation \(operation.rawValue) is not permitted on an expired key.")
        }
    }
}

// MARK: Stored form

extension KeyRecord {
    var stored: JSON {
        var members: [String: JSON] = [
            "exportable": .bool(isExportable), "immutable": .bool(isPolicyImmutable), "latest": .string(latest),
        ]
        if let policy { members["policy"] = .string(policy.text) }
        if let rotation { members["rotation"] = .object(rotation.members) }
        if let deletion {
            members["deleted"] = .integer(deletion.deleted.seconds)
            members["purge"] = .integer(deletion.purge.seconds)
        }
        return .object(members)
    }

    init(name: String, stored: JSON) throws(Refusal) {
        var members = try ObjectReader(stored, "stored key", refusing: .blockAuthentication)
        self.name = name
        isExportable = try members.bool("exportable")
        isPolicyImmutable = try members.bool("immutable")
        latest = try members.string("latest")
        policy = members.has("policy") ? try KeyReleasePolicy(parsing: Array(members.string("policy").utf8)) : nil
        if let stored = members.optional("rotation") {
            func time(_ name: String) -> Timestamp {
                Timestamp(seconds: stored["attributes"]?[name]?.integer ?? 0)
            }
            rotation = try RotationPolicy(json: stored, created: time("created"), updated: time("updated"))
        }
        if members.has("deleted") {
            deletion = KeyDeletion(deleted: try members.time("deleted"), purge: try members.time("purge"))
        }
        try members.finish()
        // An exportable key without a policy would be one that anyone may have.
        guard isExportable == (policy != nil) else {
            throw Refusal(.blockAuthentication, "stored key without its policy")
        }
    }
}

extension KeyVersion {
    var stored: JSON {
        var members: [String: JSON] = [
            "created": .integer(attributes.created.seconds), "enabled": .bool(attributes.isEnabled),
            "hardware": .bool(isHardware), "kty": .string(type.name),
            "operations": .array(operations.map { .string($0) }),
            "public": .object(publicMembers), "tags": .object(tags.mapValues { .string($0) }),
            "updated": .integer(attributes.updated.seconds),
        ]
        switch type {
        case .rsa(let bits), .oct(let bits): members["bits"] = .integer(Int64(bits))
        case .ec(let curve): members["curve"] = .string(curve.rawValue)
        }
        if let notBefore = attributes.notBefore { members["nbf"] = .integer(notBefore.seconds) }
        if let expires = attributes.expires { members["exp"] = .integer(expires.seconds) }
        if releases != ReleaseCount() { members["releases"] = releases.stored }
        return .object(members)
    }

    init(name: String, version: String, stored: JSON) throws(Refusal) {
        let code = RefusalCode.blockAuthentication
        var members = try ObjectReader(stored, "stored version", refusing: code)
        self.name = name
        self.version = version
        isHardware = try members.bool("hardware")
        operations = try members.strings("operations")
        let publicMembers = try members.value("public").object
        let tags = try members.value("tags").object
        attributes = KeyAttributes(
            isEnabled: try members.bool("enabled"),
            notBefore: members.has("nbf") ? try members.time("nbf") : nil,
            expires: members.has("exp") ? try members.time("exp") : nil,
            created: try members.time("created"), updated: try members.time("updated"))
        if let stored = members.optional("releases") { releases = try ReleaseCount(stored: stored) }
        switch try members.string("kty") {
        case "RSA": type = .rsa(bits: Int(try members.integer("bits")))
        case "oct": type = .oct(bits: Int(try members.integer("bits")))
        case "EC":
            guard let curve = KeyType.Curve(rawValue: try members.string("curve")) else {
                throw Refusal(code, "stored version has an unknown curve")
            }
            type = .ec(curve)
        default: throw Refusal(code, "stored version has an unknown type")
        }
        try members.finish()
        guard let publicMembers, let tags else { throw Refusal(code, "stored version is incomplete") }
        self.publicMembers = publicMembers
        self.tags = tags.compactMapValues(\.string)
    }
}
