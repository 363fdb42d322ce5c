import Encoding

/// Until when a service, or one item of a service, is left alone after it failed.
///
/// Bookkeeping only: nobody sleeps. Each failure in a row doubles the wait, unless the service says how long.
struct BackOff: Hashable, Sendable {
    /// Seconds after the first failure, at which AMD's service answers again; and the longest wait of our own choice.
    static let first: Int64 = 10
    static let longest: Int64 = 900
    /// The longest wait that a service may ask for.
    static let longestAsked: Int64 = 86_400

    private var failures: Int64 = 0
    private(set) var notBefore = Timestamp(seconds: .min)
    /// Whether the last failure was the service's own: asking later may help, whatever the answer will be.
    private(set) var isOutage = false

    mutating func fail(at now: Timestamp, asked: Timestamp? = nil, isOutage: Bool) {
        self.isOutage = isOutage
        if let asked {
            notBefore = max(notBefore, min(max(asked, now + 1), now + Self.longestAsked))
        } else if notBefore <= now {
            // Requests that were in flight together fail together: that counts once.
            notBefore = now + min(Self.longest, Self.first << min(failures, 10))
            failures += 1
        }
    }

    /// The moment that a `Retry-After` header names: seconds from now, or a date (RFC 9110 section 10.2.3).
    ///
    /// Nil for anything else.
    static func retryAfter(_ header: String?, at now: Timestamp) -> Timestamp? {
        guard let header, header.utf8.count <= 40 else { return nil }
        if let seconds = Int64(header), seconds >= 0 { return now + min(seconds, longestAsked) }
        // Sun, 06 Nov 1994 08:49:37 GMT
        let parts = header.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]),
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3 else { return nil }
        return Timestamp(
            year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1], second: clock[2])
    }
}
