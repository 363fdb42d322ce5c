package import AttestationToken
package import Encoding

extension KeyReleasePolicy {
    /// One comparison of the policy, and what the claims make of it.
    package struct Finding: Hashable, Sendable {
        /// Where it stands, for example `anyOf[0].allOf[2]`.
        package var place: String
        package var claim: String
        package var comparison: Operator
        package var expected: String
        /// Nil when the claim is missing; `not a scalar` for an array or object.
        package var seen: String?
        package var holds: Bool
    }

    /// One authority's entry.
    package struct AuthorityFinding: Hashable, Sendable {
        package var authority: String
        /// Whether it is the issuer that was asked about.
        package var isIssuer: Bool
        /// Whether its conditions hold; without being the issuer that opens nothing.
        package var holds: Bool
        package var findings: [Finding]
    }

    /// Every comparison of the policy with these claims, whether the result depends on it or not.
    package func explain(issuer: AuthorityURL?, claims: JSON) -> [AuthorityFinding] {
        authorities.enumerated().map { index, authority in
            let place = "\(combination.rawValue)[\(index)].\(authority.combination.rawValue)"
            return AuthorityFinding(
                authority: authority.text, isIssuer: authority.url == issuer,
                holds: Self.holds(authority.combination, authority.conditions, claims),
                findings: Self.findings(authority.conditions, place, claims))
        }
    }

    private static func findings(_ conditions: [Condition], _ place: String, _ claims: JSON) -> [Finding] {
        conditions.enumerated().flatMap { index, condition in
            let place = "\(place)[\(index)]"
            switch condition {
            case .group(let combination, let conditions):
                return findings(conditions, "\(place).\(combination.rawValue)", claims)
            case .test(let test):
                let value = ClaimComparison.resolve(test.claim, in: claims)
                return [
                    Finding(
                        place: place, claim: test.claim, comparison: test.comparison,
                        expected: ClaimComparison.text(test.value) ?? "",
                        seen: value.map { ClaimComparison.text($0) ?? "not a scalar" },
                        holds: ClaimComparison.holds(test, of: value))
                ]
            }
        }
    }
}
