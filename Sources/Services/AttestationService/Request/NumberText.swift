import Encoding

/// Finds the digits of a number as they were sent.
///
/// One real client sends its nonce as an unsigned 64-bit integer, which a parsed number may not keep exactly.
enum NumberText {
    /// The text of a top-level member of `object` that is an integer; nil for another kind of value.
    ///
    /// - Parameter object: bytes that already parsed as one JSON object without duplicate names.
    static func integer(ofMember name: String, in object: [UInt8]) -> String? {
        let wanted = name.lowercased()
        var depth = 0
        var index = 0
        var memberName: String?
        while index < object.count {
            switch object[index] {
            case UInt8(ascii: "\""):
                let start = index + 1
                index += 1
                while index < object.count, object[index] != UInt8(ascii: "\"") {
                    index += object[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                guard index < object.count else { return nil }
                memberName = String(decoding: object[start..<index], as: UTF8.self)
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ":") where depth == 1 && memberName?.lowercased() == wanted:
                let value = object[(index + 1)...].drop { $0 == 0x20 || (0x09...0x0d).contains($0) }
                let digits = value.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                let end = digits.endIndex < object.count ? object[digits.endIndex] : 0
                let isInteger = !digits.isEmpty && !".eE".utf8.contains(end)
                return isInteger ? String(decoding: digits, as: UTF8.self) : nil
            default: break
            }
            index += 1
        }
        return nil
    }
}
