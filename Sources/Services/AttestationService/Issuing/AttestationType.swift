import AppraisalPolicy
import Encoding

/// An attestation type that this service appraises: its route, its names, its default policy.
package enum AttestationType: String, CaseIterable, Sendable {
    case sgxEnclave = "SgxEnclave"
    case openEnclave = "OpenEnclave"
    case sevSnpVm = "SevSnpVm"
    case tdxVm = "TdxVm"
    case azureGuest = "AzureGuest"
    case tpm = "Tpm"

    /// By a path segment, without regard to case.
    package init?(segment: String) {
        guard let type = Self.allCases.first(where: { $0.rawValue.lowercased() == segment.lowercased() }) else {
            return nil
        }
        self = type
    }

    /// The member of the request that holds the evidence.
    var evidenceMember: String {
        switch self {
        case .sgxEnclave, .tdxVm: "quote"
        case .openEnclave, .sevSnpVm: "report"
        case .azureGuest: "attestationInfo"
        case .tpm: "data"
        }
    }

    /// The value of `x-ms-attestation-type`.
    var claim: String {
        switch self {
        case .sgxEnclave, .openEnclave: "sgx"
        case .sevSnpVm: "sevsnpvm"
        case .tdxVm: "tdxvm"
        case .azureGuest: "azurevm"
        case .tpm: "tpm"
        }
    }

    /// Whether the claims that a policy issues are the token's own, at its top level (attestation API reference,
    /// section 9.1).
    var hasTopLevelPolicyClaims: Bool { self == .tpm }

    /// The text that applies where nobody set a policy; nil where evidence is then refused.
    package var defaultPolicyText: String? {
        switch self {
        case .sgxEnclave, .openEnclave: AppraisalPolicy.defaultSGXText
        case .sevSnpVm, .tdxVm: AppraisalPolicy.defaultVirtualMachineText
        case .azureGuest: AppraisalPolicy.defaultAzureGuestText
        case .tpm: nil
        }
    }
}
