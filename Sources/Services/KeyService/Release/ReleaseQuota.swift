import Encoding

/// How often a version of a key may be released, as tags of the key say (threat model, AC-073).
///
/// Tags, because every client can set them, and because the grammar of release policies has no place for it.
struct ReleaseQuota: Hashable, Sendable {
    /// Releases in one minute of the clock.
    static let minuteTag = "cloister-releases-per-minute"
    /// Releases as long as the version lives.
    static let totalTag = "cloister-releases-in-all"
    private static let limits: ClosedRange<Int64> = 1...1_000_000

    /// Nil for any number, like the next.
    let perMinute: Int64?
    let inAll: Int64?

    var isLimited: Bool { perMinute != nil || inAll != nil }

    /// - Throws: `request-malformed` for a tag that is no number: a limit that is not understood must not be none.
    init(tags: [String: String]) throws(Refusal) {
        perMinute = try ReleaseQuota.limit(tags, ReleaseQuota.minuteTag)
        inAll = try ReleaseQuota.limit(tags, ReleaseQuota.totalTag)
    }

    private static func limit(_ tags: [String: String], _ tag: String) throws(Refusal) -> Int64? {
        guard let text = tags[tag] else { return nil }
        guard let number = Int64(text), limits.contains(number), String(number) == text else {
            throw Refusal(
                .requestMalformed, "The tag \(tag) is a number from \(limits.lowerBound) to \(limits.upperBound).")
        }
        return number
    }
}

/// The releases of a version since it has had a quota. It is kept with the version, so that no restart forgets it.
struct ReleaseCount: Hashable, Sendable {
    private(set) var inAll: Int64 = 0
    /// The minute of the newest release, since 1970, and the releases in it.
    private var minute: Int64 = 0
    private var inMinute: Int64 = 0

    /// Counts one release more.
    ///
    /// - Throws: `release-quota`, and then nothing is counted: with status 429 and the time to wait when those of this
    ///   minute are used up, with 403 when all are.
    mutating func add(under quota: ReleaseQuota, at time: Timestamp) throws(APIError) {
        let now = time.seconds / 60
        let before = now == minute ? inMinute : 0
        if let limit = quota.inAll, inAll >= limit {
            throw .quotaExceeded("All releases that the key allows are used up.", expected: "\(limit) in all", inAll)
        }
        if let limit = quota.perMinute, before >= limit {
            throw .quotaExceeded(
                "The releases that the key allows in a minute are used up; retry later.",
                expected: "\(limit) per minute", before, retryAfter: 60 - time.seconds % 60)
        }
        inAll += 1
        (minute, inMinute) = (now, before + 1)
    }
}

// MARK: Stored form

extension ReleaseCount {
    var stored: JSON { ["inAll": .integer(inAll), "inMinute": .integer(inMinute), "minute": .integer(minute)] }

    init(stored: JSON) throws(Refusal) {
        var members = try ObjectReader(stored, "stored count of releases", refusing: .blockAuthentication)
        inAll = try members.integer("inAll")
        inMinute = try members.integer("inMinute")
        minute = try members.integer("minute")
        try members.finish()
    }
}
