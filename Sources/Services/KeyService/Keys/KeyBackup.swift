import Encoding

/// A key with all its versions, attributes and policies.
struct KeyBackup: Sendable {
    let record: KeyRecord
    /// In the order in which they were made.
    let versions: [(KeyVersion, KeyMaterial)]

    /// Most versions in one backup.
    static let maximumVersions = 500
    private static let context = JSON.object(["format": "cloister-key-backup/1"]).canonical

    /// - Throws: `too-large` for a key with more versions.
    init(_ record: KeyRecord, in keys: KeyTransaction) throws {
        let found = try keys.versions(record.name, after: 0, limit: KeyBackup.maximumVersions + 1)
        guard found.count <= KeyBackup.maximumVersions else {
            throw Refusal(.tooLarge, "A key with more than \(KeyBackup.maximumVersions) versions cannot be backed up.")
        }
        self.record = record
        versions = try found.map { ($0.version, try keys.material(of: $0.version)) }
    }

    func sealed(under domain: SecurityDomain, randomness: Randomness) throws(Refusal) -> [UInt8] {
        var entries: [JSON] = []
        for (version, material) in versions {
            entries.append([
                "description": version.stored, "material": .string(material.bytes.withBytes { Base64.encodeURL($0) }),
                "version": .string(version.version),
            ])
        }
        let json: JSON = [
            "format": "cloister-key-backup/1", "name": .string(record.name), "record": record.stored,
            "versions": .array(entries),
        ]
        return try domain.key.seal(
            json.canonical, nonce: randomness.bytes(SealingKey.nonceLength), context: KeyBackup.context)
    }

    /// - Throws: `key-invalid` for what is no backup, or one of another security domain.
    init(opening blob: [UInt8], under domain: SecurityDomain) throws(Refusal) {
        guard let content = try? domain.key.open(blob, context: KeyBackup.context) else {
            throw Refusal(
                .keyInvalid, "The backup is damaged, or was made by a service of another security domain.")
        }
        let json = try JSON.parseCanonical(content, "backup", refusing: .keyInvalid)
        var members = try ObjectReader(json, "backup", refusing: .keyInvalid)
        try members.format("cloister-key-backup/1")
        let name = try members.string("name")
        record = try KeyRecord(name: name, stored: try members.value("record"))
        var versions: [(KeyVersion, KeyMaterial)] = []
        for entry in try members.array("versions") {
            var entry = try ObjectReader(entry, "backup", refusing: .keyInvalid)
            let version = try KeyVersion(
                name: name, version: try entry.string("version"), stored: try entry.value("description"))
            versions.append((version, try KeyMaterial(stored: try entry.bytes("material"), type: version.type)))
            try entry.finish()
        }
        try members.finish()
        let latest = record.latest
        guard versions.contains(where: { $0.0.version == latest }) else {
            throw Refusal(.keyInvalid, "The backup lacks the latest version of its key.")
        }
        self.versions = versions
    }
}
