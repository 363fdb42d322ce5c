/// The encapsulated keys that one identity epoch has already acted upon.
///
/// In memory only: a restart kills the keys, and with them every replay. Nothing is ever evicted; a full window ends
/// the epoch. At most 262,144 entries of 16 bytes, about 8 MiB with the table's slack.
///
/// - Source: architecture, section 11, rule 25.
public struct ReplayWindow: Sendable {
    /// How many entries end an epoch.
    public static let capacity = 262_144
    /// Length of an entry: the first bytes of SHA-256 of `enc`.
    public static let entryLength = 16

    /// What became of an entry.
    public enum Outcome: Hashable, Sendable {
        /// Seen for the first time, now recorded: act on the request.
        case fresh
        /// Seen before: refuse with `record-replay`, execute nothing.
        case replayed
        /// Not recorded, since the window is full: execute nothing, start a new epoch.
        case full
    }

    private struct Entry: Hashable, Sendable {
        let high: UInt64
        let low: UInt64
    }

    private var entries: Set<Entry> = []
    private let capacity: Int

    public init() {
        capacity = ReplayWindow.capacity
    }

    /// A smaller window, for tests.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// How many entries are recorded.
    public var count: Int { entries.count }

    /// Records `entry`, the `enc16` of an exchange, before its request has any effect.
    ///
    /// Anything but 16 bytes counts as replayed, so that a caller's mistake fails closed.
    public mutating func insert(_ entry: [UInt8]) -> Outcome {
        guard entry.count == ReplayWindow.entryLength else { return .replayed }
        let words = entry.reduce(into: (high: UInt64(0), low: UInt64(0))) { words, byte in
            words.high = words.high << 8 | words.low >> 56
            words.low = words.low << 8 | UInt64(byte)
        }
        let key = Entry(high: words.high, low: words.low)
        if entries.contains(key) { return .replayed }
        guard entries.count < capacity else { return .full }
        entries.insert(key)
        return .fresh
    }
}
