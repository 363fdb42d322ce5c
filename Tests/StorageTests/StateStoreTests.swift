import Foundation
import Storage
import TestSupport
import Testing

/// What every state store promises, whichever database is below it.
@Suite struct StateStoreTests {
    static func sqlite(_ folder: TemporaryFolder) throws -> any StateStore {
        try SQLiteStateStore(path: folder.url.appending(path: "state.sqlite").path)
    }

    func key(_ name: String, owner: String = "a", kind: String = "policy") -> StateKey {
        StateKey(owner: owner, kind: kind, name: name)
    }

    @Test func `revisions rise with every change, and a removed record keeps its own`() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.sqlite(folder)
        let one = key("one")
        let two = key("two")
        #expect(try await store.read { try $0.record(one) } == nil)
        let first = try await store.write { try $0.put([1], at: one) }
        let second = try await store.write { transaction in
            _ = try transaction.put([2], at: two)
            return try transaction.put(nil, at: one)
        }
        #expect(second == first + 2)
        let removed = try await store.read { try $0.record(one) }
        #expect(removed == StateRecord(key: one, revision: second, value: nil))
        let changed = try await store.read { try $0.records(owner: "a", kind: "policy", after: first, limit: 10) }
        #expect(changed.map(\.key.name) == ["two", "one"])
        #expect(changed.map(\.value) == [[2], nil])
        let limited = try await store.read { try $0.records(owner: "a", kind: "policy", after: 0, limit: 1) }
        #expect(limited.map(\.key.name) == ["two"])
    }

    @Test func `owners and kinds are apart`() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.sqlite(folder)
        let keys = [key("x"), key("x", owner: "b"), key("x", kind: "signers")]
        for (index, key) in keys.enumerated() { _ = try await store.write { try $0.put([UInt8(index)], at: key) } }
        for (index, key) in keys.enumerated() {
            #expect(try await store.read { try $0.record(key)?.value } == [UInt8(index)])
        }
        #expect(try await store.read { try $0.records(owner: "b", kind: "policy", after: 0, limit: 9).count } == 1)
    }

    @Test func `a transaction that throws leaves nothing, not even a revision`() async throws {
        struct Stop: Error {}
        let folder = try TemporaryFolder()
        let store = try Self.sqlite(folder)
        let one = key("one")
        await #expect(throws: Stop.self) {
            try await store.write { transaction in
                _ = try transaction.put([1], at: one)
                throw Stop()
            }
        }
        #expect(try await store.read { try $0.record(one) } == nil)
        #expect(try await store.write { try $0.put([], at: one) } == 1)
        #expect(try await store.read { try $0.record(one)?.value } == [])
    }

    @Test func `two users of one file take turns, and each sees what the other committed`() async throws {
        let folder = try TemporaryFolder()
        let stores = [try Self.sqlite(folder), try Self.sqlite(folder)]
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

    @Test func `a file that is no database is refused without naming it`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "state.sqlite")
        try Data("this is a text of somebody else, longer than a header".utf8).write(to: file)
        #expect {
            try Self.sqlite(folder)
        } throws: { error in
            (error as? StateStoreError).map { !$0.description.contains(folder.url.lastPathComponent) } ?? false
        }
    }
}
