import Crypto
public import Encoding

/// Seals and opens the rows of one tenant under the key that the tenant's key service released.
///
/// A row's key is HKDF-SHA256(released key; salt = tenant's party id; info = `cloister-row/1:` ‖ table). The additional
/// data names tenant, table, row, row version and key version, so that whoever holds the database can neither swap
/// two rows nor put an older value back under a newer version number.
///
/// - Source: architecture rule 32, formats section 12.
public struct RowCipher: Sendable {
    /// The party id of the tenant.
    public let tenant: Encoding.Digest
    /// The version of the released key under which new rows are sealed.
    public let keyVersion: String
    private let keys: [String: SymmetricKey]

    /// - Parameters:
    ///   - keyVersion: version of the released key at its key service.
    ///   - releasedKey: 32 bytes.
    ///   - earlier: released keys that still open older rows, by version.
    /// - Throws: `key-invalid` unless every key has 32 bytes.
    public init(
        tenant: Encoding.Digest, keyVersion: String, releasedKey: Secret, earlier: [String: Secret] = [:]
    ) throws(Refusal) {
        var keys: [String: SymmetricKey] = [:]
        for (version, secret) in earlier.merging([keyVersion: releasedKey], uniquingKeysWith: { _, current in current })
        {
            guard secret.count == 32 else { throw Refusal(.keyInvalid, "a record key does not have 32 bytes") }
            keys[version] = secret.withBytes { SymmetricKey(data: $0) }
        }
        self.tenant = tenant
        self.keyVersion = keyVersion
        self.keys = keys
    }

    /// 12-byte random nonce ‖ ciphertext ‖ tag.
    func seal(_ plaintext: [UInt8], table: String, row: String, version: Int64) throws(Refusal) -> [UInt8] {
        guard let released = keys[keyVersion] else { throw Refusal(.keyState, "the record key is not there") }
        let additional = additionalData(table: table, row: row, version: version, keyVersion: keyVersion)
        guard
            let box = try? AES.GCM.seal(plaintext, using: rowKey(released, table: table), authenticating: additional),
            let combined = box.combined
        else { throw Refusal(.blockAuthentication, "a row could not be sealed") }
        return Array(combined)
    }

    /// - Throws: `key-state` when the row's key version is not held; `block-authentication` when the row is not the
    ///   one that was written in this place.
    func open(
        _ sealed: [UInt8], table: String, row: String, version: Int64, keyVersion: String
    ) throws(Refusal) -> [UInt8] {
        guard let released = keys[keyVersion] else {
            throw Refusal(.keyState, "a row is sealed under a version of the record key that was not released")
        }
        let additional = additionalData(table: table, row: row, version: version, keyVersion: keyVersion)
        guard let box = try? AES.GCM.SealedBox(combined: sealed),
            let plaintext = try? AES.GCM.open(box, using: rowKey(released, table: table), authenticating: additional)
        else { throw Refusal(.blockAuthentication, "a stored row is not the one that was written there") }
        return Array(plaintext)
    }

    private func rowKey(_ released: SymmetricKey, table: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: released, salt: tenant.bytes, info: Array("cloister-row/1:\(table)".utf8),
            outputByteCount: 32)
    }

    private func additionalData(table: String, row: String, version: Int64, keyVersion: String) -> [UInt8] {
        let data: JSON = [
            "key": .string(keyVersion), "row": .string(row), "table": .string(table),
            "tenant": .string(tenant.description), "version": .integer(version),
        ]
        return data.canonical
    }
}
