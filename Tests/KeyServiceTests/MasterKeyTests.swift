import Encoding
import Foundation
import GRDB
import HTTPTypes
import TestSupport
import Testing

@testable import KeyService

@Suite struct MasterKeyFileTests {
    private let secret = [UInt8](repeating: 3, count: 32)

    private func path(_ folder: TemporaryFolder) -> String { folder.url.appending(path: "master.key").path }

    @Test func `it is made once, kept to its owner, and never made anew for a database`() throws {
        let folder = try TemporaryFolder()
        let file = path(folder)
        let missing = #expect(throws: Refusal.self) {
            try MasterKey(in: MasterKeyFile(path: file), mayCreate: false)
        }
        #expect(missing?.code == .stateRollback)
        let key = try MasterKey(in: MasterKeyFile(path: file), mayCreate: true)
        let sealed = try key.seal([1, 2, 3], place: "here")
        let bytes = try Data(contentsOf: URL(filePath: file))
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        let again = try MasterKey(in: MasterKeyFile(path: file), mayCreate: false)
        #expect(try again.open(sealed, place: "here") == [1, 2, 3])
        #expect(throws: Refusal.self) { try again.open(sealed, place: "there") }
        #expect(try Data(contentsOf: URL(filePath: file)) == bytes)
    }

    @Test func `a damaged or empty file is refused`() throws {
        let folder = try TemporaryFolder()
        let file = path(folder)
        for text in [
            "", "{}", #"{"format":"cloister-master-key/1","generations":{}}"#,
            #"{"format":"cloister-master-key/1","generations":{"1":"AAAA"}}"#,
        ] {
            try Data(text.utf8).write(to: URL(filePath: file))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            let refusal = #expect(throws: Refusal.self) { try MasterKeyFile(path: file) }
            #expect(refusal?.code == .insecureConfiguration)
        }
    }

    @Test func `sealed under a secret, the file says nothing without it`() throws {
        let folder = try TemporaryFolder()
        let file = path(folder)
        let holder = try MasterKeyFile(
            path: file, secret: secret, randomness: Randomness { [UInt8](repeating: 5, count: $0) })
        try holder.add(1)
        let bytes = try Data(contentsOf: URL(filePath: file))
        #expect(bytes.range(of: Data(Base64.encodeURL([UInt8](repeating: 5, count: 32)).utf8)) == nil)
        #expect(try MasterKeyFile(path: file, secret: secret).generations() == [1])
        // Nobody may put another in its place.
        let plain = folder.url.appending(path: "plain.key").path
        try MasterKeyFile(path: plain).add(1)
        #expect(throws: Refusal.self) { try MasterKeyFile(path: plain, secret: secret) }
        for wrong in [nil, [UInt8](repeating: 4, count: 32), [UInt8](repeating: 3, count: 31)] as [[UInt8]?] {
            let refusal = #expect(throws: Refusal.self) { try MasterKeyFile(path: file, secret: wrong) }
            #expect(refusal?.code == .insecureConfiguration)
        }
    }
}

@Suite struct MasterKeyRotationTests {
    /// First bytes of all sealed values: their generations.
    private func generations(_ fixture: Fixture) throws -> Set<String> {
        let queue = try DatabaseQueue(path: fixture.folder.url.appending(path: "keys.sqlite").path)
        defer { try? queue.close() }
        return try queue.read { database in
            try Set(
                String.fetchAll(
                    database,
                    sql: """
                        SELECT hex(substr(record, 1, 4)) FROM keys UNION SELECT hex(substr(description, 1, 4)) FROM versions
                        UNION SELECT hex(substr(material, 1, 4)) FROM versions
                        UNION SELECT hex(substr(assignment, 1, 4)) FROM assignments
                        UNION SELECT hex(substr(role, 1, 4)) FROM roles
                        UNION SELECT hex(substr(proof, 1, 4)) FROM installation
                        UNION SELECT hex(substr(domain, 1, 4)) FROM installation
                        UNION SELECT hex(substr(audited, 1, 4)) FROM installation
                        UNION SELECT hex(substr(chain, 1, 4)) FROM signing
                        """))
        }
    }

    private static let role = "21dbd100-6940-42c2-9190-5d6cb909625c"

