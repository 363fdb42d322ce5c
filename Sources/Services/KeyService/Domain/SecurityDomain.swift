import Encoding
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What services have in common that open each other's backups: a key that stays when the master key changes (key API
/// reference, section 11).
struct SecurityDomain: Sendable {
    let key: SealingKey
    let secret: Secret
    /// Names the domain without saying anything of its key.
    let id: Digest

    /// - Parameter bytes: 32.
    init(bytes: [UInt8]) throws(Refusal) {
        key = try SealingKey(bytes: bytes)
        secret = Secret(bytes)
        id = Digest(of: Array("cloister security domain".utf8) + bytes)
    }
}

extension KeyTransaction {
    private var place: JSON { ["column": "domain", "format": KeyStore.format, "table": "installation"] }

    func domain() throws -> SecurityDomain {
        let sealed = try sealedDomain()
        return try SecurityDomain(bytes: masterKey.open(sealed ?? [], place: place))
    }

    func sealedDomain() throws -> [UInt8]? {
        try Row.fetchOne(database, sql: "SELECT domain FROM installation WHERE domain IS NOT NULL")?.bytes("domain")
    }

    /// At the first start of a version that has one.
    func makeDomain(_ randomness: Randomness) throws {
        if try sealedDomain() == nil { try setDomain(randomness.bytes(SealingKey.length)) }
    }

    func setDomain(_ bytes: [UInt8]) throws {
        try database.execute(
            sql: "UPDATE installation SET domain = ?", arguments: [Data(try masterKey.seal(bytes, place: place))])
    }
}

extension KeyStore {
    func domain() async throws(APIError) -> SecurityDomain { try await read { try $0.domain() } }
}
