/// Base64 in its two alphabets (RFC 4648 sections 4 and 5).
///
/// Cloister's own formats use base64url without padding and refuse everything else (`Strictness.exact`). The
/// compatible APIs accept either alphabet, with or without padding (`Strictness.lenient`).
public enum Base64 {
    public enum Strictness: Sendable {
        /// base64url, no padding, trailing bits zero.
        case exact
        /// Either alphabet, padding optional, ASCII white space ignored.
        case lenient
    }

    private static let standardAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// base64url without padding.
    public static func encodeURL(_ bytes: some Sequence<UInt8>) -> String {
        encode(bytes, alphabet: urlAlphabet, padded: false)
    }

    /// Standard base64 with padding, as PEM and `x5c` use it.
    public static func encodeStandard(_ bytes: some Sequence<UInt8>) -> String {
        encode(bytes, alphabet: standardAlphabet, padded: true)
    }

    /// The bytes of `text`, or nil when it is not base64 of the wanted strictness.
    public static func decode(_ text: some StringProtocol, _ strictness: Strictness = .exact) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 3 / 4)
        var accumulator: UInt32 = 0
        var bits = 0
        var sextets = 0
        var padding = 0
        for character in text.utf8 {
            if strictness == .lenient {
                if character == UInt8(ascii: "=") {
                    padding += 1
                    continue
                }
                if character == 0x20 || (0x09...0x0d).contains(character) { continue }
            }
            guard padding == 0, let value = value(character, strictness) else { return nil }
            accumulator = accumulator << 6 | value
            bits += 6
            sextets += 1
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
                accumulator &= (1 << UInt32(bits)) - 1
            }
        }
        guard sextets % 4 != 1, padding <= 2 else { return nil }
        if strictness == .exact, accumulator != 0 { return nil }
        return bytes
    }

    private static func encode(_ input: some Sequence<UInt8>, alphabet: [UInt8], padded: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((input.underestimatedCount + 2) / 3 * 4)
        var accumulator: UInt32 = 0
        var bits = 0
        for byte in input {
            accumulator = accumulator << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(accumulator >> UInt32(bits) & 0x3f)])
            }
            accumulator &= (1 << UInt32(bits)) - 1
        }
        if bits > 0 { text.append(alphabet[Int(accumulator << UInt32(6 - bits) & 0x3f)]) }
        while padded, !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
        return String(decoding: text, as: UTF8.self)
    }

    private static func value(_ character: UInt8, _ strictness: Strictness) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        case UInt8(ascii: "+") where strictness == .lenient: 62
        case UInt8(ascii: "/") where strictness == .lenient: 63
        default: nil
        }
    }
}
