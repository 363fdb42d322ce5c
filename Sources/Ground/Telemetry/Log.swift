import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The names that a log line may carry beside its message (threat model section 5).
///
/// A closed set: what is not here cannot be logged.
package enum LogField: String, Sendable {
    case attempt, bytes, code, count, detail, grade, id, issuer, job, key, kind, measurement, method, microseconds
    case model, omitted, outcome, party, policy, port, route, sequence, state, status, tcb, tee, tenant, token, unit,
        version
}

/// A value that somebody decided may be seen by whoever reads logs.
///
/// There is no way to make one from an arbitrary string: identifiers must look like identifiers.
package struct LogValue: Sendable, CustomStringConvertible {
    package let description: String

    private init(_ description: String) { self.description = description }

    /// A text written in the source.
    package static func fixed(_ text: StaticString) -> LogValue { LogValue(text.description) }

    package static func number(_ value: some BinaryInteger) -> LogValue { LogValue(String(value)) }

    /// A code, digest, random id or version: letters, digits and `-_.:=` only, at most 96 of them; anything else
    /// prints as redacted.
    package static func identifier(_ text: String) -> LogValue {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_.:=".utf8.contains(byte)
            }
        }
        return LogValue(isPlain && text.utf8.count <= 96 ? text : "‹redacted›")
    }

    /// The detail of a refusal, which is written for callers and reviewed to hold nothing private.
    package static func refusalDetail(_ text: String) -> LogValue { LogValue(text) }

    /// An address from this service's own configuration.
    package static func configured(_ text: String) -> LogValue { LogValue(text) }
}

/// Writes one JSON line an event to standard error: a message fixed in the source, and chosen fields.
package struct Log: Sendable {
    package enum Level: String, Sendable { case info, warning, error }

    private let service: String
    private let write: @Sendable (String) -> Void

    /// - Parameter service: the executable's name.
    package init(service: String) {
        self.init(service: service) { line in
            // One write a line, so that lines of several threads do not mix.
            let bytes = Array((line + "\n").utf8)
            unsafe _ = bytes.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
        }
    }

    /// For tests: sends lines elsewhere.
    package init(service: String, write: @escaping @Sendable (String) -> Void) {
        self.service = service
        self.write = write
    }

    package func info(_ message: StaticString, _ fields: KeyValuePairs<LogField, LogValue> = [:]) {
        emit(.info, message, fields)
    }

    package func warning(_ message: StaticString, _ fields: KeyValuePairs<LogField, LogValue> = [:]) {
        emit(.warning, message, fields)
    }

    package func error(_ message: StaticString, _ fields: KeyValuePairs<LogField, LogValue> = [:]) {
        emit(.error, message, fields)
    }

    private func emit(_ level: Level, _ message: StaticString, _ fields: KeyValuePairs<LogField, LogValue>) {
        var line = "{\"at\":\(time(nil)),\"level\":\"\(level.rawValue)\",\"service\":\(quoted(service))"
        line += ",\"message\":\(quoted(message.description))"
        for (field, value) in fields { line += ",\"\(field.rawValue)\":\(quoted(value.description))" }
        write(line + "}")
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<"\u{20}": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
