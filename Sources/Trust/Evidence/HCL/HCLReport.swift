import Crypto
public import Encoding

/// What the paravisor of an Azure confidential VM wrote when it started: a hardware report, and the runtime data that the
/// report binds, among them the key that the virtual TPM attests with. Parsed, not verified.
///
/// - Source: `evidence.md` section 1.4; TPM non-volatile index 0x01400001.
public struct HCLReport: Sendable {
    /// The hardware's report, by the type that the HCL report names.
    public enum Hardware: Sendable {
        case snp(SNPReport)
        case tdx(HCLTDReport)
    }

    public let headerVersion: UInt32
    public let hardware: Hardware
    public let runtimeData: HCLRuntimeData
    /// The digest of the runtime data, by the hash that the report names: what the hardware's report data begins with.
    public let runtimeDigest: [UInt8]

    /// Offsets in bytes from the start of the report; integers are little-endian.
    public enum Layout {
        public static let hardwareReport = 32
        /// The area of the hardware's report, whatever its kind; zeros fill it up.
        public static let hardwareBytes = 1_184
        public static let runtimeData = 1_236
        /// Longest report that is read; the non-volatile area has 2,600 bytes, older ones 2,048.
        public static let maximumBytes = 8_192
    }

    private static let snpType: UInt32 = 2
    private static let tdxType: UInt32 = 4

    /// Reads a report that fills `bytes`, zero bytes after it aside.
    ///
    /// - Throws: `evidence-malformed` naming the field, also for a hardware report of another kind than the report names.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        guard bytes.count <= Layout.maximumBytes else {
            throw Refusal(.evidenceMalformed, "an HCL report of \(bytes.count) bytes is longer than any")
        }
        var reader = ByteReader(bytes)
        guard try reader.take(4, "HCL signature").elementsEqual("HCLA".utf8) else {
            throw Refusal(.evidenceMalformed, "the HCL report does not begin with HCLA")
        }
        headerVersion = try reader.littleEndian("HCL header version")
        let size: UInt32 = try reader.littleEndian("HCL report size")
        let request: UInt32 = try reader.littleEndian("HCL request type")
        let status: UInt32 = try reader.littleEndian("HCL status")
        let reserved = try reader.take(12, "HCL reserved bytes")
        guard (1...2).contains(headerVersion), request == 2, status == 0, reserved.isZero else {
            throw Refusal(.evidenceMalformed, "the HCL report has an unknown version, request type or status")
        }
        let hardwareArea = try reader.take(Layout.hardwareBytes, "hardware report")
        let dataSize: UInt32 = try reader.littleEndian("HCL data size")
        let dataVersion: UInt32 = try reader.littleEndian("HCL data version")
        let type: UInt32 = try reader.littleEndian("HCL report type")
        let hash: UInt32 = try reader.littleEndian("HCL hash type")
        let length: UInt32 = try reader.littleEndian("runtime data length")
        let content = try reader.take(Int(length), "runtime data")
        // Both sizes count from the start of what they describe to the end of the runtime data.
        guard dataVersion == 1, Int(dataSize) == 20 + content.count, Int(size) == Layout.runtimeData + content.count
        else { throw Refusal(.evidenceMalformed, "the sizes in the HCL report do not agree") }
        guard reader.rest().isZero else {
            throw Refusal(.evidenceMalformed, "bytes that are not all zero follow the HCL report's runtime data")
        }
        switch type {
        case HCLReport.snpType: hardware = .snp(try SNPReport(hardwareArea))
        case HCLReport.tdxType: hardware = .tdx(try HCLTDReport(area: hardwareArea))
        default: throw Refusal(.evidenceMalformed, "HCL report type \(type) is neither SNP (2) nor TDX (4)")
        }
        runtimeDigest = try HCLReport.digest(content, hash)
        runtimeData = try HCLRuntimeData(content)
    }

    private static func digest(_ content: ArraySlice<UInt8>, _ type: UInt32) throws(Refusal) -> [UInt8] {
        switch type {
        case 1: Array(SHA256.hash(data: content))
        case 2: Array(SHA384.hash(data: content))
        case 3: Array(SHA512.hash(data: content))
        default: throw Refusal(.evidenceMalformed, "HCL hash type \(type) is not known; 1 to 3 are")
        }
    }

    /// The 64 bytes that the hardware's report binds.
    public var reportData: ArraySlice<UInt8> {
        switch hardware {
        case .snp(let report): report.reportData
        case .tdx(let report): report.reportData
        }
    }

    /// Whether the hardware's report data is the runtime digest, filled up with zeros.
    var bindsRuntimeData: Bool {
        reportData.starts(with: runtimeDigest) && reportData.dropFirst(runtimeDigest.count).isZero
    }
}

/// The part of a TDREPORT that a quote repeats. Its own authentication code is for the machine alone that made it.
///
/// - Source: Intel TDX module, TDREPORT_STRUCT; `evidence.md` section 1.4.
public struct HCLTDReport: Sendable {
    /// 64 bytes.
    public let reportData: ArraySlice<UInt8>
    /// 48 bytes.
    public let mrTD: ArraySlice<UInt8>

    private static let byteCount = 1_024

    /// - Parameter area: a TDREPORT, with zeros after it.
    /// - Throws: `evidence-malformed`.
    init(area: ArraySlice<UInt8>) throws(Refusal) {
        // REPORTMACSTRUCT begins with the type 0x81 of a TD, without subtype.
        guard area.count >= HCLTDReport.byteCount, area.field(0, 4).elementsEqual([0x81, 0, 0, 0]) else {
            throw Refusal(.evidenceMalformed, "the HCL report says TDX, and its hardware report is not a TDREPORT")
        }
        guard area.dropFirst(HCLTDReport.byteCount).isZero else {
            throw Refusal(.evidenceMalformed, "bytes that are not all zero follow the TDREPORT")
        }
        reportData = area.field(128, 64)
        mrTD = area.field(512 + 16, 48)
    }
}
