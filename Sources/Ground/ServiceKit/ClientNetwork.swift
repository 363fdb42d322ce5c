#if canImport(Glibc)
    import Glibc
#endif

/// Whom limits are counted for: an IPv4 address, or the /64 network of an IPv6 address.
///
/// A /64 is the least that one customer gets (RFC 6177), so that counting its addresses one by one limits nobody.
package struct ClientNetwork: Hashable, Sendable {
    /// 4 or 8 bytes of the address, or the text of what is no address.
    private let bytes: [UInt8]

    /// - Parameter address: as `ServerRequest.client` has it; nil where there is no connection.
    package init(_ address: String?) {
        let address = address ?? ""
        let plain = String(address.prefix { $0 != "%" })
        if let four = Self.parse(plain, AF_INET, byteCount: 4) {
            bytes = four
        } else if let sixteen = Self.parse(plain, AF_INET6, byteCount: 16) {
            let isMapped = sixteen.prefix(10).allSatisfy { $0 == 0 } && sixteen[10] == 0xff && sixteen[11] == 0xff
            bytes = isMapped ? Array(sixteen.suffix(4)) : Array(sixteen.prefix(8))
        } else {
            bytes = Array(address.utf8)
        }
    }

    private static func parse(_ text: String, _ family: Int32, byteCount: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let isAddress = unsafe bytes.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) == 1 }
        return isAddress ? bytes : nil
    }
}
