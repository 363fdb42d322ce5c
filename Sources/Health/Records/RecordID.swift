public import Encoding

/// The name of one record: 16 random bytes, printed as 32 lower-case hex digits (a valid FHIR id).
///
/// Random, so that an id in a URL or a reference says nothing about a patient or about how many there are.
public struct RecordID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// A fresh id.
    public init(_ randomness: Randomness) {
        description = Hex.encode(randomness.bytes(16))
    }

    /// Reads the printed form; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let isHex = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard text.utf8.count == 32, isHex else { return nil }
        description = String(text)
    }
}
