/// Lower-case hexadecimal, the form in which vendors and `sha256sum` print measurements and digests.
public enum Hex {
    /// Two lower-case digits per byte.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        // A loop over a concrete array: a generic one costs a witness call per byte in every other module.
        let bytes = Array(bytes)
        let text = [UInt8](capacity: bytes.count * 2) { text in
            for byte in bytes {
                text.append(digit(byte >> 4))
                text.append(digit(byte & 0x0f))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// Reads digits of either case; nil for an odd count or any other character.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 2) else { return nil }
        let bytes = [UInt8](capacity: characters.count / 2) { bytes in
            for index in stride(from: 0, to: characters.count, by: 2) {
                guard let high = value(characters[index]), let low = value(characters[index + 1]) else { return }
                bytes.append(high << 4 | low)
            }
        }
        return bytes.count == characters.count / 2 ? bytes : nil
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
