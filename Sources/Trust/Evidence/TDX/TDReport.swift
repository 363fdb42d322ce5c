/// The body of a TDX quote: one trust domain and the TDX module under it.
///
/// TD 1.0 has 584 bytes; TD 1.5, in quotes of version 5 only, 64 more.
///
/// - Source: Intel TDX DCAP Quoting Library API, appendix A, `sgx_report2_body_t` and `sgx_report2_body_v1_5_t`;
///   `evidence.md` section 1.3.
public struct TDReport: Sendable {
    /// The 584 or 648 bytes.
    public let bytes: ArraySlice<UInt8>

    /// Offsets in bytes from the start of the body; integers are little-endian.
    public enum Layout {
        /// Of TD 1.0.
        public static let byteCount = 584
        /// Of TD 1.5.
        public static let extendedByteCount = 648
        public static let teeTCBSVN = 0
        public static let mrSeam = 16
        public static let mrSignerSeam = 64
        public static let seamAttributes = 112
        public static let tdAttributes = 120
        public static let xfam = 128
        public static let mrTD = 136
        public static let mrConfigID = 184
        public static let mrOwner = 232
        public static let mrOwnerConfig = 280
        public static let rtmr = 328
        public static let reportData = 520
        public static let teeTCBSVN2 = 584
        public static let mrServiceTD = 600
        /// Bytes of each measurement register.
        public static let measurementBytes = 48
    }

    /// The caller has taken exactly `Layout.byteCount` or `Layout.extendedByteCount` bytes.
    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// Whether the fields of TD 1.5 are there.
    public var isExtended: Bool { bytes.count == Layout.extendedByteCount }

    /// Security versions at the TD's launch.
    public var teeTCBSVN: TEETCBSVN { TEETCBSVN(bytes.field(Layout.teeTCBSVN, 16)) }
    public var mrSeam: ArraySlice<UInt8> { measurement(Layout.mrSeam) }
    /// Zero for a module signed by Intel.
    public var mrSignerSeam: ArraySlice<UInt8> { measurement(Layout.mrSignerSeam) }
    public var seamAttributes: ArraySlice<UInt8> { bytes.field(Layout.seamAttributes, 8) }
    public var attributes: TDAttributes { TDAttributes(rawValue: bytes.littleEndian(Layout.tdAttributes)) }
    public var attributeBytes: ArraySlice<UInt8> { bytes.field(Layout.tdAttributes, 8) }
    /// Which extended features the TD may use, bit by bit as in XCR0 and IA32_XSS.
    public var xfam: UInt64 { bytes.littleEndian(Layout.xfam) }
    public var xfamBytes: ArraySlice<UInt8> { bytes.field(Layout.xfam, 8) }
    public var mrTD: ArraySlice<UInt8> { measurement(Layout.mrTD) }
    public var mrConfigID: ArraySlice<UInt8> { measurement(Layout.mrConfigID) }
    public var mrOwner: ArraySlice<UInt8> { measurement(Layout.mrOwner) }
    public var mrOwnerConfig: ArraySlice<UInt8> { measurement(Layout.mrOwnerConfig) }
    /// The four run-time measurement registers.
    public var rtmrs: [ArraySlice<UInt8>] {
        (0..<4).map { measurement(Layout.rtmr + $0 * Layout.measurementBytes) }
    }
    public var reportData: ArraySlice<UInt8> { bytes.field(Layout.reportData, 64) }
    /// Security versions now, after updates that kept the TD running; nil in TD 1.0.
    public var teeTCBSVN2: TEETCBSVN? { isExtended ? TEETCBSVN(bytes.field(Layout.teeTCBSVN2, 16)) : nil }
    /// Hash over the service TDs that are bound to this one, zero for none; nil in TD 1.0.
    public var mrServiceTD: ArraySlice<UInt8>? { isExtended ? measurement(Layout.mrServiceTD) : nil }

    private func measurement(_ offset: Int) -> ArraySlice<UInt8> { bytes.field(offset, Layout.measurementBytes) }
}

/// The 16 security versions of TEE_TCB_SVN or TEE_TCB_SVN_2.
///
/// - Source: Intel TDX module base specification, "TEE_TCB_SVN"; `evidence.md` section 1.3.
public struct TEETCBSVN: Sendable {
    public let components: ArraySlice<UInt8>

    init(_ components: ArraySlice<UInt8>) {
        self.components = components
    }

    /// ISVSVN of the TDX module.
    public var moduleSVN: UInt8 { component(0) }
    /// Major version of the TDX module; 0 for modules that the TCB levels themselves describe.
    public var moduleVersion: UInt8 { component(1) }
    /// SEAM loader, or microcode that was loaded late.
    public var lateMicrocode: UInt8 { component(2) }

    /// Index of the first component that TCB levels are compared in: the module's two have levels of their own from
    /// version 1 on.
    var firstCompared: Int { moduleVersion == 0 ? 0 : 2 }

    private func component(_ index: Int) -> UInt8 { components[components.startIndex + index] }
}
