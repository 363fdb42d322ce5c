public import Encoding

/// A SEV-SNP attestation report, parsed but not verified.
///
/// Fields are read from the bytes as received; the TCB versions need the product, which a version 2 report does not name.
///
/// - Source: SEV-SNP Firmware ABI 56860, ATTESTATION_REPORT; `evidence.md` section 1.1.
public struct SNPReport: Sendable {
    /// All 1,184 bytes.
    public let bytes: ArraySlice<UInt8>
    public let version: UInt32

    /// Offsets in bytes from the start of the report; integers are little-endian.
    public enum Layout {
        public static let byteCount = 0x4a0
        public static let version = 0x000
        public static let guestSVN = 0x004
        public static let policy = 0x008
        public static let familyID = 0x010
        public static let imageID = 0x020
        public static let vmpl = 0x030
        public static let signatureAlgorithm = 0x034
        public static let currentTCB = 0x038
        public static let platformInfo = 0x040
        public static let keyInfo = 0x048
        public static let reportData = 0x050
        public static let measurement = 0x090
        public static let hostData = 0x0c0
        public static let idKeyDigest = 0x0e0
        public static let authorKeyDigest = 0x110
        public static let reportID = 0x140
        public static let migrationAgentReportID = 0x160
        public static let reportedTCB = 0x180
        /// Family, model and stepping, one byte each; zero before version 3.
        public static let cpuid = 0x188
        public static let chipID = 0x1a0
        public static let committedTCB = 0x1e0
        /// Build, minor, major, one byte each.
        public static let currentFirmware = 0x1e8
        public static let committedFirmware = 0x1ec
        public static let launchTCB = 0x1f0
        public static let launchMitigations = 0x1f8
        public static let currentMitigations = 0x200
        /// The signed part ends where the signature begins: R and S, 72 bytes each, little-endian, zero padded.
        public static let signature = 0x2a0
        public static let signatureComponentBytes = 72
    }

    /// Reads a report that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed` for another length, an unknown version or signature algorithm, and bits that the
    ///   ABI fixes: all that a verifier would otherwise have to guess the meaning of.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        guard bytes.count == Layout.byteCount else {
            throw Refusal(.evidenceMalformed, "an SNP report has \(Layout.byteCount) bytes, not \(bytes.count)")
        }
        self.bytes = bytes
        version = bytes.littleEndian(Layout.version)
        guard (2...5).contains(version) else {
            throw Refusal(.evidenceMalformed, "SNP report version \(version) is not known; 2 to 5 are")
        }
        let algorithm: UInt32 = bytes.littleEndian(Layout.signatureAlgorithm)
        guard algorithm == 1 else {
            throw Refusal(.evidenceMalformed, "SNP report signature algorithm \(algorithm) is not ECDSA P-384")
        }
        guard policy.hasFixedBits else { throw Refusal(.evidenceMalformed, "SNP guest policy has reserved bits wrong") }
        guard keyInfo >> 5 == 0 else { throw Refusal(.evidenceMalformed, "SNP key information has reserved bits set") }
        try requireReservedZero()
    }

    private func requireReservedZero() throws(Refusal) {
        // The field that follows each reserved range bounds it; versions gave meaning to more and more of them.
        var reserved = [(0x04c, 0x050), (0x18b, 0x1a0), (0x1eb, 0x1ec), (0x1ef, 0x1f0), (0x208, 0x2a0)]
        reserved.append((Layout.signature + 2 * Layout.signatureComponentBytes, Layout.byteCount))
        if version < 3 { reserved.append((0x188, 0x18b)) }
        if version < 5 { reserved.append((0x1f8, 0x208)) }
        for (start, end) in reserved where !bytes.field(start, end - start).isZero {
            throw Refusal(.evidenceMalformed, "SNP report has reserved bytes set from 0x\(String(start, radix: 16))")
        }
    }
}

// MARK: Fields

extension SNPReport {
    /// Which key signed the report, from KEY_INFO.
    public enum SigningKey: UInt32, Hashable, Sendable {
        /// Derived from the chip's own secret.
        case vcek = 0
        /// Derived from a secret that AMD gave to a cloud provider.
        case vlek = 1
        case none = 7
    }

