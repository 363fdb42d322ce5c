import Encoding
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The keys and certificates under which release answers are signed, sealed like the keys that are released.
extension KeyTransaction {
    private static let chain = "release"
    private var signingPlace: JSON { place("signing", "chain", key: KeyTransaction.chain) }

    /// The stored form of the chain; nil before the first start of a version that keeps it here.
    func signingChain() throws -> [UInt8]? {
        try Row.fetchOne(database, sql: "SELECT chain FROM signing WHERE name = ?", arguments: [KeyTransaction.chain])
            .map { try masterKey.open($0.bytes("chain"), place: signingPlace) }
    }

    func keep(signingChain stored: [UInt8]) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO signing (name, chain) VALUES (?, ?)",
            arguments: [KeyTransaction.chain, Data(try masterKey.seal(stored, place: signingPlace))])
    }
}
