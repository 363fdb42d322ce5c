/// Names one record of a service's state.
package struct StateKey: Hashable, Sendable {
    /// Whose it is, for example the name of an instance.
    package var owner: String
    /// What it is, for example `policy`.
    package var kind: String
    /// Which one of its owner and kind.
    package var name: String

    package init(owner: String, kind: String, name: String) {
        self.owner = owner
        self.kind = kind
        self.name = name
    }
}

/// A record as it stands after its last change.
package struct StateRecord: Hashable, Sendable {
    package let key: StateKey
    /// The number of that change: it rises with every change of the whole store, in the order in which they were
    /// committed, and is never used twice.
    package let revision: Int64
    /// Nil once the record was removed; that it was there is kept, so that no revision goes back.
    package let value: [UInt8]?

    package init(key: StateKey, revision: Int64, value: [UInt8]?) {
        self.key = key
        self.revision = revision
        self.value = value
    }
}

/// A consistent view of the store.
package protocol StateReader {
    /// The record; nil when there never was one.
    func record(_ key: StateKey) throws -> StateRecord?

    /// Records of one owner and kind that changed after `revision`, in the order of their changes, removed ones too.
    /// Who remembers the last revision follows what other processes write.
    ///
    /// - Parameter limit: the most records that are returned; the rest comes after the last one's revision.
    func records(owner: String, kind: String, after revision: Int64, limit: Int) throws -> [StateRecord]
}

/// A view of the store in which records can be changed. All changes take effect together, or none.
package protocol StateTransaction: StateReader {
    /// Puts `value` in the record's place, or removes it with nil.
    ///
    /// - Returns: the new revision.
    @discardableResult
    func put(_ value: [UInt8]?, at key: StateKey) throws -> Int64
}

/// Durable state of a service that one or several processes share: few and small records, each with a revision.
///
/// Writers take turns, over all processes: what a transaction read still holds when it commits. So a rule such as "the
/// last one cannot be removed" needs no lock beside it.
package protocol StateStore: Sendable {
    /// Runs `body` over a consistent view.
    ///
    /// - Throws: what `body` throws; `StateStoreError` when the store does not answer.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any StateReader) throws -> Value) async throws -> Value

    /// Runs `body` in one transaction. When it returns, what it wrote is on the disk and every process sees it; what
    /// `body` throws undoes everything.
    ///
    /// - Throws: what `body` throws; `StateStoreError` when the store does not answer: then nothing was changed, or,
    ///   where the connection broke during the commit, it is not known whether it was.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StateTransaction) throws -> Value
    ) async throws -> Value

    /// Lets go of files and connections; the store cannot be used afterwards.
    func close() throws
}

/// Why the store cannot be used; says nothing of what is in it.
package struct StateStoreError: Error, CustomStringConvertible, Sendable {
    package let description: String

    package init(_ description: String) { self.description = description }
}
