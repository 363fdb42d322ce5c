/// Why a policy text was not accepted, or why its evaluation stopped.
///
/// The texts go back to the author of the policy; they quote at most one symbol of it.
public enum PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text breaks the grammar. `line` and `column` count from 1; `rule` is the grammar's path, outermost first.
    case syntax(line: Int, column: Int, symbol: String, rule: String, problem: String)
    /// The text is longer than `AppraisalPolicy.maximumBytes`.
    case tooLarge
    /// Evaluation needed more steps than its limit, or met values that an action cannot use.
    case evaluation(String)

    public var description: String {
        switch self {
        case .syntax(let line, let column, let symbol, let rule, let problem):
            "line \(line), column \(column): \(problem). Offending symbol: '\(symbol)'. Failing rule: '\(rule)'"
        case .tooLarge: "the policy text is longer than \(AppraisalPolicy.maximumBytes) bytes"
        case .evaluation(let problem): problem
        }
    }
}
