#if canImport(Glibc)
    import Glibc
#endif

/// Where a service reads the time from; passed in wherever a decision depends on it.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    public init(_ read: @escaping @Sendable () -> Timestamp) {
        self.read = read
    }

    public func now() -> Timestamp { read() }

    /// The host's real-time clock.
    public static let system = WallClock { Timestamp(seconds: Int64(time(nil))) }

    /// Always the same moment.
    public static func fixed(_ time: Timestamp) -> WallClock { WallClock { time } }
}
