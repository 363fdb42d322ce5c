public import Encoding

/// An SGX DCAP quote of version 3 with an ECDSA P-256 attestation key, parsed but not verified.
///
/// - Source: Intel SGX ECDSA QuoteLibReference, appendix A; `evidence.md` section 1.3.
public struct SGXQuote: Sendable {
    /// The quote without the zero bytes that some transports append.
    public let bytes: ArraySlice<UInt8>
    /// How many zero bytes followed the quote.
    public let trailingZeroBytes: Int
    /// The attested enclave.
    public let report: SGXReport
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

    /// Offsets in bytes from the start of the quote; integers are little-endian.
    public enum Layout {
        public static let headerBytes = 48
        public static let version = 0
        public static let attestationKeyType = 2
        /// Reserved in version 3; the TEE type of later versions.
        public static let teeType = 4
        public static let quotingEnclaveSVN = 8
        public static let provisioningEnclaveSVN = 10
        public static let quotingEnclaveVendor = 12
        public static let userData = 28
        public static let report = 48
        public static let signatureDataLength = 432
        public static let signatureData = 436
        /// Offsets inside the signature data.
        public static let attestationKey = 64
        public static let quotingEnclaveReport = 128
        public static let quotingEnclaveSignature = 512
        public static let authenticationDataLength = 576
        /// Intel's quoting enclave.
        public static let intelVendor: [UInt8] = [
            0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
        ]
        /// Longest input that is read, padding included.
        public static let maximumBytes = 65_536
    }

    /// How the quote names its PCK certificate.
    public enum CertificationType: UInt16, Hashable, Sendable {
        case plainPPID = 1
        case encryptedPPIDRSA2048 = 2
        case encryptedPPIDRSA3072 = 3
        case leafCertificate = 4
        case certificateChain = 5
    }

    /// Reads a quote that fills `input`, zero bytes after it aside.
    ///
    /// - Throws: `evidence-malformed` naming the field.
    public init(_ input: ArraySlice<UInt8>) throws(Refusal) {
        guard input.count <= Layout.maximumBytes else {
            throw Refusal(.evidenceMalformed, "an SGX quote of \(input.count) bytes is longer than any")
        }
        var reader = ByteReader(input)
        try SGXQuote.readHeader(&reader)
        report = SGXReport(try reader.take(SGXReport.Layout.byteCount, "enclave report"))
        let length: UInt32 = try reader.littleEndian("signature data length")
        let signatureData = try reader.take(Int(length), "signature data")
        let rest = reader.rest()
        guard rest.isZero else {
            throw Refusal(.evidenceMalformed, "\(rest.count) bytes that are not all zero follow the SGX quote")
        }
        trailingZeroBytes = rest.count
        bytes = input.dropLast(rest.count)

        var inner = ByteReader(signatureData)
        signature = try inner.take(64, "quote signature")
        platformPart = signatureData[inner.position...]
        attestationKey = try inner.take(64, "attestation key")
        quotingEnclaveReport = SGXReport(try inner.take(SGXReport.Layout.byteCount, "quoting enclave report"))
        quotingEnclaveSignature = try inner.take(64, "quoting enclave signature")
        let authenticationLength: UInt16 = try inner.littleEndian("authentication data length")
        authenticationData = try inner.take(Int(authenticationLength), "authentication data")
        let type: UInt16 = try inner.littleEndian("certification data type")
        guard let certificationType = CertificationType(rawValue: type) else {
            throw Refusal(.evidenceMalformed, "certification data type \(type) is not one of an SGX quote of version 3")
        }
        self.certificationType = certificationType
        let certificationLength: UInt32 = try inner.littleEndian("certification data length")
        certificationData = try inner.take(Int(certificationLength), "certification data")
        try inner.finish("the SGX quote's signature data")
    }

    private static func readHeader(_ reader: inout ByteReader) throws(Refusal) {
        let version: UInt16 = try reader.littleEndian("version")
        guard version == 3 else {
            throw Refusal(.evidenceMalformed, "quote version \(version) is not that of an SGX quote (3)")
        }
        let keyType: UInt16 = try reader.littleEndian("attestation key type")
        guard keyType == 2 else {
            throw Refusal(.evidenceMalformed, "attestation key type \(keyType) is not ECDSA P-256 (2)")
        }
        let teeType: UInt32 = try reader.littleEndian("TEE type")
        guard teeType == 0 else { throw Refusal(.evidenceMalformed, "TEE type \(teeType) is not SGX (0)") }
        _ = try reader.take(4, "security versions")
        guard try reader.take(16, "quoting enclave vendor").elementsEqual(Layout.intelVendor) else {
            throw Refusal(.evidenceMalformed, "the quoting enclave's vendor is not Intel")
        }
        _ = try reader.take(20, "user data")
    }

    /// Header and body: what the attestation key signs.
    var signedBytes: ArraySlice<UInt8> { bytes.field(0, Layout.signatureDataLength) }
}
