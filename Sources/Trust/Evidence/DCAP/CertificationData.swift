import Encoding

/// Certification data that names a platform instead of carrying its certificate chain.
enum CertificationData {
    /// Requires that a chain that came with the collateral is for the platform that the quote names.
    ///
    /// Encrypted PPIDs cannot be compared by anyone but Intel; CPUSVN, PCESVN and PCEID can.
    ///
    /// - Throws: `evidence-malformed` for a wrong length, `evidence-chain` for another platform or TCB.
    /// - Source: Intel SGX ECDSA QuoteLibReference, certification data types 1 to 4.
    static func requireSame(
        _ quote: QuoteSignatureData, _ chain: PCKChain, known: CertificateMemory
    ) throws(Refusal) {
        let data = quote.certificationData
        switch quote.certificationType {
        case .certificateChain:
            return
        case .leafCertificate:
            let certificates = try CertificateText.certificates(data, atMost: 1, known: known)
            guard certificates == [chain.leaf] else {
                throw Refusal(.evidenceChain, "the supplied PCK certificate is not the one that the quote carries")
            }
        case .plainPPID:
            guard data.prefix(16).elementsEqual(chain.platform.ppid) else { throw otherPlatform }
            try compare(data.dropFirst(16), chain, namesPCE: false)
        case .encryptedPPIDRSA2048: try compare(data.dropFirst(256), chain, namesPCE: true)
        case .encryptedPPIDRSA3072: try compare(data.dropFirst(384), chain, namesPCE: true)
        }
    }

    /// CPUSVN (16 bytes) and PCESVN (2), after an encrypted PPID also PCEID (2).
    private static func compare(
        _ data: ArraySlice<UInt8>, _ chain: PCKChain, namesPCE: Bool
    ) throws(Refusal) {
        var reader = ByteReader(data)
        let cpuSVN = try reader.take(16, "CPUSVN")
        let pceSVN: UInt16 = try reader.littleEndian("PCESVN")
        let pceID = namesPCE ? try reader.take(2, "PCEID") : chain.platform.pceID[...]
        try reader.finish("the certification data")
        guard cpuSVN.elementsEqual(chain.platform.cpuSVN), pceSVN == chain.platform.pceSVN,
            pceID.elementsEqual(chain.platform.pceID)
        else { throw otherPlatform }
    }

    private static var otherPlatform: Refusal {
        Refusal(.evidenceChain, "the supplied PCK certificate is for another platform or TCB")
    }
}
