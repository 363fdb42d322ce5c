import Crypto
import Encoding

/// An issuer named by the fingerprint of a certificate authority and a purpose that the signer's certificate must have:
/// `did:x509:0:sha256:FINGERPRINT::eku:OID`.
///
/// Only the policy `eku` is known. An issuer with another policy proves nothing here and is refused.
///
/// - Source: the did:x509 method, version 0.
struct DIDX509 {
    private let fingerprint: [UInt8]
    private let purposes: [OID]

    /// - Throws: `evidence-chain` for another form.
    init(_ text: String) throws(Refusal) {
        let parts = text.split(separator: "::", omittingEmptySubsequences: false)
        let head = parts[0].split(separator: ":", omittingEmptySubsequences: false)
        guard text.utf8.count <= 1_024, head.count == 5, head[0] == "did", head[1] == "x509", head[2] == "0",
            head[3] == "sha256", let fingerprint = Base64.decode(head[4]), fingerprint.count == 32, parts.count > 1
        else { throw Refusal(.evidenceChain, "the endorsement's issuer is not a did:x509 of version 0 with SHA-256") }
        var purposes: [OID] = []
        for policy in parts.dropFirst() {
            guard policy.hasPrefix("eku:"), let purpose = OID(dotted: policy.dropFirst(4)) else {
                throw Refusal(.evidenceChain, "the endorsement's issuer has a policy other than eku")
            }
            purposes.append(purpose)
        }
        self.fingerprint = fingerprint
        self.purposes = purposes
    }

    /// - Throws: `evidence-chain` unless an authority of `path` has the fingerprint and its leaf all purposes.
    func require(_ path: CertificatePath) throws(Refusal) {
        guard path.certificates.dropFirst().contains(where: { SHA256.hash(data: $0.der).elementsEqual(fingerprint) })
        else { throw Refusal(.evidenceChain, "no authority of the endorsement has its issuer's fingerprint") }
        guard (path.leaf.extendedKeyUsage ?? []).isSuperset(of: purposes) else {
            throw Refusal(.evidenceChain, "the endorsement's signer has not the purpose that its issuer names")
        }
    }
}
