import Encoding
import Evidence

/// The form in which issued tokens are on record: one line each, in records of limited length for each second of a ring.
///
/// A ring, because a store of records keeps the name of every record that it ever had: this one has as many as the ring
/// has seconds, times what the busiest of them needed, and what has expired is overwritten a lap later.
enum IssuedTokenRing {
    /// Seconds of one lap; longer than any token lives, and is accepted after its end.
    static let lap: Int64 = 131_072

    /// Bytes from which on a record is full: every token that is added writes its record anew.
    static let fullBytes = 16_384

    /// The name of a record of one second: its first part, or another.
    static func name(of time: Timestamp, part: Int) -> String {
        part == 0 ? String(time.seconds % lap) : "\(time.seconds % lap).\(part)"
    }

    /// What is on record of one token.
    struct Line: Sendable {
        let id: String
        let expires: Timestamp
        /// Digests, so that the state says nothing of machines to who does not know them.
        let marks: [String]

        var bytes: [UInt8] {
            Array(([id, String(expires.seconds)] + marks).joined(separator: " ").utf8) + [UInt8(ascii: "\n")]
        }
    }

    /// 64 bits suffice: whoever finds two marks with one digest revokes a token too many.
    static func digest(_ mark: EvidenceMark) -> String { Hex.encode(Digest(of: mark.description).bytes.prefix(8)) }

    /// A record of a second with `lines` added, what is left of a former lap gone; nil when the record is full.
    static func record(_ value: [UInt8]?, adding lines: [Line], at second: Timestamp) -> [UInt8]? {
        let header = Array("\(second.seconds)\n".utf8)
        let former = value.flatMap { $0.starts(with: header) ? $0 : nil } ?? header
        return former.count < fullBytes ? former + lines.flatMap(\.bytes) : nil
    }

    /// The tokens of one record that have a mark and may still be accepted, by id.
    static func tokens(in value: [UInt8], with digest: [UInt8], at time: Timestamp) -> [String: RevokedTokens.Token] {
        var found: [String: RevokedTokens.Token] = [:]
        let lines = value.split(separator: UInt8(ascii: "\n"))
        guard let header = lines.first, let issued = Int64(String(decoding: header, as: UTF8.self)) else { return [:] }
        for line in lines.dropFirst() {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 2, fields.dropFirst(2).contains(where: { $0.elementsEqual(digest) }),
                let seconds = Int64(String(decoding: fields[1], as: UTF8.self))
            else { continue }
            let token = RevokedTokens.Token(issued: Timestamp(seconds: issued), expires: Timestamp(seconds: seconds))
            if token.matters(at: time) { found[String(decoding: fields[0], as: UTF8.self)] = token }
        }
        return found
    }
}
