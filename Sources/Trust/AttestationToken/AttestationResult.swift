public import Encoding

/// What a token in the form of an EAT attestation result says beside its claims: tiers of trust, as the verifier sees them.
///
/// - Source: draft-ietf-rats-ear, in the names of `EARProfile`; RFC 9711.
public struct AttestationResult: Hashable, Sendable {
    public let profile: EARProfile
    /// Never better than the worst of what was appraised.
    public let status: TrustTier
    /// Worst component of all that was appraised, by its name, for example `hardware`.
    public let vector: [String: Int64]
    /// Names of the policies that were applied.
    public let policies: [String]
    /// The claims as a token of the compatible API has them: the verifier's about the evidence, with issuer and times.
    let claims: JSON

    private static let components: Set<String> = [
        "instance-identity", "configuration", "executables", "file-system", "hardware", "runtime-opaque",
        "storage-opaque", "sourced-data",
    ]
    private static let maximumParts = 16
    private static let registered = ["iss", "iat", "nbf", "exp", "jti"]

    /// Reads the claims of a token whose signature holds; nil when they are no attestation result.
    ///
    /// - Throws: `token-malformed` for claims that are none of the profile, and for a tier that is better than what it
    ///   sums up.
    init?(_ payload: JSON) throws(Refusal) {
        guard let profile = payload["eat_profile"]?.string.flatMap(EARProfile.init(rawValue:)) else { return nil }
        guard let parts = payload["submods"]?.object, (1...Self.maximumParts).contains(parts.count) else {
            throw Self.malformed("submods is not an object with 1 to \(Self.maximumParts) members")
        }
        var worst = TrustTier.affirming
        var vector: [String: Int64] = [:]
        var policies: [String] = []
        var evidence: [String: JSON] = [:]
        for (_, part) in parts.sorted(by: { $0.key < $1.key }) {
            worst = max(worst, try Self.status(part, profile, of: try Self.vector(part, profile, into: &vector)))
            if let names = part[profile.policies] { policies += names.strings ?? names.string.map { [$0] } ?? [] }
            guard let claims = part[profile.claims]?.object else { continue }
            guard evidence.isEmpty else { throw Self.malformed("two submods have claims about evidence") }
            evidence = claims
        }
        for name in Self.registered { evidence[name] = payload[name] }
        self.profile = profile
        self.vector = vector
        self.policies = policies
        claims = .object(evidence)
        guard payload[profile.status] != nil else {
            status = worst
            return
        }
        status = try Self.status(payload, profile, of: worst)
    }

    /// Refuses unless the verifier affirms all of `names`; what it does not speak of, it does not affirm (AC-034).
    ///
    /// - Parameter names: components of the vector, for example `hardware`.
    /// - Throws: `appraisal-insufficient`.
    public func requireAffirmed(_ names: Set<String>) throws(Refusal) {
        for name in names.sorted() {
            let tier = vector[name].map(TrustTier.init(component:)) ?? .none
            guard tier == .affirming else {
                throw Refusal(.appraisalInsufficient, "the verifier does not affirm \(name): \(tier.rawValue)")
            }
        }
    }

    /// The tier that `part` states, which must not be better than `worst`.
    private static func status(
        _ part: JSON, _ profile: EARProfile, of worst: TrustTier
    ) throws(Refusal) -> TrustTier {
        guard let status = part[profile.status]?.string.flatMap(TrustTier.init(rawValue:)) else {
            throw malformed("\(profile.status) is missing or no tier")
        }
        guard status >= worst else { throw malformed("\(profile.status) is better than what it sums up") }
        return status
    }

    /// Reads a vector, keeps the worst of each component in `all`, and gives the worst tier.
    private static func vector(
        _ part: JSON, _ profile: EARProfile, into all: inout [String: Int64]
    ) throws(Refusal) -> TrustTier {
        guard let member = part[profile.vector] else { return .affirming }
        guard let object = member.object else { throw malformed("\(profile.vector) is not an object") }
        var worst = TrustTier.affirming
        for (name, value) in object {
            guard components.contains(name), let component = value.integer, (-128...127).contains(component) else {
                throw malformed("\(profile.vector) has an unknown component or a value that is no tier")
            }
            let tier = TrustTier(component: component)
            // A component of 0 makes no claim, and makes nothing worse.
            if tier != .none { worst = max(worst, tier) }
            if let former = all[name], TrustTier(component: former) >= tier { continue }
            all[name] = component
        }
        return worst
    }

    private static func malformed(_ problem: String) -> Refusal {
        Refusal(.tokenMalformed, "attestation result: \(problem)")
    }
}

extension RefusalCode {
    /// Genuine evidence is not permitted by a policy, or not affirmed by its verifier.
    public static let appraisalInsufficient = RefusalCode("appraisal-insufficient", status: 403)
}
