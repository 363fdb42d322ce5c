package import AttestationToken
package import Encoding

extension KeyReleasePolicy {
    /// Why a token does not satisfy the policy.
    package enum Failure: Error, Hashable, Sendable {
        /// No authority of the policy is the token's issuer.
        case authorityNotAllowed
        /// The first claim that failed in the entry that came closest; `seen` is nil when the token lacks it.
        case claimMismatch(claim: String, expected: String, seen: String?)
    }

    /// Whether the policy names `issuer` at all; before that is known nobody is contacted.
    package func names(_ issuer: AuthorityURL) -> Bool { authorities.contains { $0.url == issuer } }

    /// A verified token: who signed it, and what it says.
    package typealias Token = (issuer: AuthorityURL, claims: JSON)

    /// Checks the claims of verified tokens of one unit against the policy: with `anyOf` each must satisfy an entry, with
    /// `allOf` at the top each entry needs a token.
    ///
    /// - Throws: `Failure` with the one claim that is most useful to know.
    package func evaluate(_ tokens: [Token]) throws(Failure) {
        switch combination {
        case .anyOf: for token in tokens { try evaluate(together: [token]) }
        case .allOf: try evaluate(together: tokens)
        }
    }

    /// Checks one token.
    package func evaluate(issuer: AuthorityURL, claims: JSON) throws(Failure) {
        try evaluate(together: [(issuer: issuer, claims: claims)])
    }

    private func evaluate(together tokens: [Token]) throws(Failure) {
        let outcomes = authorities.map { authority in
            tokens.first { $0.issuer == authority.url }.map {
                Self.outcome(authority.combination, authority.conditions, $0.claims)
            }
        }
        let failures = outcomes.compactMap { $0 }
        guard !failures.isEmpty else { throw .authorityNotAllowed }
        switch combination {
        case .anyOf where failures.contains(where: \.holds): return
        case .allOf where failures.count == outcomes.count && failures.allSatisfy(\.holds): return
        case .anyOf, .allOf: break
        }
        // With several entries, one for each measurement, the one that most claims fit is the one that was meant.
        guard let closest = failures.filter({ !$0.holds }).max(by: { $0.passed < $1.passed }),
            let test = closest.firstFailure
        else { throw .authorityNotAllowed }
        throw .claimMismatch(
            claim: test.claim, expected: "\(test.comparison.rawValue) \(ClaimComparison.text(test.value) ?? "")",
            seen: seen(test.claim, tokens).map { ClaimComparison.text($0) ?? "not a scalar" })
    }

    /// The claim as one of the tokens has it that the policy knows.
    private func seen(_ claim: String, _ tokens: [Token]) -> JSON? {
        tokens.lazy.filter { names($0.issuer) }.compactMap { ClaimComparison.resolve(claim, in: $0.claims) }.first
    }

    /// Whether conditions hold of the claims.
    static func holds(_ combination: Combination, _ conditions: [Condition], _ claims: JSON) -> Bool {
        outcome(combination, conditions, claims).holds
    }

    private struct Outcome {
        var holds: Bool
        /// Number of tests that held.
        var passed: Int
        var firstFailure: ClaimTest?
    }

    /// Every test is looked at, so that the closest entry can be told; the number of them is bounded.
    private static func outcome(_ combination: Combination, _ conditions: [Condition], _ claims: JSON) -> Outcome {
        let outcomes = conditions.map { condition in
            switch condition {
            case .test(let test):
                let holds = ClaimComparison.holds(test, of: ClaimComparison.resolve(test.claim, in: claims))
                return Outcome(holds: holds, passed: holds ? 1 : 0, firstFailure: holds ? nil : test)
            case .group(let combination, let conditions): return outcome(combination, conditions, claims)
            }
        }
        let holds =
            switch combination {
            case .anyOf: outcomes.contains(where: \.holds)
            case .allOf: outcomes.allSatisfy(\.holds)
            }
        return Outcome(
            holds: holds, passed: outcomes.reduce(0) { $0 + $1.passed },
            firstFailure: holds ? nil : outcomes.lazy.compactMap(\.firstFailure).first)
    }
}
