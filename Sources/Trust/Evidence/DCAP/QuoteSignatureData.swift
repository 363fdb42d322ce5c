import Encoding

/// How the body of a quote is signed: attestation key, quoting enclave, and what certifies them.
///
/// Version 3 has the members one after the other; from version 4 on, all but the first two are nested in
/// certification data of type 6.
///
/// - Source: as `DCAPQuote`; `evidence.md` section 1.3.
public struct QuoteSignatureData: Sendable {
    /// r and s of the attestation key's signature over header and body, 32 big-endian bytes each.
    public let signature: ArraySlice<UInt8>
    /// x and y of the attestation key, 32 big-endian bytes each.
    public let attestationKey: ArraySlice<UInt8>
    /// The quoting enclave that made the attestation key, and the PCK's signature over its report.
    public let quotingEnclaveReport: SGXReport
    public let quotingEnclaveSignature: ArraySlice<UInt8>
    public let authenticationData: ArraySlice<UInt8>
    public let certificationType: CertificationType
    public let certificationData: ArraySlice<UInt8>
    /// From the attestation key to the end: everything that one platform repeats in each quote.
    let platformPart: ArraySlice<UInt8>
    /// Whether that part is laid out as from version 4 on.
    let isNested: Bool

    /// How a quote names its PCK certificate.
    public enum CertificationType: UInt16, Hashable, Sendable {
        case plainPPID = 1
        case encryptedPPIDRSA2048 = 2
        case encryptedPPIDRSA3072 = 3
        case leafCertificate = 4
        case certificateChain = 5
    }

    /// Type of the certification data that holds the quoting enclave's report, from version 4 on.
    public static let quotingEnclaveReportType: UInt16 = 6

    /// - Throws: `evidence-malformed` naming the field.
    init(_ bytes: ArraySlice<UInt8>, isNested: Bool) throws(Refusal) {
        self.isNested = isNested
        var reader = ByteReader(bytes)
        signature = try reader.take(64, "quote signature")
        platformPart = bytes[reader.position...]
        attestationKey = try reader.take(64, "attestation key")
        if isNested {
            let type: UInt16 = try reader.littleEndian("certification data type")
            guard type == QuoteSignatureData.quotingEnclaveReportType else {
                throw Refusal(
                    .evidenceMalformed, "certification data type \(type) is not a quoting enclave report's (6)")
            }
            let length: UInt32 = try reader.littleEndian("certification data length")
            let inner = try reader.take(Int(length), "certification data")
            try reader.finish("the quote's signature data")
            reader = ByteReader(inner)
        }
        quotingEnclaveReport = SGXReport(try reader.take(SGXReport.Layout.byteCount, "quoting enclave report"))
        quotingEnclaveSignature = try reader.take(64, "quoting enclave signature")
        let authenticationLength: UInt16 = try reader.littleEndian("authentication data length")
        authenticationData = try reader.take(Int(authenticationLength), "authentication data")
        let type: UInt16 = try reader.littleEndian("certification data type")
        guard let certificationType = CertificationType(rawValue: type) else {
            throw Refusal(.evidenceMalformed, "certification data type \(type) does not name a PCK certificate")
        }
        self.certificationType = certificationType
        let certificationLength: UInt32 = try reader.littleEndian("certification data length")
        certificationData = try reader.take(Int(certificationLength), "certification data")
        try reader.finish("the quote's signature data")
    }

    /// Whether the quote carries its PCK certificate chain. Intel's own TDX sample says so of bytes that are none.
    var embedsChain: Bool {
        certificationType == .certificateChain && certificationData.starts(with: "-----BEGIN".utf8)
    }
}
