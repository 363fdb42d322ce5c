public import Encoding

/// A quote of SGX or TDX with an ECDSA P-256 attestation key: version 3 (SGX), 4 and 5 (either), parsed but not verified.
///
/// - Source: Intel SGX ECDSA QuoteLibReference, appendix A, and Intel TDX DCAP Quoting Library API, appendix A;
///   `evidence.md` section 1.3.
public struct DCAPQuote: Sendable {
    /// What the quote attests.
    public enum Body: Sendable {
        case sgx(SGXReport)
        case td(TDReport)
    }

    /// The quote without the zero bytes that some transports append.
    public let bytes: ArraySlice<UInt8>
    /// How many zero bytes followed the quote.
    public let trailingZeroBytes: Int
    /// 3, 4 or 5.
    public let version: UInt16
    public let body: Body
    public let signatureData: QuoteSignatureData
    /// Header and body, in version 5 with the body's descriptor between them: what the attestation key signs.
    let signedBytes: ArraySlice<UInt8>

    public var tee: TEE {
        switch body {
        case .sgx: .sgx
        case .td: .tdx
        }
    }

    /// Offsets in bytes from the start of the quote; integers are little-endian.
    public enum Layout {
        public static let headerBytes = 48
        public static let version = 0
        public static let attestationKeyType = 2
        /// Reserved in version 3: 0 there too.
        public static let teeType = 4
        /// In version 3; reserved later.
        public static let quotingEnclaveSVN = 8
        public static let provisioningEnclaveSVN = 10
        public static let quotingEnclaveVendor = 12
        public static let userData = 28
        /// The body in versions 3 and 4; the body's descriptor in version 5.
        public static let report = 48
        /// Body type (two bytes) and size (four), in version 5.
        public static let bodyDescriptorBytes = 6
        /// Values of the TEE type.
        public static let sgx: UInt32 = 0
        public static let tdx: UInt32 = 0x81
        /// Intel's quoting enclaves.
        public static let intelVendor: [UInt8] = [
            0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
        ]
        /// Longest input that is read, padding included.
        public static let maximumBytes = 65_536

        /// Where the body begins in a quote of `version`.
        public static func body(version: UInt16) -> Int { version < 5 ? report : report + bodyDescriptorBytes }
    }

    /// Reads a quote that fills `input`, zero bytes after it aside.
    ///
    /// - Throws: `evidence-malformed` naming the field.
    public init(_ input: ArraySlice<UInt8>) throws(Refusal) {
        guard input.count <= Layout.maximumBytes else {
            throw Refusal(.evidenceMalformed, "a quote of \(input.count) bytes is longer than any")
        }
        var reader = ByteReader(input)
        let header = try Header(&reader)
        version = header.version
        body = try DCAPQuote.body(&reader, header)
        signedBytes = input[input.startIndex..<reader.position]
        let length: UInt32 = try reader.littleEndian("signature data length")
        let signatureData = try reader.take(Int(length), "signature data")
        let rest = reader.rest()
        guard rest.isZero else {
            throw Refusal(.evidenceMalformed, "\(rest.count) bytes that are not all zero follow the quote")
        }
        trailingZeroBytes = rest.count
        bytes = input.dropLast(rest.count)
        self.signatureData = try QuoteSignatureData(signatureData, isNested: version > 3)
    }

    /// The members of a quote's header that decide how the rest is read.
    private struct Header {
        let version: UInt16
        let teeType: UInt32

        init(_ reader: inout ByteReader) throws(Refusal) {
            version = try reader.littleEndian("version")
            guard (3...5).contains(version) else {
                throw Refusal(.evidenceMalformed, "quote version \(version) is not 3, 4 or 5")
            }
            let keyType: UInt16 = try reader.littleEndian("attestation key type")
            guard keyType == 2 else {
                throw Refusal(.evidenceMalformed, "attestation key type \(keyType) is not ECDSA P-256 (2)")
            }
            teeType = try reader.littleEndian("TEE type")
            guard teeType == Layout.sgx || (teeType == Layout.tdx && version > 3) else {
                throw Refusal(.evidenceMalformed, "TEE type \(teeType) is none of a quote of version \(version)")
            }
            _ = try reader.take(4, "security versions")
            guard try reader.take(16, "quoting enclave vendor").elementsEqual(Layout.intelVendor) else {
                throw Refusal(.evidenceMalformed, "the quoting enclave's vendor is not Intel")
            }
            _ = try reader.take(20, "user data")
        }
    }

    private static func body(_ reader: inout ByteReader, _ header: Header) throws(Refusal) -> Body {
        guard header.version == 5 else {
            if header.teeType == Layout.sgx {
                return .sgx(SGXReport(try reader.take(SGXReport.Layout.byteCount, "enclave report")))
            }
            return .td(TDReport(try reader.take(TDReport.Layout.byteCount, "TD report")))
        }
        let type: UInt16 = try reader.littleEndian("body type")
        let size: UInt32 = try reader.littleEndian("body size")
        let (tee, wanted): (UInt32, Int)
        switch type {
        case 1: (tee, wanted) = (Layout.sgx, SGXReport.Layout.byteCount)
        case 2: (tee, wanted) = (Layout.tdx, TDReport.Layout.byteCount)
        case 3: (tee, wanted) = (Layout.tdx, TDReport.Layout.extendedByteCount)
        default: throw Refusal(.evidenceMalformed, "body type \(type) is not read; 1 to 3 are")
        }
        guard tee == header.teeType, size == wanted else {
            throw Refusal(
                .evidenceMalformed, "body type \(type) of \(size) bytes does not fit TEE type \(header.teeType)")
        }
        let bytes = try reader.take(wanted, "body")
        return type == 1 ? .sgx(SGXReport(bytes)) : .td(TDReport(bytes))
    }
}
