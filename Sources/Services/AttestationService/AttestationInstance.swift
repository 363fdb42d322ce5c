package import Audit
import Encoding

/// One attestation endpoint: an issuer with keys, policies and policy signers of its own (attestation API reference,
/// section 1).
package struct AttestationInstance: Sendable {
    package let name: String
    package let authority: AttestationAuthority
    package let policies: InstancePolicies
    package let distrust: DistrustBook
    package let revocations: RevocationPublisher
    package let results: ResultTokens
    package let access: AccessControl
    /// What the audit log gets about callers without a credential.
    package let strangers: StrangerRecords
    /// Whether attest calls need a bearer token too.
    package let attestNeedsToken: Bool

    package init(
        name: String, authority: AttestationAuthority, policies: InstancePolicies,
        distrust: DistrustBook, revocations: RevocationPublisher, results: ResultTokens, access: AccessControl,
        strangers: StrangerRecords, attestNeedsToken: Bool = false
    ) {
        self.name = name
        self.authority = authority
        self.policies = policies
        self.distrust = distrust
        self.revocations = revocations
        self.results = results
        self.access = access
        self.strangers = strangers
        self.attestNeedsToken = attestNeedsToken
    }
}