    @Test func `it is rotated while keys are used, and the former one is gone afterwards`() async throws {
        let fixture = try Fixture()
        try fixture.vault.store.atStart { try $0.keep(signingChain: Shared.chain.stored) }
        try await fixture.importKey()
        for number in 0..<450 {
            #expect(
                await fixture.send(.post, "/keys/k\(number % 50)/create", ["kty": "oct-HSM", "key_size": 256]).status
                    == 200)
        }
        let assignment = "/keys/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-000000000001"
        let definition = "/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-0000-0000-000000000002"
        let role: JSON = [
            "properties": [
                "roleName": "releaser",
                "permissions": [["dataActions": ["Microsoft.KeyVault/managedHsm/keys/release/action"]]],
            ]
        ]
        #expect(await fixture.send(.put, definition, role).status < 300)
        let body: JSON = [
            "properties": [
                "principalId": "somebody",
                "roleDefinitionId": .string(
                    "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/\(Self.role)"),
            ]
        ]
        #expect(await fixture.send(.put, assignment, body).status < 300)
        let backup = await fixture.send(.post, "/keys/records/backup")
        #expect(try generations(fixture) == ["00000001"])
        let answer = await fixture.send(.post, "/masterkey/rotate")
        #expect(answer.status == 200)
        #expect(answer.json["generations"]?.array?.last == 2)
        // Answered while values of both generations are there.
        #expect(try await fixture.release().material() == Fixture.k)
        await fixture.vault.reseal()
        #expect(try generations(fixture) == ["00000002"])
        #expect(fixture.vault.store.masterKey.generations == [2])
        let former = fixture.folder.url.appending(path: "none").path
        #expect(
            try ReleaseSigner(store: fixture.vault.store, former: former, host: Shared.host, at: Shared.now).pin
                == Shared.signer.pin)
        #expect(try await fixture.release().material() == Fixture.k)
        #expect(await fixture.send(.get, assignment).status == 200)
        #expect(await fixture.send(.get, definition).status == 200)
        // Backups are the security domain's affair.
        #expect(await fixture.send(.post, "/keys/restore", backup.json).status == 409)
        #expect(fixture.events.contains("master-key.rotate"))
        #expect(fixture.events.contains("master-key.retire"))
    }

    @Test func `rotations at the same time make generations of their own, and none is lost`() async throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "master.key").path
        let key = try MasterKey(in: MasterKeyFile(path: file), mayCreate: true)
        let fixture = try Fixture(folder: folder, masterKey: key)
        try await fixture.importKey()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { _ = await fixture.send(.post, "/masterkey/rotate") }
                group.addTask { await fixture.vault.reseal() }
                group.addTask { _ = await fixture.send(.post, "/keys/records/create", ["kty": "oct-HSM"]) }
            }
        }
        await fixture.vault.reseal()
        #expect(key.generations == [9])
        #expect(try MasterKeyFile(path: file).generations() == [9])
        #expect(try generations(fixture) == ["00000009"])
        #expect(await fixture.release().status == 200)
    }

    @Test func `a generation that is there is not made again`() throws {
        let folder = try TemporaryFolder()
        let holder = try MasterKeyFile(path: folder.url.appending(path: "master.key").path)
        try holder.add(1)
        #expect(throws: Refusal.self) { try holder.add(1) }
    }

    @Test func `only administrators rotate it`() async throws {
        let fixture = try Fixture()
        #expect(await fixture.send(.post, "/masterkey/rotate", token: Shared.releaseToken).status == 403)
        #expect(await fixture.send(.get, "/masterkey", token: nil).status == 401)
        #expect(await fixture.send(.get, "/masterkey").json["generations"] == [1])
    }

    @Test func `a service that ended in the middle goes on with it`() async throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "master.key").path
        let first = try Fixture(folder: folder, masterKey: MasterKey(in: MasterKeyFile(path: file), mayCreate: true))
        try await first.importKey()
        // The generation is made, and then the power fails.
        _ = try first.vault.store.masterKey.rotate()
        try first.vault.store.close()
        let second = try Fixture(
            authority: first.authority, folder: folder,
            masterKey: MasterKey(in: MasterKeyFile(path: file), mayCreate: false))
        #expect(try await second.release().material() == Fixture.k)
        await second.vault.keepUp()
        #expect(try generations(second) == ["00000002"])
        #expect(try MasterKeyFile(path: file).generations() == [2])
        #expect(try await second.release().material() == Fixture.k)
    }
}
