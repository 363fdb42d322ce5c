import Encoding

/// Certification data that names a platform instead of carrying its certificate chain.
enum SGXCertificationData {
    /// Requires that a chain that came with the collateral is for the platform that the quote names.
    ///
    /// Encrypted PPIDs cannot be compared by anyone but Intel; CPUSVN, PCESVN and PCEID can.
    ///
    /// - Throws: `evidence-malformed` for a wrong length, `evidence-chain` for another platform or TCB.
    /// - Source: Intel SGX ECDSA QuoteLibReference, certification data types 1 to 4.
    static func requireSame(_ quote: SGXQuote, _ chain: PCKChain) throws(Refusal) {
        let data = quote.certificationData
        switch quote.certificationType {
        case .certificateChain:
            return
        case .leafCertificate:
            let blocks = try CertificateText.blocks(data, atMost: 1)
            guard blocks.first == chain.leaf.der else {
                throw Refusal(.evidenceChain, "the supplied PCK certificate is not the one that the quote carries")
            }
        case .plainPPID: try compare(data, ppidBytes: 16, chain, comparesPPID: true)
        case .encryptedPPIDRSA2048: try compare(data, ppidBytes: 256, chain, comparesPPID: false)
        case .encryptedPPIDRSA3072: try compare(data, ppidBytes: 384, chain, comparesPPID: false)
        }
    }

    /// PPID, CPUSVN (16 bytes), PCESVN (2), PCEID (2).
    private static func compare(
        _ data: ArraySlice<UInt8>, ppidBytes: Int, _ chain: PCKChain, comparesPPID: Bool
    ) throws(Refusal) {
        var reader = ByteReader(data)
        let ppid = try reader.take(ppidBytes, "PPID")
        let cpuSVN = try reader.take(16, "CPUSVN")
        let pceSVN: UInt16 = try reader.littleEndian("PCESVN")
        let pceID = try reader.take(2, "PCEID")
        try reader.finish("the certification data")
        guard !comparesPPID || ppid.elementsEqual(chain.platform.ppid), cpuSVN.elementsEqual(chain.platform.cpuSVN),
            pceSVN == chain.platform.pceSVN, pceID.elementsEqual(chain.platform.pceID)
        else { throw Refusal(.evidenceChain, "the supplied PCK certificate is for another platform or TCB") }
    }
}
