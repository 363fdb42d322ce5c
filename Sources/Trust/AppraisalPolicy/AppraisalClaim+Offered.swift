public import Encoding

extension AppraisalClaim {
    /// The claims that the service offers to a policy for what it read from evidence, with the deprecated names beside
    /// the present ones; in ascending order of the names in `members`.
    ///
    /// Objects and arrays are offered as their JSON text; null and fractions are not offered.
    /// - Source: attestation API reference, section 9.7.
    public static func offered(for members: [String: JSON]) -> [AppraisalClaim] {
        var claims: [AppraisalClaim] = []
        for (name, json) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let value: Value
            switch json {
            case .null, .number: continue
            case .array, .object: value = .string(json.text)
            case .string(let text): value = .string(text)
            case .integer(let number): value = .integer(number)
            case .bool(let flag): value = .boolean(flag)
            }
            claims.append(AppraisalClaim(name, value))
            // A token's body may have both names.
            for alias in aliases[name] ?? [] where members[alias] == nil { claims.append(AppraisalClaim(alias, value)) }
        }
        return claims
    }

    private static let aliases: [String: [String]] = [
        "x-ms-ver": ["ver"], "x-ms-attestation-type": ["tee", "$tee"],
        "x-ms-policy-hash": ["policy_hash", "maa-policyHash"], "x-ms-policy-signer": ["policy_signer"],
        "x-ms-sgx-is-debuggable": ["$is-debuggable"], "x-ms-sgx-mrsigner": ["$sgx-mrsigner"],
        "x-ms-sgx-mrenclave": ["$sgx-mrenclave"], "x-ms-sgx-product-id": ["$product-id"],
        "x-ms-sgx-svn": ["$svn"], "x-ms-sgx-ehd": ["maa-ehd", "aas-ehd"],
        "x-ms-sgx-collateral": ["maa-attestationcollateral"],
    ]
}
