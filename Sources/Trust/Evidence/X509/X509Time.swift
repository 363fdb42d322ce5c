import Encoding

extension Timestamp {
    /// Reads an X.509 `Time`: `UTCTime` with years 1950 to 2049, or `GeneralizedTime`, both in UTC to the second.
    ///
    /// - Source: RFC 5280 section 4.1.2.5.
    init(_ value: DERValue) throws {
        var text = value.content
        func twoDigits() throws -> Int {
            guard let high = text.popFirst(), let low = text.popFirst(), (0x30...0x39).contains(high),
                (0x30...0x39).contains(low)
            else { throw UnsupportedASN1.time }
            return Int(high - 0x30) * 10 + Int(low - 0x30)
        }
        var year = try twoDigits()
        switch value.tag {
        case DERValue.Tag.utcTime: year += year < 50 ? 2_000 : 1_900
        case DERValue.Tag.generalizedTime: year = year * 100 + (try twoDigits())
        default: throw UnsupportedASN1.time
        }
        let time = Timestamp(
            year: year, month: try twoDigits(), day: try twoDigits(), hour: try twoDigits(), minute: try twoDigits(),
            second: try twoDigits())
        guard let time, text.elementsEqual([UInt8(ascii: "Z")]) else { throw UnsupportedASN1.time }
        self = time
    }
}
