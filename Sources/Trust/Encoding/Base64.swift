/// Base64 in its two alphabets (RFC 4648 sections 4 and 5).
///
/// Cloister's own formats use base64url without padding and refuse everything else (`Strictness.exact`). The
/// compatible APIs accept either alphabet, with or without padding (`Strictness.lenient`).
public enum Base64 {
    public enum Strictness: Sendable {
        /// base64url, no padding, trailing bits zero.
        case exact
        /// Standard alphabet, full padding, trailing bits zero: exactly what `encodeStandard` writes.
        case padded
        /// Either alphabet, padding optional, ASCII white space ignored.
        case lenient
    }

    private static let standardAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// base64url without padding.
    public static func encodeURL(_ bytes: some Sequence<UInt8>) -> String {
        encode(Array(bytes), alphabet: urlAlphabet, padded: false)
    }

    /// Standard base64 with padding, as PEM and `x5c` use it.
    public static func encodeStandard(_ bytes: some Sequence<UInt8>) -> String {
        encode(Array(bytes), alphabet: standardAlphabet, padded: true)
    }

    /// The bytes of `text`, or nil when it is not base64 of the wanted strictness.
    public static func decode(_ text: some StringProtocol, _ strictness: Strictness = .exact) -> [UInt8]? {
        decode(ascii: Array(text.utf8), strictness)
    }

    /// The bytes that `characters` stand for, or nil when they are not base64 of the wanted strictness.
    public static func decode(ascii characters: [UInt8], _ strictness: Strictness) -> [UInt8]? {
        let values = values(strictness)
        var accumulator: UInt32 = 0
        var bits: UInt32 = 0
        var sextets = 0
        var padding = 0
        var isForeign = false
        // A span of known capacity: an array would look at its reference count for each byte.
        let bytes = [UInt8](capacity: characters.count / 4 * 3 + 3) { bytes in
            let (characters, values) = (characters.span, values.span)
            var index = 0
            // Four characters are three bytes; whatever is of another form is looked at one by one.
            while index + 4 <= characters.count {
                let (first, second) = (values[Int(characters[index])], values[Int(characters[index + 1])])
                let (third, fourth) = (values[Int(characters[index + 2])], values[Int(characters[index + 3])])
                guard max(max(first, second), max(third, fourth)) < 64 else { break }
                bytes.append(first << 2 | second >> 4)
                bytes.append(second << 4 | third >> 2)
                bytes.append(third << 6 | fourth)
                index += 4
            }
            sextets = index
            while index < characters.count {
                let value = values[Int(characters[index])]
                index += 1
                if value < 64, padding == 0 {
                    accumulator = accumulator << 6 | UInt32(value)
                    bits += 6
                    sextets += 1
                    if bits >= 8 {
                        bits -= 8
                        bytes.append(UInt8(truncatingIfNeeded: accumulator >> bits))
                        accumulator &= (1 << bits) - 1
                    }
                } else if value == paddingMark {
                    padding += 1
                } else if value != blankMark {
                    isForeign = true
                    return
                }
            }
        }
        guard !isForeign else { return nil }
        switch strictness {
        case .exact: return sextets % 4 != 1 && accumulator == 0 ? bytes : nil
        case .padded: return padding == -sextets & 3 && padding <= 2 && accumulator == 0 ? bytes : nil
        case .lenient: return sextets % 4 != 1 && padding <= 2 ? bytes : nil
        }
    }

    private static func encode(_ input: [UInt8], alphabet: [UInt8], padded: Bool) -> String {
        let text = [UInt8](capacity: (input.count + 2) / 3 * 4) { text in
            let (input, alphabet) = (input.span, alphabet.span)
            var index = 0
            func append(_ first: UInt8, _ second: UInt8, _ third: UInt8, count: Int) {
                let group = UInt32(first) << 16 | UInt32(second) << 8 | UInt32(third)
                for place in 0..<count { text.append(alphabet[Int(group >> UInt32(18 - 6 * place) & 0x3f)]) }
            }
            while index + 3 <= input.count {
                append(input[index], input[index + 1], input[index + 2], count: 4)
                index += 3
            }
            switch input.count - index {
            case 1: append(input[index], 0, 0, count: 2)
            case 2: append(input[index], input[index + 1], 0, count: 3)
            default: break
            }
            while padded, !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    // What each character stands for: a sextet, or one of these marks.
    private static let paddingMark: UInt8 = 64
    private static let blankMark: UInt8 = 65
    private static let noValue: UInt8 = 0xff
    private static let urlValues = table(urlAlphabet)
    private static let paddedValues: [UInt8] = {
        var values = table(standardAlphabet)
        values[Int(UInt8(ascii: "="))] = paddingMark
        return values
    }()
    private static let lenientValues: [UInt8] = {
        var values = paddedValues
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        for blank in [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20] { values[blank] = blankMark }
        return values
    }()

    private static func values(_ strictness: Strictness) -> [UInt8] {
        switch strictness {
        case .exact: urlValues
        case .padded: paddedValues
        case .lenient: lenientValues
        }
    }

    private static func table(_ alphabet: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: noValue, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }
}
