/// Who may change an instance's policies (attestation API reference, section 1).
package enum TrustModel: String, CaseIterable, Sendable {
    /// Whoever has the role; policies may be unsigned, or signed with any certificate.
    case aad = "AAD"
    /// Whoever has the role, with policies and certificates that are signed by a registered policy signer.
    case isolated = "Isolated"
    /// Nobody: the default policies apply.
    case shared = "Shared"

    /// By name, without regard to case.
    package init?(name: String) {
        guard let model = Self.allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
            return nil
        }
        self = model
    }
}
