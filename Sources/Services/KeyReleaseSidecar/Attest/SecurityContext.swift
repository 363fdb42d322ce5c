package import Attester
import Crypto
package import Encoding

/// What the host tells a container group about itself: its execution policy, certificates of the chip, and the
/// endorsement of the utility VM. Nothing in it is trusted; verifiers compare it with the report.
///
/// - Source: sidecars page section 2.
package struct SecurityContext: Sendable {
    /// Base64 of the execution policy; empty where there is none.
    package var policyText = ""
    /// Base64 of THIM JSON.
    package var certificatesText = ""
    /// Base64 of a COSE message.
    package var endorsementText = ""

    package init(policyText: String = "", certificatesText: String = "", endorsementText: String = "") {
        self.policyText = policyText
        self.certificatesText = certificatesText
        self.endorsementText = endorsementText
    }

    /// Confidential nodes of Kubernetes have their context here.
    private static let kubernetesFolder = "/opt/confidential-containers/share/kata-containers"

    /// Reads the context of this machine.
    ///
    /// - Parameters:
    ///   - environment: names the folder, or has the content where there is no folder with an endorsement.
    ///   - rootEntries: names in the root folder, where the folder of the context has a name of its own.
    package init(environment: [String: String], rootEntries: [String], files: AttestationFiles) {
        let named = rootEntries.sorted().first { $0.contains("security-context-") }
        let folder = environment["UVM_SECURITY_CONTEXT_DIR"] ?? named.map { "/" + $0 } ?? Self.kubernetesFolder
        func text(_ name: String) -> String {
            guard let bytes = try? files.read(folder + "/" + name) else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        self.init(
            policyText: text("security-policy-base64"), certificatesText: text("host-amd-cert-base64"),
            endorsementText: text("reference-info-base64"))
        guard endorsementText.isEmpty else { return }
        policyText = environment["UVM_SECURITY_POLICY"] ?? policyText
        certificatesText = environment["UVM_HOST_AMD_CERTIFICATE"] ?? certificatesText
        endorsementText = environment["UVM_REFERENCE_INFO"] ?? endorsementText
    }

    /// SHA-256 of the execution policy: what HOST_DATA has to be.
    ///
    /// - Throws: `config-mismatch` for a policy that is not base64.
    package func policyDigest() throws(Refusal) -> Encoding.Digest {
        guard let policy = Base64.decode(policyText, .lenient) else {
            throw Refusal(.configMismatch, "decoding policy from Base64 format failed")
        }
        return Digest(of: policy)
    }

    /// - Throws: `collateral-invalid` for certificates that cannot be read; nil where there are none.
    package func certificates() throws(Refusal) -> HostCertificates? {
        guard !certificatesText.isEmpty else { return nil }
        guard let bytes = Base64.decode(certificatesText, .lenient) else {
            throw Refusal(.collateralInvalid, "the host's certificates in the security context are not base64")
        }
        return try HostCertificates(thim: bytes)
    }

    /// The COSE message; nil where there is none.
    ///
    /// - Throws: `endorsement-invalid` for one that is not base64.
    func endorsement() throws(Refusal) -> [UInt8]? {
        guard !endorsementText.isEmpty else { return nil }
        guard let bytes = Base64.decode(endorsementText, .lenient) else {
            throw Refusal(.endorsementInvalid, "decoding UVM reference information from Base64 format failed")
        }
        return bytes
    }
}
