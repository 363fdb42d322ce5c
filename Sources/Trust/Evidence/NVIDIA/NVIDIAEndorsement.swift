import Crypto
import Encoding

/// The certificate of a device's attestation key under NVIDIA's chain, proven but for trust and time.
///
/// The certificates have no end (9999-12-31); only OCSP could say that one was withdrawn, and no OCSP answer comes with
/// the evidence.
struct NVIDIAEndorsement: Sendable {
    static let certificateCount = 5

    let path: CertificatePath
    let key: P384.Signing.PublicKey
    /// SHA-384 of the firmware that the leaf was made for; nil when the leaf does not say.
    let firmwareID: [UInt8]?
    /// What the check that names this chain says.
    let detail: String

    /// - Parameter text: the PEM chain in its exact form, see `CertificateText`.
    /// - Throws: `evidence-chain`.
    init(_ text: ArraySlice<UInt8>, known: CertificateMemory) throws(Refusal) {
        let certificates = try CertificateText.certificates(
            text, atMost: NVIDIAEndorsement.certificateCount, known: known)
        guard certificates.count == NVIDIAEndorsement.certificateCount else {
            throw Refusal(
                .evidenceChain,
                "an NVIDIA device chain has \(NVIDIAEndorsement.certificateCount) certificates, not \(certificates.count)"
            )
        }
        path = try CertificatePath(certificates, refusing: .evidenceChain, known: known)
        guard case .p384(let key) = path.leaf.publicKey else {
            throw Refusal(.evidenceChain, "the attestation key is not P-384")
        }
        self.key = key
        do { firmwareID = try NVIDIAEndorsement.firmwareID(path.leaf) } catch {
            throw Refusal(.evidenceChain, "the firmware id of \(path.leaf.nameForDetail) is not readable")
        }
        detail = "\(path.leaf.nameForDetail) under \(path.certificates[1].nameForDetail)"
    }

    /// Hopper and LS10 use an early DICE form, `SEQUENCE { version, SubjectPublicKeyInfo, FWID }`; Blackwell uses
    /// `DiceTcbInfo`, whose member 6 is a list of FWIDs, the firmware's first.
    ///
    /// - Source: TCG DICE Attestation Architecture, `DiceTcbInfo`; the extensions as seen in NVIDIA's certificates.
    private static func firmwareID(_ leaf: Certificate) throws -> [UInt8]? {
        if let value = leaf.extensionValue("2.23.133.5.4.1") {
            return try DERValue(parsing: value).members { nodes in
                _ = try nodes.required().integerBytes
                _ = try nodes.required()
                return try digest(nodes.required())
            }
        }
        guard let value = leaf.extensionValue("2.23.133.5.4.1.1") else { return nil }
        return try DERValue(parsing: value).members { nodes in
            var found: [UInt8]?
            while let node = try nodes.next() {
                guard node.tag == DERValue.Tag.explicit(6) else { continue }
                var list = DERReader(node.content)
                found = try digest(list.required())
            }
            return found
        }
    }

    /// `FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING }`, SHA-384 only.
    private static func digest(_ node: DERValue) throws -> [UInt8] {
        try node.members { nodes in
            guard try nodes.required().objectIdentifier == .sha384 else { throw UnsupportedASN1.signatureAlgorithm }
            return Array(try nodes.required().octets)
        }
    }
}
