public import Encoding

/// One thing that was looked at, and what it rests on.
public struct Check: Hashable, Sendable {
    public enum Outcome: String, Hashable, Sendable {
        case passed
        case failed
        /// It does not apply to this evidence or was not asked for, or an earlier failure left nothing to look at.
        case notApplicable
    }

    /// A stable name, for example `quote-signature`.
    public let name: String
    public let outcome: Outcome
    /// The bytes, serial number, key or time that the outcome rests on.
    public let detail: String
    /// The refusal that a failed check stands for.
    public let code: RefusalCode?

    init(name: String, outcome: Outcome, detail: String, code: RefusalCode? = nil) {
        self.name = name
        self.outcome = outcome
        self.detail = detail
        self.code = code
    }

    public var json: JSON {
        ["name": .string(name), "outcome": .string(outcome.rawValue), "detail": .string(detail)]
    }
}
