import Encoding

/// Writes the few DER values that test certificates need; not a library.
enum TestDER {
    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8]
        switch content.count {
        case ..<0x80: length = [UInt8(content.count)]
        case ..<0x100: length = [0x81, UInt8(content.count)]
        case ..<0x1_0000: length = [0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)]
        default:
            length = [0x83, UInt8(content.count >> 16), UInt8(content.count >> 8 & 0xff), UInt8(content.count & 0xff)]
        }
        length.insert(tag, at: 0)
        return length + content
    }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] { value(0x30, parts.flatMap { $0 }) }
    static func set(_ parts: [UInt8]...) -> [UInt8] { value(0x31, parts.flatMap { $0 }) }
    static func explicit(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { value(0xa0 | number, content) }
    static func octets(_ content: [UInt8]) -> [UInt8] { value(0x04, content) }
    static func bits(_ content: [UInt8], unused: UInt8 = 0) -> [UInt8] { value(0x03, [unused] + content) }
    static func utf8(_ text: String) -> [UInt8] { value(0x0c, Array(text.utf8)) }
    static func ia5(_ text: String) -> [UInt8] { value(0x16, Array(text.utf8)) }
    static func boolean(_ flag: Bool) -> [UInt8] { value(0x01, [flag ? 0xff : 0]) }

    /// A non-negative INTEGER from big-endian bytes.
    static func integer(_ bytes: [UInt8]) -> [UInt8] {
        let significant = Array(bytes.drop { $0 == 0 })
        return value(0x02, significant.first.map { $0 < 0x80 ? significant : [0] + significant } ?? [0])
    }

    static func integer(_ number: Int) -> [UInt8] {
        integer((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
    }

    static func oid(_ dotted: String) -> [UInt8] {
        let numbers = dotted.split(separator: ".").compactMap { UInt64($0) }
        var content: [UInt8] = []
        for number in [numbers[0] * 40 + numbers[1]] + numbers.dropFirst(2) {
            var groups = [UInt8(number & 0x7f)]
            var rest = number >> 7
            while rest > 0 {
                groups.insert(UInt8(rest & 0x7f) | 0x80, at: 0)
                rest >>= 7
            }
            content += groups
        }
        return value(0x06, content)
    }

    static func time(_ time: Timestamp) -> [UInt8] {
        let digits = time.description.filter(\.isNumber)
        return time.calendar.year < 2050
            ? value(0x17, Array((digits.dropFirst(2) + "Z").utf8)) : value(0x18, Array((digits + "Z").utf8))
    }

    static func name(_ commonName: String) -> [UInt8] {
        sequence(set(sequence(oid("2.5.4.3"), utf8(commonName))))
    }
}
