public import Encoding

/// The root keys that evidence may chain to, matched by public key, each with the grade that it gives.
///
/// Certificates are not compared: Intel's root exists in two encodings with one key.
public struct TrustAnchors: Hashable, Sendable {
    /// What a root key vouches for.
    public enum Role: Hashable, Sendable {
        /// PCK certificates and signed collateral of Intel SGX and TDX.
        case dcap
        /// VCEKs and VLEKs of one AMD product.
        case ark(SNPProduct)
        /// Attestation keys of Azure's virtual TPMs.
        case azureVTPM
        /// Attestation keys of Google's virtual TPMs.
        case googleVTPM
        /// Documents of AWS Nitro Enclaves.
        case nitro
        /// Attestation keys of NVIDIA GPUs.
        case nvidia
    }

    /// A trusted root key.
    public struct Anchor: Hashable, Sendable {
        public let role: Role
        /// SHA-256 of the root's `SubjectPublicKeyInfo`.
        public let pin: Digest
        public let grade: Grade
    }

    private var anchors: [Role: [Digest: Anchor]] = [:]

    /// No roots at all.
    public init() {}

    /// All anchors, in no particular order.
    public var all: [Anchor] { anchors.values.flatMap(\.values) }

    /// The same anchors and those of a simulated TEE; what they vouch for has the grade `simulated`.
    public func trusting(_ root: SimulatedRoot) -> TrustAnchors {
        var result = self
        result.add(Anchor(role: .dcap, pin: root.sgxRoot.pin, grade: .simulated))
        for (product, ark) in root.arks { result.add(Anchor(role: .ark(product), pin: ark.pin, grade: .simulated)) }
        if let nitroRoot = root.nitroRoot { result.add(Anchor(role: .nitro, pin: nitroRoot.pin, grade: .simulated)) }
        if let vtpmRoot = root.vtpmRoot {
            for role in [Role.azureVTPM, .googleVTPM] {
                result.add(Anchor(role: role, pin: vtpmRoot.pin, grade: .simulated))
            }
        }
        return result
    }

    /// The same anchors and one more.
    public func trusting(_ root: Certificate, as role: Role, grade: Grade) -> TrustAnchors {
        var result = self
        result.add(Anchor(role: role, pin: root.pin, grade: grade))
        return result
    }

    /// The anchor with `root`'s key in `role`; nil when it is not trusted there.
    func anchor(_ root: Certificate, _ role: Role) -> Anchor? { anchors[role]?[root.pin] }

    /// A key that is already there keeps its grade: nothing can be said about a vendor's root by naming it again.
    mutating func add(_ anchor: Anchor) {
        if anchors[anchor.role]?[anchor.pin] == nil { anchors[anchor.role, default: [:]][anchor.pin] = anchor }
    }
}
