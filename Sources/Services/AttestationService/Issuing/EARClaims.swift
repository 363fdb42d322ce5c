import AttestationToken
import Encoding

/// The same token as an EAT attestation result: tiers of trust for relying parties that ask for no more, and all claims
/// of the compatible form for those that do.
///
/// The tiers are worked out from what this service checked; what it did not look at has no component.
/// - Source: draft-ietf-rats-ear and draft-ietf-rats-ar4si, in the names of `EARProfile`.
struct EARClaims {
    let members: [String: JSON]

    private static let registered = ["iss", "iat", "nbf", "exp", "jti"]

    /// - Parameters:
    ///   - claims: the finished claims of the compatible form.
    ///   - isDefaultPolicy: whether nobody chose the policy that permitted this evidence.
    init(_ claims: [String: JSON], profile: EARProfile, type: AttestationType, isDefaultPolicy: Bool) {
        let vector = Self.vector(claims, isDefaultPolicy: isDefaultPolicy)
        let worst = vector.values.map(TrustTier.init(component:)).max() ?? .none
        let status = JSON.string(worst.rawValue)
        let policy = claims["x-ms-policy-hash"] ?? ""
        let part: [String: JSON] = [
            profile.status: status, profile.vector: .object(vector.mapValues(JSON.integer)),
            profile.policies: profile == .draft ? [policy] : policy,
            profile.claims: .object(claims.filter { !Self.registered.contains($0.key) }),
        ]
        var members: [String: JSON] = [
            "eat_profile": .string(profile.rawValue), profile.status: status,
            profile.verifierID: ["build": "cloister-1", "developer": "Cloister"],
            "submods": .object([profile == .draft ? type.claim : "cpu0": .object(part)]),
        ]
        // Relying parties see from the outside of a token whether there is a list to look into.
        for name in Self.registered + [RevocationList.claim] { members[name] = claims[name] }
        if let nonce = claims["nonce"]?.string {
            members["eat_nonce"] = .string(Base64.encodeURL(Array(nonce.utf8)))
        }
        self.members = members
    }

    /// Components by draft-ietf-rats-ar4si: 2 affirms, 32 warns, 96 and above contraindicate.
    private static func vector(_ claims: [String: JSON], isDefaultPolicy: Bool) -> [String: Int64] {
        guard claims["x-cloister-grade"] == "hardware" else {
            // Nothing that a simulator says about itself is worth anything.
            return ["hardware": 97, "instance-identity": 97, "runtime-opaque": 96]
        }
        let status = claims["x-cloister-tcb-status"]?.string
        let needsConfiguration = status?.contains("ConfigurationNeeded") ?? false
        // Without a status nothing is known to be missing: AMD publishes no levels.
        let isCurrent = status == nil || status == "UpToDate" || status == "ConfigurationNeeded"
        var vector: [String: Int64] = [
            "hardware": isCurrent ? 2 : 32, "instance-identity": 2,
            // Approved by a policy that somebody chose, or merely without debugging and known faults.
            "configuration": needsConfiguration ? 32 : isDefaultPolicy ? 3 : 2,
        ]
        if claims["x-ms-attestation-type"] != "tpm" { vector["runtime-opaque"] = 2 }
        let isListed =
            claims["x-ms-compliance-status"] != nil || claims["x-ms-isolation-tee"]?["x-ms-compliance-status"] != nil
        if isListed { vector["executables"] = 3 }
        return vector
    }
}
