package import Encoding
import SwiftASN1

/// DER encodings of the few ASN.1 types that certificates and revocation lists consist of (ITU-T X.690).
package enum DERBytes {
    package static func sequence(_ parts: [UInt8]...) -> [UInt8] { constructed(.sequence, parts) }
    package static func sequence(of parts: [[UInt8]]) -> [UInt8] { constructed(.sequence, parts) }
    package static func set(_ parts: [UInt8]...) -> [UInt8] { constructed(.set, parts) }

    /// `[number] EXPLICIT`.
    package static func explicit(_ number: UInt, _ content: [UInt8]) -> [UInt8] {
        constructed(ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific), [content])
    }

    /// `[number] IMPLICIT` of a constructed type, whose content is `parts`.
    package static func implicitConstructed(_ number: UInt, _ parts: [UInt8]...) -> [UInt8] {
        constructed(ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific), parts)
    }

    /// `[number] IMPLICIT` of a primitive type.
    package static func implicitPrimitive(_ number: UInt, _ content: [UInt8]) -> [UInt8] {
        primitive(ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific), content)
    }

    package static func integer(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(value)
        return integer(magnitude: bytes)
    }

    /// A non-negative INTEGER from big-endian bytes: leading zeros go, and one comes back before a set top bit.
    package static func integer(magnitude: [UInt8]) -> [UInt8] {
        var content = Array(magnitude.drop { $0 == 0 })
        if content.first.map({ $0 >= 0x80 }) ?? true { content.insert(0, at: 0) }
        return primitive(.integer, content)
    }

    package static func enumerated(_ value: UInt8) -> [UInt8] { primitive(.enumerated, [value]) }
    package static func boolean(_ value: Bool) -> [UInt8] { primitive(.boolean, [value ? 0xff : 0]) }
    package static var null: [UInt8] { primitive(.null, []) }
    package static func octetString(_ bytes: [UInt8]) -> [UInt8] { primitive(.octetString, bytes) }
    package static func utf8String(_ text: String) -> [UInt8] { primitive(.utf8String, Array(text.utf8)) }
    package static func printableString(_ text: String) -> [UInt8] { primitive(.printableString, Array(text.utf8)) }
    package static func ia5String(_ text: String) -> [UInt8] { primitive(.ia5String, Array(text.utf8)) }

    /// A BIT STRING of whole bytes, or with `unused` bits left out at the end.
    package static func bitString(_ bytes: [UInt8], unused: UInt8 = 0) -> [UInt8] {
        primitive(.bitString, [unused] + bytes)
    }

    /// From dotted decimal, for example `2.5.29.19`.
    package static func objectIdentifier(_ dotted: String) -> [UInt8] {
        let arcs = dotted.split(separator: ".").compactMap { UInt64($0) }
        let subidentifiers = [arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)
        return primitive(.objectIdentifier, subidentifiers.flatMap(base128))
    }

    /// UTCTime before 2050, GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
    package static func time(_ time: Timestamp) -> [UInt8] {
        let calendar = time.calendar
        func pad(_ value: Int, _ width: Int = 2) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let rest =
            pad(calendar.month) + pad(calendar.day) + pad(calendar.hour) + pad(calendar.minute) + pad(calendar.second)
        return calendar.year < 2050
            ? primitive(.utcTime, Array((pad(calendar.year % 100) + rest + "Z").utf8))
            : primitive(.generalizedTime, Array((pad(calendar.year, 4) + rest + "Z").utf8))
    }

    private static func base128(_ value: UInt64) -> [UInt8] {
        var groups = [UInt8(value & 0x7f)]
        var rest = value >> 7
        while rest > 0 {
            groups.insert(UInt8(rest & 0x7f) | 0x80, at: 0)
            rest >>= 7
        }
        return groups
    }

    private static func constructed(_ identifier: ASN1Identifier, _ parts: [[UInt8]]) -> [UInt8] {
        var serializer = DER.Serializer()
        serializer.appendConstructedNode(identifier: identifier) { content in
            for part in parts { content.serializeRawBytes(part) }
        }
        return serializer.serializedBytes
    }

    private static func primitive(_ identifier: ASN1Identifier, _ content: [UInt8]) -> [UInt8] {
        var serializer = DER.Serializer()
        serializer.appendPrimitiveNode(identifier: identifier) { $0 += content }
        return serializer.serializedBytes
    }
}
