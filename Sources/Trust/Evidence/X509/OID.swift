/// An object identifier as DER has it: compared byte by byte, written in dotted form.
///
/// - Source: ITU-T X.690 section 8.19.
public struct OID: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The content of its DER.
    let bytes: ArraySlice<UInt8>

    /// Content of an OBJECT IDENTIFIER; nil unless each of its numbers ends and has no leading zeros.
    init?(_ content: ArraySlice<UInt8>) {
        guard let last = content.last, last < 0x80 else { return nil }
        var isFirst = true
        for byte in content {
            if isFirst, byte == 0x80 { return nil }
            isFirst = byte < 0x80
        }
        bytes = content
    }

    /// A constant in dotted form, for example `2.5.29.19`; numbers that are none are left out.
    public init(stringLiteral dotted: String) {
        let numbers = dotted.split(separator: ".").compactMap { UInt64($0) }
        var bytes: [UInt8] = []
        OID.append(numbers.prefix(2).reduce(0) { $0 * 40 + $1 }, to: &bytes)
        for number in numbers.dropFirst(2) { OID.append(number, to: &bytes) }
        self.bytes = bytes[...]
    }

    /// Dotted form from outside; nil unless it is two or more decimal numbers below 2⁶⁴.
    init?(dotted: some StringProtocol) {
        let numbers = dotted.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count >= 2, dotted.utf8.count <= 256,
            numbers.allSatisfy({ UInt64($0).map { String($0) } == String($0) })
        else { return nil }
        self.init(stringLiteral: String(dotted))
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var groups = [UInt8(number & 0x7f)]
        var rest = number >> 7
        while rest > 0 {
            groups.append(0x80 | UInt8(rest & 0x7f))
            rest >>= 7
        }
        bytes += groups.reversed()
    }
}

extension OID {
    static let ecdsaWithSHA256: OID = "1.2.840.10045.4.3.2"
    static let ecdsaWithSHA384: OID = "1.2.840.10045.4.3.3"
    static let rsaEncryptionKey: OID = "1.2.840.113549.1.1.1"
    static let mgf1: OID = "1.2.840.113549.1.1.8"
    static let rsaPSS: OID = "1.2.840.113549.1.1.10"
    static let rsaWithSHA256: OID = "1.2.840.113549.1.1.11"
    static let rsaWithSHA384: OID = "1.2.840.113549.1.1.12"
    static let rsaWithSHA512: OID = "1.2.840.113549.1.1.13"
    static let sha256: OID = "2.16.840.1.101.3.4.2.1"
    static let sha384: OID = "2.16.840.1.101.3.4.2.2"
    static let sha512: OID = "2.16.840.1.101.3.4.2.3"
    static let ecPublicKey: OID = "1.2.840.10045.2.1"
    static let p256: OID = "1.2.840.10045.3.1.7"
    static let p384: OID = "1.3.132.0.34"
    static let commonName: OID = "2.5.4.3"
    static let basicConstraints: OID = "2.5.29.19"
    static let keyUsage: OID = "2.5.29.15"
    static let extendedKeyUsage: OID = "2.5.29.37"
    /// Names of the subject, critical where the subject itself is empty, as in certificates of TPM keys. No decision
    /// here rests on a name of a leaf, so there is nothing in it to overlook.
    static let subjectAlternativeName: OID = "2.5.29.17"
}
