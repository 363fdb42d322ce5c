/// A profile of EAT attestation results (EAR), by the string in `eat_profile`: how its claims are named.
///
/// - Source: draft-ietf-rats-ear; the older names with dots and dashes, which are still in the field.
public enum EARProfile: String, Hashable, Sendable, CaseIterable {
    /// The draft as of March 2026.
    case draft = "tag:ietf.org,2026:rats/ear#03"
    /// As Confidential Containers' Trustee writes it.
    case trustee = "tag:github.com,2024:confidential-containers/Trustee"

    public var status: String { self == .draft ? "ear_status" : "ear.status" }
    public var vector: String {
        self == .draft ? "ear_trustworthiness_vector" : "ear.trustworthiness-vector"
    }
    public var verifierID: String { self == .draft ? "ear_verifier_id" : "ear.verifier-id" }
    /// A list in the draft, one string in the older form.
    public var policies: String { self == .draft ? "ear_appraisal_policy_ids" : "ear.appraisal-policy-id" }
    /// What the verifier read from the evidence; the draft leaves the name to profiles.
    public var claims: String { self == .draft ? "x-cloister-claims" : "ear.veraison.annotated-evidence" }
}

/// How far a verifier trusts something, best first.
///
/// - Source: draft-ietf-rats-ar4si, trustworthiness tiers.
public enum TrustTier: String, Hashable, Sendable, CaseIterable, Comparable {
    case affirming
    case none
    case warning
    case contraindicated

    /// The tier of one component of a trustworthiness vector, −128 to 127.
    public init(component: Int64) {
        switch component {
        case -1...1: self = .none
        case 2...31, -32 ... -2: self = .affirming
        case 32...95, -96 ... -33: self = .warning
        default: self = .contraindicated
        }
    }

    private var rank: Int {
        switch self {
        case .affirming: 0
        case .none: 1
        case .warning: 2
        case .contraindicated: 3
        }
    }

    /// Whether `left` is the better tier.
    public static func < (left: TrustTier, right: TrustTier) -> Bool { left.rank < right.rank }
}
