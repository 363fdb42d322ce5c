import Crypto
import Encoding

/// A firmware's event log as it will be written, in the crypto-agile form with the SHA-256 bank alone.
///
/// - Source: TCG PC Client Platform Firmware Profile, "Event Logging".
package struct EventLogRecipe: Sendable {
    package struct Event: Sendable {
        package var pcr: UInt32
        /// TCG event type, for example 4 for a separator.
        package var type: UInt32
        package var data: [UInt8]
        /// In place of the digest of the data.
        package var digest: [UInt8]?

        package init(pcr: UInt32, type: UInt32, data: [UInt8], digest: [UInt8]? = nil) {
            self.pcr = pcr
            self.type = type
            self.data = data
            self.digest = digest
        }

        var measured: [UInt8] { digest ?? Array(SHA256.hash(data: data)) }
    }

    package var events: [Event]
    /// In place of the SHA-256 bank's number and digest length.
    package var algorithm: (id: UInt16, byteCount: UInt16) = (0x000b, 32)
    /// A last change of the finished bytes.
    package var tamper: (@Sendable (inout [UInt8]) -> Void)?

    private static let specificationID: UInt32 = 3

    /// What a firmware does on every start: its version, what it starts, and a separator in each of its registers.
    package static let standard = EventLogRecipe(
        events: [Event(pcr: 0, type: 8, data: Array("cloister simulated firmware 1".utf8))]
            + (0...7).map { Event(pcr: $0, type: 4, data: .zeros(4)) }
            + [
                Event(pcr: 4, type: 0x8000_0003, data: Array("cloister simulated boot loader".utf8)),
                Event(pcr: 8, type: 0x0d, data: Array("cloister simulated kernel".utf8)),
            ])

    package var bytes: [UInt8] {
        let specification =
            Array("Spec ID Event03\0".utf8) + .littleEndian(UInt32(0)) + [0, 2, 0, 2] + .littleEndian(UInt32(1))
            + .littleEndian(algorithm.id) + .littleEndian(algorithm.byteCount) + [0]
        var bytes: [UInt8] =
            .littleEndian(UInt32(0)) + .littleEndian(EventLogRecipe.specificationID) + .zeros(20)
            + .littleEndian(UInt32(specification.count)) + specification
        for event in events {
            bytes += .littleEndian(event.pcr) + .littleEndian(event.type)
            bytes += .littleEndian(UInt32(1)) + .littleEndian(algorithm.id) + event.measured
            bytes += .littleEndian(UInt32(event.data.count)) + event.data
        }
        tamper?(&bytes)
        return bytes
    }

    /// What registers 0 to 23 of the SHA-256 bank hold after these events: zeros and, in those for debugging and a dynamic
    /// start, ones where nothing happened.
    package var registers: [[UInt8]] {
        var values = (0..<24).map { [UInt8](repeating: (17...22).contains($0) ? 0xff : 0, count: 32) }
        for event in events where values.indices.contains(Int(event.pcr)) {
            values[Int(event.pcr)] = Array(SHA256.hash(data: values[Int(event.pcr)] + event.measured))
        }
        return values
    }
}
