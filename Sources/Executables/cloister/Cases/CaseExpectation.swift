import Encoding
import Evidence

/// What a case file says about one piece of evidence, as far as its words can be compared with a verdict.
///
/// - Source: formats section 8, "Case files": how the member `expect` is read.
struct CaseExpectation: Sendable {
    var accepted: Bool
    /// Genuine evidence that safe defaults refuse: its signature chain must be valid all the same.
    var isGenuine: Bool
    var tcbStatus: String?
    /// The exact code of a refusal, where the file gives one.
    var code: String?

    /// - Returns: nil for words that say neither accepted nor refused.
    init?(_ expect: String, code: String?) {
        let lower = expect.lowercased()
        isGenuine = lower.contains("default policy must reject") || lower.contains("strict default")
        if isGenuine {
            accepted = false
        } else if lower.hasPrefix("reject") || lower.contains("parse ok; reject") {
            accepted = false
        } else if lower.hasPrefix("valid") || lower.contains("chain valid") {
            accepted = true
        } else {
            return nil
        }
        tcbStatus = expect.split(whereSeparator: { " ;,.()".contains($0) }).adjacentPairs
            .first { $0 == "TCB" && TCBStatus(rawValue: String($1)) != nil }
            .map { String($1) }
        self.code = code
    }

    /// In one word for a table.
    var summary: String {
        var words = [accepted ? "accepted" : code ?? "refused"]
        if isGenuine { words.append("chain valid") }
        if let tcbStatus { words.append(tcbStatus) }
        return words.joined(separator: ", ")
    }

    /// Whether a verdict is what was expected.
    func isMet(by verdict: Verdict) -> Bool {
        guard verdict.accepted == accepted else { return false }
        if let code, !accepted, verdict.code?.name != code { return false }
        if isGenuine, verdict.signatureChain != .valid { return false }
        if let tcbStatus, verdict.tcbStatus != tcbStatus { return false }
        return true
    }
}

extension Array {
    /// Each element with the one after it.
    fileprivate var adjacentPairs: Zip2Sequence<Self, SubSequence> { zip(self, dropFirst()) }
}
