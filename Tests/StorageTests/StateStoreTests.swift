import Foundation
import Storage
import TestSupport
import Testing

/// What every state store promises, whichever database is below it.
enum StateStorePromise: String, CaseIterable {
    case revisionsRise, ownersAreApart, aThrowLeavesNothing, writersTakeTurns

    /// - Parameters:
    ///   - stores: two users of one state.
    ///   - owner: whose records nobody else uses.
    func check(_ stores: [any StateStore], owner: String) async throws {
        let store = stores[0]
        @Sendable func key(_ name: String, owner: String = owner, kind: String = "policy") -> StateKey {
            StateKey(owner: owner, kind: kind, name: name)
        }
        switch self {
        case .revisionsRise:
            let one = key("one")
            let two = key("two")
            #expect(try await store.read { try $0.record(one) } == nil)
            let first = try await store.write { try $0.put([1], at: one) }
            let second = try await store.write { transaction in
                _ = try transaction.put([2], at: two)
                return try transaction.put(nil, at: one)
            }
            #expect(second == first + 2)
            let removed = try await stores[1].read { try $0.record(one) }
            #expect(removed == StateRecord(key: one, revision: second, value: nil))
            let changed = try await store.read { try $0.records(owner: owner, kind: "policy", after: first, limit: 10) }
            #expect(changed.map(\.key.name) == ["two", "one"])
            #expect(changed.map(\.value) == [[2], nil])
            let limited = try await store.read { try $0.records(owner: owner, kind: "policy", after: 0, limit: 1) }
            #expect(limited.map(\.key.name) == ["two"])
        case .ownersAreApart:
            let other = owner + "'; --"
            let keys = [key("x"), key("x", owner: other), key("x", kind: "signers")]
            for (index, key) in keys.enumerated() {
                _ = try await store.write {
                    try $0.put([UInt8](repeating: UInt8(index), count: index * 100_000), at: key)
                }
            }
            for (index, key) in keys.enumerated() {
                let expected = [UInt8](repeating: UInt8(index), count: index * 100_000)
                #expect(try await store.read { try $0.record(key)?.value } == expected)
            }
            let count = try await store.read { try $0.records(owner: other, kind: "policy", after: 0, limit: 9).count }
            #expect(count == 1)
        case .aThrowLeavesNothing:
            struct Stop: Error {}
            let one = key("one")
            let before = try await store.write { try $0.put([], at: key("other")) }
            await #expect(throws: Stop.self) {
                try await store.write { transaction in
                    _ = try transaction.put([1], at: one)
                    throw Stop()
                }
            }
            #expect(try await store.read { try $0.record(one) } == nil)
            #expect(try await store.write { try $0.put([], at: one) } == before + 1)
            #expect(try await store.read { try $0.record(one)?.value } == [])
        case .writersTakeTurns:
            let counter = key("counter")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for store in stores {
                    group.addTask {
                        for _ in 0..<50 {
                            _ = try await store.write { transaction in
                                let value = try transaction.record(counter)?.value?.first ?? 0
                                return try transaction.put([value + 1], at: counter)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            for store in stores { #expect(try await store.read { try $0.record(counter)?.value } == [100]) }
        }
    }
}

@Suite struct SQLiteStateStoreTests {
    @Test(arguments: StateStorePromise.allCases)
    func `an SQLite file keeps every promise of a state store`(promise: StateStorePromise) async throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "state.sqlite").path
        try await promise.check([try SQLiteStateStore(path: path), try SQLiteStateStore(path: path)], owner: "a")
    }

    @Test func `a file that is no database is refused without naming it`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "state.sqlite")
        try Data("this is a text of somebody else, longer than a header".utf8).write(to: file)
        #expect {
            try SQLiteStateStore(path: file.path)
        } throws: { error in
            (error as? StateStoreError).map { !$0.description.contains(folder.url.lastPathComponent) } ?? false
        }
    }
}

@Suite(.enabled(if: PostgreSQLServer.isInstalled, "Debian's package postgresql is not installed"))
struct PostgreSQLStateStoreTests {
    @Test func `a PostgreSQL database keeps every promise of a state store, and connections that broke are made anew`()
        async throws
    {
        let server = try await PostgreSQLServer()
        do {
            let stores = [
                try PostgreSQLStateStore(server.parameters), try PostgreSQLStateStore(server.parameters),
            ]
            for promise in StateStorePromise.allCases { try await promise.check(stores, owner: promise.rawValue) }
            let counter = StateKey(owner: "writersTakeTurns", kind: "policy", name: "counter")
            try await server.restart()
            for store in stores {
                for _ in 0..<8 { #expect(try await store.read { try $0.record(counter)?.value } == [100]) }
                _ = try await store.write { try $0.put([100], at: counter) }
            }
            try await server.stop()
            await #expect(throws: StateStoreError.self) { try await stores[0].read { try $0.record(counter) } }
            for store in stores { try store.close() }
        } catch {
            try? await server.stop()
            throw error
        }
    }

    @Test func `a server that is not there is refused without saying where it would be`() {
        #expect {
            try PostgreSQLStateStore("host=/nonexistent-folder user=nobody")
        } throws: { error in
            (error as? StateStoreError).map { !$0.description.contains("nonexistent") } ?? false
        }
    }
}
