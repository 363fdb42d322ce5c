import Encoding

/// Zero bytes after an inner message (RFC 9292 section 3.8), so that its length says only which class it is in.
///
/// Classes are k·2^e with 8 ≤ k ≤ 15, at least 4,096: a padded message is never more than an eighth longer, plus the
/// floor.
public enum MessagePadding {
    /// The smallest class, in bytes.
    public static let minimum = 4_096
    /// The largest class that still fits an outer body with either suite, in bytes (15 MiB).
    public static let maximum = 15 << 20

    /// The smallest class that holds `length` bytes; nil beyond `maximum`.
    public static func paddedLength(_ length: Int) -> Int? {
        guard length <= maximum else { return nil }
        guard length > minimum else { return minimum }
        // With step = 2^e and 8·step ≤ length - 1 < 16·step, the class above is a multiple of step.
        let step = 1 << ((length - 1).bitWidth - (length - 1).leadingZeroBitCount - 4)
        return (length + step - 1) / step * step
    }

    static func pad(_ message: inout [UInt8]) throws(Refusal) {
        guard let length = paddedLength(message.count) else {
            throw Refusal(.tooLarge, "a message is at most \(maximum) bytes")
        }
        message.append(contentsOf: repeatElement(0, count: length - message.count))
    }

    /// Refuses anything but zeros in what follows a message.
    static func check(_ reader: inout ByteReader) throws(Refusal) {
        guard reader.rest().allSatisfy({ $0 == 0 }) else {
            throw Refusal(.recordAuthentication, "the padding of a message is not zeros")
        }
    }
}