    public var guestSVN: UInt32 { bytes.littleEndian(Layout.guestSVN) }
    public var policy: SNPGuestPolicy { SNPGuestPolicy(rawValue: bytes.littleEndian(Layout.policy)) }
    public var familyID: ArraySlice<UInt8> { bytes.field(Layout.familyID, 16) }
    public var imageID: ArraySlice<UInt8> { bytes.field(Layout.imageID, 16) }
    public var vmpl: UInt32 { bytes.littleEndian(Layout.vmpl) }
    public var platformInfo: SNPPlatformInfo { SNPPlatformInfo(rawValue: bytes.littleEndian(Layout.platformInfo)) }
    public var keyInfo: UInt32 { bytes.littleEndian(Layout.keyInfo) }
    /// Whether AUTHOR_KEY_DIGEST has a meaning.
    public var hasAuthorKey: Bool { keyInfo & 1 != 0 }
    /// Whether the platform hides CHIP_ID.
    public var masksChipID: Bool { keyInfo & 2 != 0 }
    /// Nil for a value that the ABI does not define.
    public var signingKey: SigningKey? { SigningKey(rawValue: keyInfo >> 2 & 7) }
    public var reportData: ArraySlice<UInt8> { bytes.field(Layout.reportData, 64) }
    public var measurement: ArraySlice<UInt8> { bytes.field(Layout.measurement, 48) }
    public var hostData: ArraySlice<UInt8> { bytes.field(Layout.hostData, 32) }
    public var idKeyDigest: ArraySlice<UInt8> { bytes.field(Layout.idKeyDigest, 48) }
    public var authorKeyDigest: ArraySlice<UInt8> { bytes.field(Layout.authorKeyDigest, 48) }
    public var reportID: ArraySlice<UInt8> { bytes.field(Layout.reportID, 32) }
    public var chipID: ArraySlice<UInt8> { bytes.field(Layout.chipID, 64) }
    /// The product by CPUID fields; nil before version 3 and for a product without a known root.
    public var product: SNPProduct? {
        guard version >= 3 else { return nil }
        let fields = bytes.field(Layout.cpuid, 2)
        return SNPProduct(family: fields[fields.startIndex], model: fields[fields.startIndex + 1])
    }
    /// Firmware that runs: major, minor, build.
    public var currentFirmware: SNPFirmwareVersion { SNPFirmwareVersion(bytes.field(Layout.currentFirmware, 3)) }
    /// Firmware below which the platform can no longer be put.
    public var committedFirmware: SNPFirmwareVersion { SNPFirmwareVersion(bytes.field(Layout.committedFirmware, 3)) }
    /// Mitigations in force (version 5); 0 before.
    public var currentMitigations: UInt64 { bytes.littleEndian(Layout.currentMitigations) }

    /// The TCB that the signing key is derived from.
    public func reportedTCB(_ product: SNPProduct) -> SNPTCBVersion { tcb(Layout.reportedTCB, product) }
    public func currentTCB(_ product: SNPProduct) -> SNPTCBVersion { tcb(Layout.currentTCB, product) }
    public func committedTCB(_ product: SNPProduct) -> SNPTCBVersion { tcb(Layout.committedTCB, product) }
    public func launchTCB(_ product: SNPProduct) -> SNPTCBVersion { tcb(Layout.launchTCB, product) }

    private func tcb(_ offset: Int, _ product: SNPProduct) -> SNPTCBVersion {
        SNPTCBVersion(bytes.field(offset, 8), product: product)
    }

    /// The part that the signature covers.
    var signedBytes: ArraySlice<UInt8> { bytes.field(0, Layout.signature) }

    /// R and S as 48 big-endian bytes each; nil unless the padding above them is zero.
    var signature: [UInt8]? {
        var signature: [UInt8] = []
        signature.reserveCapacity(96)
        for part in 0..<2 {
            let component = bytes.field(
                Layout.signature + part * Layout.signatureComponentBytes, Layout.signatureComponentBytes)
            guard component.dropFirst(48).isZero else { return nil }
            signature.append(contentsOf: component.prefix(48).reversed())
        }
        return signature
    }
}

/// A version of SNP firmware.
public struct SNPFirmwareVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var major: UInt8
    public var minor: UInt8
    public var build: UInt8

    public init(major: UInt8, minor: UInt8, build: UInt8) {
        self.major = major
        self.minor = minor
        self.build = build
    }

    /// Build, minor, major: in this order.
    init(_ bytes: ArraySlice<UInt8>) {
        build = bytes[bytes.startIndex]
        minor = bytes[bytes.startIndex + 1]
        major = bytes[bytes.startIndex + 2]
    }

    public static func < (left: SNPFirmwareVersion, right: SNPFirmwareVersion) -> Bool {
        (left.major, left.minor, left.build) < (right.major, right.minor, right.build)
    }

    public var description: String { "\(major).\(minor).\(build)" }
}
