/// The URL of an attestation service, in the one form in which two spellings of it are equal: scheme and host without
/// case, the port written out, the path without trailing slashes (key API reference, section 8.1).
package struct AuthorityURL: Hashable, Sendable, CustomStringConvertible {
    /// Lower-case host name or address; an IPv6 address with its brackets.
    package let host: String
    package let port: Int
    /// Empty, or with a leading and without a trailing slash.
    package let path: String

    /// Nil for anything but `https` with a host: user names, queries, fragments and odd characters are not read.
    package init?(_ text: String) {
        let characters = Array(text.utf8)
        guard characters.allSatisfy({ (0x21...0x7e).contains($0) }),
            !characters.contains(where: { "\\?#@%\"<>^`{|}".utf8.contains($0) })
        else { return nil }
        let scheme = "https://"
        guard text.count > scheme.count, text.prefix(scheme.count).lowercased() == scheme else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        guard let (host, port) = Self.hostAndPort(authority) else { return nil }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        guard !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) else { return nil }
        self.host = host.lowercased()
        self.port = port ?? 443
        self.path = String(path)
    }

    /// The two sides of `host[:port]`; nil when either is not of that form.
    package static func hostAndPort(_ authority: some StringProtocol) -> (host: String, port: Int?)? {
        let host: String
        var rest: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = String(authority[...end])
            rest = Substring(authority[authority.index(after: end)...])
            guard
                host.utf8.dropFirst().dropLast().allSatisfy({
                    $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || isHexDigit($0)
                }),
                host.utf8.count > 3
            else { return nil }
        } else {
            host = String(authority.prefix { $0 != ":" })
            rest = Substring(authority.dropFirst(host.count))
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isNameCharacter) else { return nil }
        }
        guard !rest.isEmpty else { return (host, nil) }
        guard rest.removeFirst() == ":", (1...5).contains(rest.count),
            rest.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = Int(rest),
            (1...65_535).contains(port)
        else { return nil }
        return (host, port)
    }

    private static func isHexDigit(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private static func isNameCharacter(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Whether both are served by the same host and port.
    package func hasSameOrigin(as other: AuthorityURL) -> Bool { host == other.host && port == other.port }

    /// Without the default port.
    package var description: String { "https://\(host)\(port == 443 ? "" : ":\(port)")\(path)" }
}
