import Synchronization

/// Rows of the key database that were opened, by their exact sealed bytes: to open, read and check one again costs a release
/// as much as wrapping. Private parts are never here.
///
/// What is found is what opening these bytes gave; other bytes in the same place are opened anew. So nothing has to be
/// forgotten when a key changes, and whoever changes the file gains nothing.
final class OpenedRows<Value: Sendable>: Sendable {
    private struct Row: Sendable {
        let sealed: [UInt8]
        let value: Value
    }

    private static var maximum: Int { 1_024 }

    private let rows = Mutex<[String: Row]>([:])

    /// - Parameter place: names the row.
    func value(_ place: String, _ sealed: [UInt8], opened: () throws -> Value) rethrows -> Value {
        if let known = rows.withLock({ $0[place] }), known.sealed == sealed { return known.value }
        let value = try opened()
        rows.withLock { rows in
            if rows.count >= Self.maximum, rows[place] == nil { rows = [:] }
            rows[place] = Row(sealed: sealed, value: value)
        }
        return value
    }
}
