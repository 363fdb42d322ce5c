/// A moment in whole seconds since 1970-01-01T00:00:00Z, the only form of time in Cloister's formats.
///
/// Decisions take a `Timestamp` as an argument, so that every one of them can be tested at any time.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var seconds: Int64

    public init(seconds: Int64) {
        self.seconds = seconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }
    // Times come from documents of strangers: what is out of range stays at its end.
    public static func + (time: Timestamp, seconds: Int64) -> Timestamp {
        let (sum, overflows) = time.seconds.addingReportingOverflow(seconds)
        return Timestamp(seconds: overflows ? (seconds < 0 ? .min : .max) : sum)
    }
    public static func - (time: Timestamp, seconds: Int64) -> Timestamp {
        Timestamp(seconds: time - Timestamp(seconds: seconds))
    }
    public static func - (left: Timestamp, right: Timestamp) -> Int64 {
        let (difference, overflows) = left.seconds.subtractingReportingOverflow(right.seconds)
        return overflows ? (left < right ? .min : .max) : difference
    }

    /// From calendar fields in UTC (proleptic Gregorian); nil when a field is out of range.
    public init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        guard (1...9999).contains(year), (1...12).contains(month), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second),
            day >= 1, day <= Timestamp.days(inMonth: month, of: year)
        else { return nil }
        // Days from civil: years are counted from March, so that the leap day comes last.
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = Int64(era * 146_097 + dayOfEra - 719_468)
        seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
    }

    /// RFC 3339 with `Z` or a numeric offset; fractions of a second are dropped. Nil for anything else.
    public init?(rfc3339 text: some StringProtocol) {
        let characters = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= characters.count else { return nil }
            var value = 0
            for character in characters[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
                value = value * 10 + Int(character - UInt8(ascii: "0"))
            }
            return value
        }
        func has(_ character: Unicode.Scalar, at index: Int) -> Bool {
            index < characters.count && characters[index] == UInt8(ascii: character)
        }
        guard characters.count <= 40, let year = number(0..<4), has("-", at: 4), let month = number(5..<7),
            has("-", at: 7), let day = number(8..<10),
            has("T", at: 10) || has("t", at: 10) || has(" ", at: 10),
            let hour = number(11..<13), has(":", at: 13), let minute = number(14..<16), has(":", at: 16),
            let second = number(17..<19),
            let base = Timestamp(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        var index = 19
        if has(".", at: index) {
            index += 1
            let start = index
            while index < characters.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(characters[index]) {
                index += 1
            }
            guard index > start else { return nil }
        }
        if has("Z", at: index) || has("z", at: index) {
            guard index + 1 == characters.count else { return nil }
            self = base
        } else {
            guard index + 6 == characters.count, has("+", at: index) || has("-", at: index),
                let offsetHours = number(index + 1..<index + 3), has(":", at: index + 3),
                let offsetMinutes = number(index + 4..<index + 6), offsetHours <= 23, offsetMinutes <= 59
            else { return nil }
            let offset = Int64(offsetHours * 3_600 + offsetMinutes * 60)
            self = has("+", at: index) ? base - offset : base + offset
        }
    }

    /// RFC 3339 in UTC, for example `2026-11-21T09:30:00Z`.
    public var description: String {
        let parts = calendar
        func pad(_ value: Int) -> String { value < 10 ? "0" + String(value) : String(value) }
        let year = String(parts.year)
        return String(repeating: "0", count: max(0, 4 - year.utf8.count)) + year + "-" + pad(parts.month) + "-"
            + pad(parts.day) + "T" + pad(parts.hour) + ":" + pad(parts.minute) + ":" + pad(parts.second) + "Z"
    }

    /// Calendar fields in UTC.
    public var calendar: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        // Division that rounds down, without leaving the range.
        let remainder = Int(seconds % 86_400)
        let days = Int(seconds / 86_400) - (remainder < 0 ? 1 : 0)
        let secondOfDay = remainder < 0 ? remainder + 86_400 : remainder
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1,
            secondOfDay / 3_600, secondOfDay / 60 % 60, secondOfDay % 60
        )
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
