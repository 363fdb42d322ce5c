import Encoding
import Foundation
import GRDB
import HTTPTypes
import ServiceKit
import Storage
import TestSupport
import Testing

@testable import KeyService

@Suite struct KeyStoreTests {
    private func path(_ folder: TemporaryFolder) -> String { folder.url.appending(path: "keys.sqlite").path }

    /// Writes into the file as whoever holds it could.
    private func tamper(_ folder: TemporaryFolder, _ sql: String) throws {
        var configuration = GRDB.Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path(folder), configuration: configuration)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test func `what was acknowledged is there after a kill`() async throws {
        let fixture = try Fixture()
        let made = try await fixture.importKey()
        // What a kill leaves behind: file and log as they are now, with the store still open.
        let copy = try TemporaryFolder()
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path(fixture.folder) + suffix, toPath: path(copy) + suffix)
        }
        let reopened = try Fixture(authority: fixture.authority, folder: copy)
        #expect(await reopened.send(.get, "/keys/records").json == made.json)
        #expect(try await reopened.release().material() == Fixture.k)
    }

    @Test func `the file holds neither the key nor the policy in the clear`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey(k: Array("a key that is easy to recognise!".utf8))
        for suffix in ["", "-wal"] {
            let bytes = try Data(contentsOf: URL(filePath: path(fixture.folder) + suffix))
            #expect(bytes.range(of: Data("easy to recognise".utf8)) == nil)
            #expect(bytes.range(of: Data("x-ms-sgx-mrenclave".utf8)) == nil)
        }
    }

    @Test(
        "a value that was changed, moved or removed in the file is refused",
        arguments: [
            "UPDATE versions SET material = zeroblob(60) WHERE name = 'records'",
            "UPDATE versions SET material = substr(material, 1, length(material) - 1) || x'00' WHERE name = 'records'",
            "UPDATE versions SET material = (SELECT material FROM versions WHERE name = 'other') WHERE name = 'records'",
            "UPDATE versions SET material = description WHERE name = 'records'",
            "UPDATE versions SET description = (SELECT description FROM versions WHERE name = 'other') WHERE name = 'records'",
            "UPDATE versions SET description = 5 WHERE name = 'records'",
            "UPDATE keys SET record = (SELECT record FROM keys WHERE name = 'other') WHERE name = 'records'",
            "UPDATE keys SET record = 'text' WHERE name = 'records'",
            "UPDATE versions SET version = '00000000000000000000000000000000' WHERE name = 'records'",
        ])
    func tampering(_ sql: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey("records")
        try await fixture.importKey("other", k: [UInt8](repeating: 9, count: 32))
        #expect(await fixture.release().status == 200)
        try tamper(fixture.folder, sql)
        let answer = await fixture.release()
        #expect([404, 503].contains(answer.status))
        if answer.status == 503 { #expect(answer.refusal == "block-authentication") }
        #expect(answer.json["value"] == nil)
        // Others are not affected.
        #expect(try await fixture.release("other").material() == [UInt8](repeating: 9, count: 32))
    }

    @Test func `a policy of one key cannot be put on another by renaming rows`() async throws {
        let fixture = try Fixture()
        try await fixture.importKey("records")
        try await fixture.importKey("other")
        try tamper(
            fixture.folder,
            """
            UPDATE keys SET name = 'third' WHERE name = 'records';
            UPDATE keys SET name = 'records' WHERE name = 'other';
            """)
        #expect(await fixture.release("records").refusal == "block-authentication")
    }

    @Test func `another master key does not open the database`() throws {
        let folder = try TemporaryFolder()
        _ = try KeyStore(path: path(folder), masterKey: try .ofBytes(1))
        _ = try KeyStore(path: path(folder), masterKey: try .ofBytes(1))
        let refusal = #expect(throws: Refusal.self) {
            try KeyStore(path: path(folder), masterKey: try .ofBytes(2))
        }
        #expect(refusal?.code == .stateRollback)
    }

    @Test(
        "AC-148 a master key or former release signing file that others can read keeps the service from starting",
        arguments: [0o640, 0o604])
    func readableSecrets(_ mode: Int) throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "master.key").path
        _ = try MasterKey(in: MasterKeyFile(path: file), mayCreate: true)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        let refusal = #expect(throws: Refusal.self) { try MasterKeyFile(path: file) }
        #expect(refusal?.code == .insecureConfiguration)
        let store = try KeyStore(path: path(folder), masterKey: try .ofBytes(1))
        try Shared.put(in: folder.url.path)
        let signing = folder.url.appending(path: "release-signing.json").path
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: signing)
        let taken = #expect(throws: Refusal.self) { try signer(store, folder) }
        #expect(taken?.code == .insecureConfiguration)
        #expect(FileManager.default.fileExists(atPath: signing))
    }

    private func signer(
        _ store: KeyStore, _ folder: TemporaryFolder, host: String = Shared.host, at time: Timestamp = Shared.now
    ) throws -> ReleaseSigner {
        try ReleaseSigner(
            store: store, former: folder.url.appending(path: "release-signing.json").path, host: host, at: time)
    }

    @Test func `a release chain is made once, and kept where nobody reads it`() throws {
        let folder = try TemporaryFolder()
        let pin = try signer(KeyStore(path: path(folder), masterKey: try .ofBytes(1)), folder).pin
        #expect(pin != Shared.signer.pin)
        #expect(try signer(KeyStore(path: path(folder), masterKey: try .ofBytes(1)), folder).pin == pin)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.url.path).allSatisfy { $0.contains("sqlite") })
        try tamper(folder, "UPDATE signing SET chain = zeroblob(200)")
        let refusal = #expect(throws: Refusal.self) {
            try signer(KeyStore(path: path(folder), masterKey: try .ofBytes(1)), folder)
        }
        #expect(refusal?.code == .blockAuthentication)
    }

    @Test func `the chain of a former file is taken in once, and its leaf renewed under the same root`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "release-signing.json")
        let store = try KeyStore(path: path(folder), masterKey: try .ofBytes(1))
        func kept() throws -> [UInt8]? { try store.atStart { try $0.signingChain() } }
        try Shared.put(chain: Array("{}".utf8), in: folder.url.path)
        let damaged = #expect(throws: Refusal.self) { try signer(store, folder) }
        #expect(damaged?.code == .stateRollback)
        #expect(try kept() == nil && FileManager.default.fileExists(atPath: file.path))
        try Shared.put(in: folder.url.path)
        #expect(try signer(store, folder).pin == Shared.signer.pin)
        #expect(try kept() == Shared.chain.stored)
        for suffix in ["", "-wal"] {
            let bytes = try Data(contentsOf: URL(filePath: path(folder) + suffix))
            #expect(bytes.range(of: Data("cloister-release-signing".utf8)) == nil)
        }
        // What somebody puts there later is not taken in, and does not stay.
        try Shared.put(chain: Array("{}".utf8), in: folder.url.path)
        #expect(try signer(store, folder, at: Shared.now + 86_400).pin == Shared.signer.pin)
        #expect(try kept() == Shared.chain.stored)
        #expect(!FileManager.default.fileExists(atPath: file.path))
        #expect(try signer(store, folder, host: "other.example").pin == Shared.signer.pin)
        let second = try kept()
        #expect(second != Shared.chain.stored)
        let later = Shared.now + 330 * 86_400
        #expect(try signer(store, folder, host: "other.example", at: later).pin == Shared.signer.pin)
        #expect(try kept() != second)
    }
}
