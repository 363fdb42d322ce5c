import CPostgreSQL

#if canImport(Glibc)
    import Glibc
#endif

/// One connection to a PostgreSQL server. It is used by one thread at a time: its owner's queue sees to that.
@safe final class PostgreSQLConnection: Sendable {
    /// Rows of columns; a column is nil where it is NULL. Everything is in PostgreSQL's binary form.
    typealias Rows = [[[UInt8]?]]

    // Owned: made in init, finished in deinit, never handed out.
    private nonisolated(unsafe) let connection: OpaquePointer

    /// - Parameter parameters: libpq's keywords and values, or a `postgresql:` URL.
    /// - Throws: `StateStoreError` when there is no connection; it says nothing of where to.
    init(_ parameters: String) throws {
        // Keywords after `dbname`, which may hold everything, take precedence. Nothing may hang for ever, least of all a
        // transaction whose node has stopped, since writers wait for it.
        let keywords = ["dbname", "connect_timeout", "tcp_user_timeout", "client_encoding", "options"]
        let values = [
            parameters, "5", "15000", "UTF8",
            "-c statement_timeout=10s -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s",
        ]
        let connection = unsafe Self.withStrings(keywords) { keywords in
            unsafe Self.withStrings(values) { values in unsafe PQconnectdbParams(keywords, values, 1) }
        }
        guard let connection = unsafe connection else { throw StateStoreError("no memory for a database connection") }
        guard unsafe PQstatus(connection) == CONNECTION_OK else {
            unsafe PQfinish(connection)
            throw StateStoreError("the state database cannot be connected to")
        }
        unsafe self.connection = connection
        // What is acknowledged must be on the disk; more (a replica's) is left as the operator set it.
        _ = try execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
                + "WHERE current_setting('synchronous_commit') IN ('off', 'local')")
    }

    deinit { unsafe PQfinish(connection) }

    /// Whether the server is still there, as far as the last answer told.
    var isAlive: Bool { unsafe PQstatus(connection) == CONNECTION_OK }

    /// Runs one statement.
    ///
    /// - Parameter parameters: the values of `$1`, `$2` … in binary form.
    /// - Throws: `StateStoreError` with the SQLSTATE, never with the server's text, which may quote values.
    @discardableResult
    func execute(_ statement: String, _ parameters: [[UInt8]?] = []) throws -> Rows {
        // All values in one buffer, with one byte more so that it has an address.
        var bytes: [UInt8] = []
        for parameter in parameters { bytes += parameter ?? [] }
        bytes.append(0)
        let lengths = parameters.map { Int32($0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        let result = unsafe bytes.withUnsafeBytes { buffer in
            var offset = 0
            var pointers: [UnsafePointer<CChar>?] = unsafe []
            for parameter in parameters {
                let start = unsafe buffer.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self)
                unsafe pointers.append(parameter == nil ? nil : start)
                offset += parameter?.count ?? 0
            }
            return unsafe PQexecParams(
                connection, statement, Int32(parameters.count), nil, pointers, lengths, formats, 1)
        }
        guard let result = unsafe result else { throw StateStoreError("the state database does not answer") }
        defer { unsafe PQclear(result) }
        let status = unsafe PQresultStatus(result)
        guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
            let code = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C")))
            let state = unsafe code.map { unsafe String(cString: $0) } ?? "none"
            throw StateStoreError("the state database refuses a statement (SQLSTATE \(state))")
        }
        return unsafe Self.rows(result)
    }

    private static func rows(_ result: OpaquePointer) -> Rows {
        var rows: Rows = []
        for row in 0..<(unsafe PQntuples(result)) {
            var columns: [[UInt8]?] = []
            for column in 0..<(unsafe PQnfields(result)) {
                guard unsafe PQgetisnull(result, row, column) == 0,
                    let value = unsafe PQgetvalue(result, row, column)
                else {
                    columns.append(nil)
                    continue
                }
                let count = Int(unsafe PQgetlength(result, row, column))
                columns.append(unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: count)))
            }
            rows.append(columns)
        }
        return rows
    }

    /// Lends a nil-terminated array of C strings.
    private static func withStrings<Value>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
    ) -> Value {
        let copies = unsafe strings.map { unsafe strdup($0) }
        defer { for index in strings.indices { unsafe free(copies[index]) } }
        let pointers: [UnsafePointer<CChar>?] =
            unsafe copies.map { copy in unsafe copy.map { unsafe UnsafePointer($0) } } + [nil]
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
