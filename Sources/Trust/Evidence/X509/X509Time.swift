import Encoding
import SwiftASN1

extension Timestamp {
    /// Reads an X.509 `Time`: `UTCTime` with years 1950 to 2049, or `GeneralizedTime`, both in UTC to the second.
    ///
    /// - Source: RFC 5280 section 4.1.2.5.
    init(_ node: ASN1Node) throws {
        let time: Timestamp?
        switch node.identifier {
        case .utcTime:
            let value = try UTCTime(derEncoded: node)
            time = Timestamp(
                year: value.year, month: value.month, day: value.day, hour: value.hours, minute: value.minutes,
                second: value.seconds)
        case .generalizedTime:
            let value = try GeneralizedTime(derEncoded: node)
            guard value.fractionalSeconds == 0 else { throw UnsupportedASN1.time }
            time = Timestamp(
                year: value.year, month: value.month, day: value.day, hour: value.hours, minute: value.minutes,
                second: value.seconds)
        default: throw UnsupportedASN1.time
        }
        guard let time else { throw UnsupportedASN1.time }
        self = time
    }
}
