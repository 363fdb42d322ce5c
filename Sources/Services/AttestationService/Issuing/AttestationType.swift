import AppraisalPolicy
import Encoding
package import Evidence

/// An attestation type that this service appraises: its route, its names, its default policy.
package enum AttestationType: String, CaseIterable, Sendable {
    case sgxEnclave = "SgxEnclave"
    case sevSnpVm = "SevSnpVm"

    /// By a path segment, without regard to case.
    package init?(segment: String) {
        guard let type = Self.allCases.first(where: { $0.rawValue.lowercased() == segment.lowercased() }) else {
            return nil
        }
        self = type
    }

    package var tee: TEE {
        switch self {
        case .sgxEnclave: .sgx
        case .sevSnpVm: .snp
        }
    }

    /// The member of the request that holds the evidence.
    var evidenceMember: String {
        switch self {
        case .sgxEnclave: "quote"
        case .sevSnpVm: "report"
        }
    }

    /// The value of `x-ms-attestation-type`.
    var claim: String {
        switch self {
        case .sgxEnclave: "sgx"
        case .sevSnpVm: "sevsnpvm"
        }
    }

    var defaultPolicyText: String {
        switch self {
        case .sgxEnclave: AppraisalPolicy.defaultSGXText
        case .sevSnpVm: AppraisalPolicy.defaultVirtualMachineText
        }
    }
}
