public import Encoding

/// One property of genuine evidence by which it can be distrusted from one moment to the next.
///
/// The properties of one piece of evidence are in `Verdict.marks`; those that a relying party no longer trusts are in
/// `AcceptancePolicy.distrusted`. They are compared as text, so that a mark can be stored, signed and typed.
public struct EvidenceMark: Hashable, Comparable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// CHIP_ID of an SNP report (hex, 8 or 64 bytes), PPID of an Intel platform (hex, 16 bytes).
        case chip
        /// FMSPC of an Intel platform (hex, 6 bytes), or `milan`, `genoa`, `turin`.
        case family
        /// SHA-256 of the DER of any certificate in the evidence's chain (hex).
        case certificate
        /// Intel: a TCB status, an advisory, or the date of a TCB level (`outofdate`, `intel-sa-00615`,
        /// `2023-08-09t00:00:00z`); AMD: the reported TCB_VERSION (hex, the 8 bytes of the report).
        case tcb
        /// MRENCLAVE, MRTD or the SNP launch measurement (hex).
        case measurement
    }

    public let kind: Kind
    /// Lower-case letters, digits, `-`, `.`, `:` and `_`; 1 to 128 of them.
    public let value: String

    /// - Parameter value: in any case; compared in lower case.
    /// - Throws: `request-malformed` for characters that no mark has.
    public init(_ kind: Kind, _ value: some StringProtocol) throws(Refusal) {
        // Fingerprints are often written with colons.
        let value = kind == .certificate ? value.lowercased().filter { $0 != ":" } : value.lowercased()
        let isPlain = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain, (1...128).contains(value.utf8.count) else {
            throw Refusal(.requestMalformed, "a mark is 1 to 128 letters, digits, '-', '.', ':' or '_'")
        }
        self.init(kind: kind, plain: value)
    }

    /// Reads `kind:value`, as `description` writes it.
    ///
    /// - Throws: `request-malformed`.
    public init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])) else {
            let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.requestMalformed, "a mark is <kind>:<value>, with one of the kinds \(kinds)")
        }
        try self.init(kind, parts[1])
    }

    /// Refuses a mark that no evidence can have, most often a slip of whoever typed it.
    ///
    /// - Throws: `request-malformed`, with what a value of its kind looks like.
    public func requirePossible() throws(Refusal) {
        let length = Hex.decode(value)?.count
        let (isPossible, form) =
            switch kind {
            case .chip: ([8, 16, 64].contains(length), "8, 16 or 64 bytes in hex")
            case .family:
                (length == 6 || ["milan", "genoa", "turin"].contains(value), "6 bytes in hex, or milan, genoa, turin")
            case .certificate: (length == 32, "the SHA-256 of a certificate in hex")
            case .measurement: ([32, 48].contains(length), "32 or 48 bytes in hex")
            case .tcb: (true, "")
            }
        guard isPossible else { throw Refusal(.requestMalformed, "a mark of kind \(kind.rawValue) is \(form)") }
    }

    private init(kind: Kind, plain value: String) {
        self.kind = kind
        self.value = value
    }

    /// Bytes in hex, which need no check.
    init(_ kind: Kind, hex bytes: some Sequence<UInt8>) { self.init(kind: kind, plain: Hex.encode(bytes)) }

    /// A name that stands in this source or that a vendor signed, without what no mark may have.
    init?(_ kind: Kind, named name: String) {
        guard let mark = try? EvidenceMark(kind, name) else { return nil }
        self = mark
    }

    public var description: String { "\(kind.rawValue):\(value)" }

    /// The refusal of evidence that has a distrusted mark of this kind (threat model, AC-007, AC-010, AC-013, AC-021,
    /// AC-022).
    public var code: RefusalCode {
        switch kind {
        case .chip: .hardwareNotEnrolled
        case .family: .familyDistrusted
        case .certificate: .certificateRevoked
        case .tcb: .tcbNotAccepted
        case .measurement: .measurementRevoked
        }
    }

    public static func < (left: EvidenceMark, right: EvidenceMark) -> Bool {
        (left.kind.rawValue, left.value) < (right.kind.rawValue, right.value)
    }
}
