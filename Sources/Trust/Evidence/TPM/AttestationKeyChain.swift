import Encoding

/// The certificate of a TPM's attestation key up to a root, proven but for trust and time.
struct AttestationKeyChain: Sendable {
    static let maximumCertificates = 6

    let path: CertificatePath

    /// - Parameter certificates: the key's own first, the root last. The first may come as it lies in the TPM's memory.
    /// - Throws: `evidence-chain`.
    init(_ certificates: [ArraySlice<UInt8>]) throws(Refusal) {
        guard let leaf = certificates.first, (2...AttestationKeyChain.maximumCertificates).contains(certificates.count)
        else {
            throw Refusal(
                .evidenceChain, "the attestation key's certificate comes with its issuers and their root, 2 to 6 in all"
            )
        }
        var all = [try AttestationKeyChain.certificate(stored: leaf)]
        for issuer in certificates.dropFirst() { all.append(try Certificate(der: issuer)) }
        path = try CertificatePath(all, refusing: .evidenceChain)
        try AttestationKeyChain.requirePurpose(path.leaf)
    }

    /// A certificate from a TPM's non-volatile memory: DER at the beginning of an area that zeros fill up.
    ///
    /// - Throws: `evidence-chain`.
    static func certificate(stored area: ArraySlice<UInt8>) throws(Refusal) -> Certificate {
        var reader = ByteReader(area, refusing: .evidenceChain)
        guard try reader.uint8("certificate") == 0x30 else {
            throw Refusal(.evidenceChain, "the attestation key's certificate is not DER")
        }
        let first = try reader.uint8("certificate length")
        let content =
            switch first {
            case 0..<0x80: Int(first)
            case 0x81: Int(try reader.uint8("certificate length"))
            case 0x82: Int(try reader.bigEndian(UInt16.self, "certificate length"))
            default: throw Refusal(.evidenceChain, "the attestation key's certificate is longer than any")
            }
        _ = try reader.take(content, "certificate")
        let end = reader.position
        guard reader.rest().isZero else {
            throw Refusal(.evidenceChain, "bytes that are not zero follow the attestation key's certificate")
        }
        return try Certificate(der: area[..<end])
    }

    /// Where the certificate says what its key is for, that must be a TPM's endorsement or attestation key.
    ///
    /// Google's name the purpose of endorsement keys, or none; a key that may only decrypt does not pass as a leaf.
    private static func requirePurpose(_ leaf: Certificate) throws(Refusal) {
        guard leaf.extensionValue(.extendedKeyUsage) != nil else { return }
        guard let purposes = leaf.extendedKeyUsage, !purposes.isDisjoint(with: ["2.23.133.8.1", "2.23.133.8.3"]) else {
            throw Refusal(.evidenceChain, "\(leaf.nameForDetail) is not for a TPM's key")
        }
    }
}
