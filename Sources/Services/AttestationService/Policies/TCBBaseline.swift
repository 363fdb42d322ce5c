import AppraisalPolicy
package import Encoding

/// The TCB baselines that a policy may choose between (attestation API reference, sections 8 and 10.5).
///
/// There is one: the collateral that the vendor publishes now. Older baselines would accept what the vendor has since
/// found to be broken.
package enum TCBBaseline {
    /// Its identifier, which is also what applies without a choice.
    package static let identifier = "azuredefault"
    static let property = "x-ms-sgx-tcbidentifier"

    /// The reply to `GET /tcbbaselines/{type}`.
    package static var list: JSON {
        ["tcbBaselines": [["tcbIdentifier": .string(identifier), "isSelectedTcb": true]]]
    }

    /// Whether a property asks for something that is done anyway.
    static func isHonoured(_ property: AppraisalClaim) -> Bool {
        property.type != Self.property || property.value == .string(identifier)
    }

    /// Refuses, when it is set, a policy that would choose another baseline without condition.
    ///
    /// - Throws: `InvalidParameter`.
    static func requireKnown(_ policy: AppraisalPolicy) throws(APIError) {
        // What holds without any claim holds always; a choice that depends on claims is looked at when it is made.
        guard let decision = try? policy.evaluate(claims: []), decision.properties.contains(where: { !isHonoured($0) })
        else { return }
        throw APIError(
            status: 400, code: .invalidParameter,
            refusal: Refusal(.policyInvalid, "the only TCB baseline of this service is \(identifier)"))
    }
}
