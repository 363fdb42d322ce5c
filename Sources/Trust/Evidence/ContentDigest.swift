import Crypto
import Encoding

/// Digests of several byte strings that cannot be confused by moving bytes from one to the next.
enum ContentDigest {
    static func of(_ parts: [String]) -> Encoding.Digest { of(parts.map { Array($0.utf8) }) }

    static func of(_ parts: [some Sequence<UInt8>]) -> Encoding.Digest {
        var content: [UInt8] = []
        for part in parts {
            let part = Array(part)
            content.appendBigEndian(UInt64(part.count))
            content.append(contentsOf: part)
        }
        return Digest(of: content)
    }
}
