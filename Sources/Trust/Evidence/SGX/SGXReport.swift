/// The body of an SGX report: of the attested enclave, and of the quoting enclave.
///
/// - Source: Intel SDM volume 3D, REPORT structure; `evidence.md` section 1.3.
public struct SGXReport: Sendable {
    /// The 384 bytes.
    public let bytes: ArraySlice<UInt8>

    /// Offsets in bytes from the start of the body; integers are little-endian.
    public enum Layout {
        public static let byteCount = 384
        public static let cpuSVN = 0
        public static let miscSelect = 16
        public static let extendedProductID = 32
        /// Eight bytes of flags, then eight of XFRM.
        public static let attributes = 48
        public static let mrEnclave = 64
        public static let mrSigner = 128
        public static let configID = 192
        public static let productID = 256
        public static let svn = 258
        public static let configSVN = 260
        public static let familyID = 304
        public static let reportData = 320
    }

    /// Flags of ATTRIBUTES.
    public struct Attributes: OptionSet, Hashable, Sendable {
        public let rawValue: UInt64
        public init(rawValue: UInt64) { self.rawValue = rawValue }
        public static let initialised = Attributes(rawValue: 1 << 0)
        public static let debug = Attributes(rawValue: 1 << 1)
        public static let mode64Bit = Attributes(rawValue: 1 << 2)
        public static let provisionKey = Attributes(rawValue: 1 << 4)
        /// Key separation and sharing: CONFIGID, CONFIGSVN and the extended identifiers have a meaning.
        public static let keySeparationAndSharing = Attributes(rawValue: 1 << 7)
    }

    /// The caller has taken exactly `Layout.byteCount` bytes.
    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    public var cpuSVN: ArraySlice<UInt8> { bytes.field(Layout.cpuSVN, 16) }
    public var miscSelect: ArraySlice<UInt8> { bytes.field(Layout.miscSelect, 4) }
    public var extendedProductID: ArraySlice<UInt8> { bytes.field(Layout.extendedProductID, 16) }
    public var attributes: Attributes { Attributes(rawValue: bytes.littleEndian(Layout.attributes)) }
    /// Flags and XFRM as they are masked by a quoting enclave's identity.
    public var attributeBytes: ArraySlice<UInt8> { bytes.field(Layout.attributes, 16) }
    public var mrEnclave: ArraySlice<UInt8> { bytes.field(Layout.mrEnclave, 32) }
    public var mrSigner: ArraySlice<UInt8> { bytes.field(Layout.mrSigner, 32) }
    public var configID: ArraySlice<UInt8> { bytes.field(Layout.configID, 64) }
    public var productID: UInt16 { bytes.littleEndian(Layout.productID) }
    public var svn: UInt16 { bytes.littleEndian(Layout.svn) }
    public var configSVN: UInt16 { bytes.littleEndian(Layout.configSVN) }
    public var familyID: ArraySlice<UInt8> { bytes.field(Layout.familyID, 16) }
    public var reportData: ArraySlice<UInt8> { bytes.field(Layout.reportData, 64) }
}
