import AttestationToken
import Encoding

/// The base of every id and URL in an answer: the host and port that the client used (key API reference, section 2).
struct KeyEndpoint: Hashable, Sendable {
    /// `https://host[:port]`, without a slash.
    let base: String

    let settings: VaultSettings

    /// - Parameter authority: of the request; anything that is not `host[:port]` is refused.
    init(authority: String?, settings: VaultSettings) throws(Refusal) {
        guard let authority, let (host, port) = AuthorityURL.hostAndPort(authority) else {
            throw Refusal(.requestMalformed, "The request does not name its host.")
        }
        base = "https://" + host + (port.map { ":\($0)" } ?? "")
        self.settings = settings
    }

    /// Without the version for the key as a whole.
    func keyID(_ name: String, version: String? = nil) -> String {
        "\(base)/keys/\(name)" + (version.map { "/" + $0 } ?? "")
    }
}

// MARK: Objects of answers (key API reference, section 4)

extension KeyEndpoint {
    /// The public key.
    ///
    /// - Parameter released: the member `key_hsm`, in release answers only.
    func jwk(_ version: KeyVersion, released: String? = nil) -> JSON {
        var members = version.publicMembers
        members["kid"] = .string(keyID(version.name, version: version.version))
        members["kty"] = .string(version.kty)
        members["key_ops"] = .array(version.operations.map { .string($0) })
        if let released { members["key_hsm"] = .string(released) }
        return .object(members)
    }

    func attributes(_ record: KeyRecord, _ version: KeyVersion) -> JSON {
        let attributes = version.attributes
        var members: [String: JSON] = [
            "created": .integer(attributes.created.seconds), "enabled": .bool(attributes.isEnabled),
            "exportable": .bool(record.isExportable),
            "recoverableDays": .integer(Int64(settings.retentionDays)),
            "recoveryLevel": .string(settings.recoveryLevel(record.name)),
            "updated": .integer(attributes.updated.seconds),
        ]
        if let notBefore = attributes.notBefore { members["nbf"] = .integer(notBefore.seconds) }
        if let expires = attributes.expires { members["exp"] = .integer(expires.seconds) }
        return .object(members)
    }

    /// The policy in its stored, normalised form.
    static func releasePolicy(_ record: KeyRecord) -> JSON? {
        guard let policy = record.policy else { return nil }
        var members: [String: JSON] = [
            "contentType": "application/json; charset=utf-8", "data": .string(Base64.encodeURL(policy.text.utf8)),
        ]
        if record.isPolicyImmutable { members["immutable"] = true }
        return .object(members)
    }

    /// The key, and for a deleted one how long it can be recovered.
    func bundle(_ record: KeyRecord, _ version: KeyVersion, released: String? = nil) -> JSON {
        var members: [String: JSON] = [
            "attributes": attributes(record, version), "key": jwk(version, released: released),
        ]
        if !version.tags.isEmpty { members["tags"] = .object(version.tags.mapValues { .string($0) }) }
        members["release_policy"] = KeyEndpoint.releasePolicy(record)
        return .object(members.merging(deletion(record)) { $1 })
    }

    /// Clients take a key without `recoveryId` for one that is gone for good.
    private func deletion(_ record: KeyRecord) -> [String: JSON] {
        guard let deletion = record.deletion else { return [:] }
        return [
            "deletedDate": .integer(deletion.deleted.seconds),
            "recoveryId": .string("\(base)/deletedkeys/\(record.name)"),
            "scheduledPurgeDate": .integer(deletion.purge.seconds),
        ]
    }

    func rotationPolicy(_ name: String, _ policy: RotationPolicy) -> JSON {
        .object(policy.members.merging(["id": .string(keyID(name) + "/rotationpolicy")]) { $1 })
    }

    /// An entry of a list.
    func item(_ record: KeyRecord, _ version: KeyVersion, withVersion: Bool) -> JSON {
        var members: [String: JSON] = [
            "attributes": attributes(record, version),
            "kid": .string(keyID(version.name, version: withVersion ? version.version : nil)),
        ]
        if !version.tags.isEmpty { members["tags"] = .object(version.tags.mapValues { .string($0) }) }
        return .object(members.merging(deletion(record)) { $1 })
    }
}
